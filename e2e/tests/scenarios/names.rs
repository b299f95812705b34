//! Services whose accounts, hosts and workloads have other names than the services, and refusals if no rule allows a
//! request.

use context_mesh_e2e::mesh::As;
use serde_json::json;

use crate::support::*;

/// The Envoys, clusters and certificates are named `front` and `back`; policies use `ui` and `api`.
const MESH_OF_NAMES: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: names}
spec:
  trustDomain: pair.example
  default: deny
  domains:
    all:
      namespaces: [default]
      region: eu
      services:
        - {name: ui, identities: [front], workloads: [front]}
        - {name: api, identities: [back], hosts: [back], workloads: [back]}
        - client
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    iban: {type: string, header: x-iban, residency: [eu], origin: [client]}
    from: {type: string, header: x-from}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: ui, domain: all}
spec:
  workloads: [ui]
  rules:
    - {name: client, when: "peer.service == 'client' || peer.serviceAccount == 'guest'", allow: {}}
"#;

/// The services that may call `api`, and the ones that `ui` may call.
const RULES: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: api, domain: all}
spec:
  workloads: [api]
  rules:
    - {name: ui, when: "peer.service == 'ui' && peer.namespace == 'default'", allow: {}}
    - {name: note, when: "peer.service == 'ui'", set: {from: peer.serviceAccount}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: calls, domain: all}
spec:
  workloads: [ui]
  direction: outbound
  rules:
    - {name: elsewhere, when: "destination.service != 'api'", deny: {status: 502}}
"#;

#[test]
fn services_are_known_by_their_accounts_hosts_and_workloads() {
    let mesh = pair_with(&format!("{MESH_OF_NAMES}{RULES}"), 1);
    let response = mesh.send(&peer(&mesh, "front"), get("/").header("x-iban", "DE1")).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    // The caller and the destination of the call were both known: the caller was allowed, and the field was sent to its
    // region.
    assert_eq!(saw(&response, "back", "x-from"), "front");
    assert_eq!(saw(&response, "back", "x-iban"), "DE1");
    assert_no_trap(&mesh);
}

#[test]
fn an_identity_counts_in_its_namespace() {
    let mesh = pair_with(&format!("{MESH_OF_NAMES}{RULES}"), 1);
    let arrives = |id| mesh.send(&mesh.inbound("back", As::Id(id)).unwrap(), get("/")).unwrap().status;
    for (id, status) in [
        ("spiffe://pair.example/ns/default/sa/front", 200),
        ("spiffe://pair.example/ns/playground/sa/front", 403),
        // A service with listed identities is not known by its own name.
        ("spiffe://pair.example/ns/default/sa/ui", 403),
    ] {
        assert_eq!(arrives(id), status, "{id}");
    }
    let guest = mesh.inbound("front", As::Id("spiffe://pair.example/ns/any/sa/guest")).unwrap();
    assert_eq!(mesh.send(&guest, get("/")).unwrap().status, 200);
}

#[test]
fn what_no_rule_allows_is_refused() {
    let mesh = pair_with(MESH_OF_NAMES, 1);
    let response = mesh.send(&peer(&mesh, "back"), get("/")).unwrap();
    assert_eq!((response.status, response.text().as_str()), (403, "no rule allows this request"));
    let lines = mesh.access_log_when("back", |lines| !lines.is_empty()).unwrap();
    assert_eq!(report_of(&lines[0])["rule"], "mesh/default");
    // The other service has an allow rule. The call that it makes is refused in turn.
    let response = mesh.send(&peer(&mesh, "front"), get("/")).unwrap();
    assert_eq!((response.status, &response.json().unwrap()["downstream_status"]), (200, &json!(403)));
}

/// A service of two regions, and a field that may be in one of them.
const REGIONS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: regions}
spec:
  trustDomain: pair.example
  identity: /ns/default/sa/{service}
  domains:
    all:
      region: eu
      services: [front, client, {name: back, regions: [eu, us]}]
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    iban: {type: string, header: x-iban, residency: [eu], origin: [client]}
    plan: {type: string, header: x-plan, origin: [client]}
    where: {type: string, header: x-where}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: back, domain: all}
spec:
  workloads: [back]
  rules:
    - {name: note, set: {where: "'in ' + mesh.region"}}
"#;

/// Which of the regions of a service a proxy is in says its locality.
#[test]
fn the_locality_of_the_proxy_decides_among_the_regions_of_a_service() {
    for (region, iban, place) in [("eu", json!("DE1"), json!("in eu")), ("us", json!(null), json!("in us"))] {
        let mesh = pair_built(REGIONS, |mesh| {
            mesh.bootstrap(move |text| {
                let node = text.find("\n  cluster: ").unwrap();
                format!("{}\n  locality: {{region: {region}}}{}", &text[..node], &text[node..])
            })
        });
        let request = get("/").header("x-mesh-context", r#"{"iban":"DE1","plan":"gold"}"#);
        let response = mesh.send(&mesh.inbound("back", As::Service("client")).unwrap(), request).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = ["x-iban", "x-plan", "x-where"].map(|header| saw(&response, "back", header));
        assert_eq!(seen, [iban, json!("gold"), place], "{region}");
        assert_no_trap(&mesh);
    }
}

/// Before allow rules are enforced, one must know who would be refused.
#[test]
fn an_allow_rule_in_shadow_reports_who_would_be_refused() {
    let mesh = pair(
        r#"---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: back, domain: all}
spec:
  workloads: [back]
  rules:
    - {name: front, when: "peer.service == 'front'", allow: {}, enforcement: shadow}
"#,
    );
    let send = |service| mesh.send(&mesh.inbound("back", As::Service(service)).unwrap(), get("/")).unwrap().status;
    assert_eq!((send("front"), counter(&mesh, "back", "shadow_refused")), (200, 0));
    assert_eq!((send("client"), counter(&mesh, "back", "shadow_refused")), (200, 1));
    let lines = mesh.access_log_when("back", |lines| lines.len() >= 2).unwrap();
    let shadow: Vec<_> = lines.iter().map(|line| report_of(line)["shadow"].clone()).collect();
    assert!(shadow.contains(&json!(["domain allow rules"])), "{shadow:?}");
    assert_no_trap(&mesh);
}
