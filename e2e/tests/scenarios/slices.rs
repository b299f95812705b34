//! Slices: artifacts that only contain what one service needs. They decide like the whole artifact, and no other
//! service can load them.

use context_mesh_core::artifact;
use context_mesh_core::carrier::mesh_header;
use context_mesh_e2e::client::{Request, Response};
use context_mesh_e2e::envoy::Envoy;
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder, PushOutcome};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::{Role, Topology};
use serde_json::{Value, json};

use crate::support::*;

/// Returns the demo mesh, each service with its slice.
fn sliced_shop() -> Mesh {
    let policy = Policy::shop().unwrap();
    let configuration = move |service: &str, role| policy.slice(service).unwrap().configuration(service, role);
    MeshBuilder::shop().filter(policy::filter().unwrap(), configuration).start().unwrap()
}

/// Returns a JSON value without everything that differs between requests or artifacts, at any depth.
fn comparable(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            let own = ["artifact", "x-request-id", "x-correlation-id", "baggage", "tracestate"];
            members.retain(|name, _| !own.contains(&name.as_str()));
            members.values_mut().for_each(|member| *member = comparable(member.take()));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| *element = comparable(element.take())),
        _ => {}
    }
    value
}

/// Returns the parts of an answer that are the same for each such request.
fn answer(response: &Response) -> (u16, Option<String>, Value) {
    let body = response.json().map_or_else(|_| response.text().into(), comparable);
    (response.status, response.grpc_status(), body)
}

/// Returns what the filters of a service reported, in an order that does not depend on which listener logged first.
fn reports(mesh: &Mesh, service: &str) -> Vec<String> {
    let stats = mesh.stats(service).unwrap();
    let listeners = ["inbound", "outbound", "gateway"];
    let count: u64 = listeners.iter().map(|name| stats.get(&format!("http.{name}.downstream_rq_completed"))).sum();
    let lines = mesh.access_log_when(service, |lines| lines.len() as u64 == count).unwrap();
    let mut reports: Vec<_> = lines.iter().map(|line| comparable(report_of(line)).to_string()).collect();
    reports.sort_unstable();
    reports
}

#[test]
fn slices_decide_like_the_whole() {
    let (whole, sliced) = (shop(), sliced_shop());
    let tokens = [
        None,
        Some(json!({"sub": "user_7", "tenant": "tenant_acme", "plan": "beta", "tier": "gold"})),
        Some(json!({"sub": "user_7", "tenant": "tenant_test_1"})),
        Some(json!({"sub": "user_7", "tenant": "Not Allowed"})),
    ];
    let mut statuses = Vec::new();
    for (path, claims) in ["/cart", "/refund"].iter().flat_map(|path| tokens.iter().map(move |t| (path, t))) {
        let send = |mesh: &Mesh| {
            let mut request = get(path).header("x-user-id", "forged");
            if let Some(claims) = claims {
                request = request.header("authorization", format!("Bearer {}", mesh.signer().token(claims)));
            }
            answer(&mesh.send(&mesh.gateway(), request).unwrap())
        };
        let (expected, found) = (send(&whole), send(&sliced));
        assert_eq!(found, expected, "{path} {claims:?}");
        statuses.push(found.0);
    }
    // Without the gateway: peers that may call, and one that may not.
    for service in Topology::shop().services.iter().map(|service| service.name.as_str()) {
        for peer in ["checkout-service", "payment-service", "stranger"] {
            let send = |mesh: &Mesh| {
                let endpoint = mesh.inbound(service, As::Service(peer)).unwrap();
                let context =
                    r#"{"tenant_id":"tenant_acme","correlation_id":"c1","loyalty_tier":"silver","user_id":"u1"}"#;
                let http = get("/refund").header("x-mesh-context", context);
                let grpc =
                    Request::grpc("/pay.Charge/Do").header("traceparent", TRACE).header("x-mesh-context", context);
                [answer(&mesh.send(&endpoint, http).unwrap()), answer(&mesh.send(&endpoint.http2(), grpc).unwrap())]
            };
            let (expected, found) = (send(&whole), send(&sliced));
            assert_eq!(found, expected, "{peer} to {service}");
            statuses.extend(found.map(|answer| answer.0));
        }
    }
    assert!(statuses.contains(&200) && statuses.iter().any(|status| *status >= 400), "{statuses:?}");
    let policy = Policy::shop().unwrap();
    for service in whole.envoys().map(Envoy::name) {
        let expected = reports(&whole, service);
        assert!(expected.len() > 1, "{service}: {expected:?}");
        assert_eq!(reports(&sliced, service), expected, "{service}");
        let artifact = |mesh: &Mesh| report_of(&mesh.access_log(service).unwrap()[0])["artifact"].clone();
        assert_eq!(artifact(&whole), json!(policy.digest));
        assert_eq!(artifact(&sliced), json!(policy.slice(service).unwrap().digest));
    }
    assert_no_trap(&sliced);
}

#[test]
fn a_slice_of_another_service_is_refused_and_the_last_good_policy_stays_in_force() {
    let tree = format!("{MESH}{}", CLOSED_TO_STRANGERS);
    let policy = Policy::from_text(&tree).unwrap();
    let mesh = pair_with(&tree, 1);
    let status = || mesh.send(&peer(&mesh, "back"), get("/")).unwrap().status;
    assert_eq!(status(), 403);
    let push = |slice_of: &str| {
        let configuration = policy.slice(slice_of).unwrap().configuration("back", Role::Inbound);
        mesh.push_filter_config("back", Role::Inbound, &configuration).unwrap()
    };
    for other in ["front", "client"] {
        assert_eq!(push(other), PushOutcome::Rejected);
        let log = mesh.envoy_log("back").unwrap();
        let reason = format!(
            "context_mesh: configuration refused: the artifact was built for service `{other}`, and this is `back`: \
             ship the one built with `--service back`"
        );
        assert!(log.contains(&reason), "{log}");
        // The slice of `front` has no rule that refuses.
        assert_eq!(status(), 403, "the last good policy stays in force");
    }
    assert_eq!(report(&mesh, "back", "inbound")["artifact"], json!(policy.digest));
    assert_eq!(push("back"), PushOutcome::Accepted);
    assert_eq!(status(), 403);
    let digest = policy.slice("back").unwrap().digest;
    assert_ne!(digest, policy.digest);
    mesh.access_log_when("back", |lines| lines.iter().any(|line| report_of(line)["artifact"] == json!(digest)))
        .unwrap();
    assert_no_trap(&mesh);
}

/// A rule that only `back` has.
const CLOSED_TO_STRANGERS: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guard, domain: all}
spec:
  workloads: [back]
  direction: inbound
  rules:
    - {name: from-front-only, when: peer.service != 'front', deny: {status: 403}}
"#;

#[test]
fn sidecars_with_the_whole_and_with_a_slice_understand_each_other() {
    let presented = "trustDomain: pair.example\n  carriers: {present: [headers, mesh]}";
    let tree = format!("{}{CLOSED_TO_STRANGERS}", MESH.replace("trustDomain: pair.example", presented));
    let policy = Policy::from_text_and_lock(&tree, &locked(&tree, "", LONG_AGO)).unwrap();
    let load = |artifact: &[u8]| artifact::load(artifact).unwrap();
    let (whole, none) = (load(&policy.artifact), load(&Policy::from_text(OTHER_WORDS).unwrap().artifact));
    for sliced in ["front", "back"] {
        let configurations = policy.clone();
        let mesh = MeshBuilder::new("pair.example")
            .service("front", &["back"])
            .service("back", &[])
            .filter(policy::filter().unwrap(), move |service, role| {
                let slice = configurations.slice(service).unwrap();
                if service == sliced { slice } else { configurations.clone() }.configuration(service, role)
            })
            .start()
            .unwrap();
        let context = r#"{"tenant_id":"t1","user_id":"u1","feature_flags":["a"],"custom":{"a":1.0}}"#;
        let response = mesh.send(&peer(&mesh, "front"), get("/").header("x-mesh-context", context)).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        let slice = load(&policy.slice(sliced).unwrap().artifact);
        for (service, caller) in [("front", "client"), ("back", "front")] {
            let header = saw(&response, service, "x-mesh-context").as_str().unwrap().to_owned();
            // Its names are numbers: they cannot be read without the words.
            let unread = mesh_header::decode(header.as_bytes(), none.words()).unwrap().context;
            assert_eq!(unread.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["custom"]);
            for program in [&whole, &slice] {
                let read = mesh_header::decode(header.as_bytes(), program.words()).unwrap().context;
                let fields = ["tenant_id", "user_id", "feature_flags", "custom", "caller"].map(|field| read.get(field));
                let caller = format!("\"{caller}\"");
                let expected = ["\"t1\"", "\"u1\"", "[\"a\"]", "{\"a\":1.0}", caller.as_str()].map(Some);
                assert_eq!(fields, expected, "{service}");
            }
            assert_eq!(saw(&response, service, "x-user-id"), "u1");
            assert_eq!(counter(&mesh, service, "carrier_invalid"), 0, "{service}");
        }
        assert_ne!(report(&mesh, "front", "inbound")["artifact"], report(&mesh, "back", "inbound")["artifact"]);
        assert_no_trap(&mesh);
    }
}

/// A mesh with other fields, and without any numbers.
const OTHER_WORDS: &str = r"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: other}
spec:
  trustDomain: other.example
  identity: /ns/default/sa/{service}
  domains:
    other: {services: [one]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: words, domain: other}
spec:
  fields:
    word: {type: string}
";
