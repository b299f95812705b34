//! The way out of the mesh, by the bootstrap that ships.

use context_mesh_e2e::client::{Endpoint, Request, Response};
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder};
use context_mesh_e2e::outside::Outside;
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::OutsideHost;
use serde_json::{Value, json};

use crate::support::*;

const HOST: &str = "api.partner.example";
/// A host that answers with the certificate of [`HOST`].
const IMPOSTOR: &str = "api.other.example";

/// `front` calls `back`, and the partner through `exit`.
fn mesh(outside: &Outside) -> Mesh {
    let tree = MESH.replace("[front, back, client]", "[front, back, client, exit]");
    let policy = Policy::from_text(&tree).unwrap();
    let host = |name: &str| OutsideHost {
        name: name.to_owned(),
        address: outside.address(),
        authority: outside.authority().to_owned(),
    };
    MeshBuilder::new("pair.example")
        .egress("exit", vec![host(HOST), host(IMPOSTOR)])
        .service("front", &["back", HOST])
        .service("back", &[])
        .filter(policy::filter().unwrap(), move |service, role| policy.configuration(service, role))
        .start()
        .unwrap()
}

fn headers(response: &Response) -> Value {
    response.hop("partner").unwrap()["saw"].clone()
}

fn names(headers: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = headers.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_call_leaves_through_the_egress_without_its_context() {
    let outside = Outside::start("partner", HOST).unwrap();
    let mesh = mesh(&outside);
    let request = get("/?forward.front=traceparent,tracestate,baggage")
        .header("x-mesh-context", r#"{"tenant_id":"t1","user_id":"u1"}"#)
        .header("x-forwarded-for", "10.1.2.3");
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(response.json().unwrap()["downstream_status"], json!([200, 200]), "{}", response.text());
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    let seen = headers(&response);
    assert_eq!(names(&seen), ["traceparent", "x-forwarded-proto", "x-request-id"], "{seen}");
    assert_eq!((&seen["traceparent"], &seen["x-forwarded-proto"]), (&json!(TRACE), &json!("https")));
    let report = report(&mesh, "exit", "egress");
    assert_eq!((&report["role"], &report["service"]), (&json!("egress"), &json!("exit")));
    assert_eq!(report.get("dropped"), None, "the sidecar has done its part");
    let lines = mesh.access_log("exit").unwrap();
    assert_eq!(lines[0]["peer"], mesh.topology().spiffe_id("front"));
    assert_eq!((&lines[0]["upstream_cluster"], &lines[0]["status"]), (&json!(HOST), &json!(200)));
    assert_no_trap(&mesh);
}

/// What comes past a sidecar, or from one that does not know the fields yet, ends at the egress.
#[test]
fn what_arrives_at_the_egress_with_a_context_goes_on_without() {
    let outside = Outside::start("partner", HOST).unwrap();
    let mesh = mesh(&outside);
    let egress = mesh.inbound("exit", As::Service("front")).unwrap();
    for endpoint in [egress.clone(), egress.http2()] {
        let request = get("/v1/charges")
            .authority(HOST)
            .header("x-mesh-context", r#"{"tenant_id":"t1"}"#)
            .header("x-tenant-id", "t1")
            .header("x-user-id", "u1")
            .header("tracestate", "a=b,cmesh=1.2")
            .header("baggage", "user_id=u1,cmesh.ticket=1.2,color=blue")
            .header("x-forwarded-for", "10.1.2.3")
            .header("x-envoy-attempt-count", "1");
        let response = mesh.send(&endpoint, request).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = headers(&response);
        assert_eq!((&seen["baggage"], &seen["tracestate"]), (&json!("color=blue"), &json!("a=b")), "{seen}");
        assert_eq!(
            names(&seen),
            ["baggage", "traceparent", "tracestate", "x-forwarded-proto", "x-request-id"],
            "{seen}"
        );
    }
    let dropped = report(&mesh, "exit", "egress")["dropped"].clone();
    assert_eq!(dropped, json!(["x-mesh-context", "baggage", "x-tenant-id", "x-user-id"]));
    assert_no_trap(&mesh);
}

#[test]
fn only_hosts_that_are_listed_and_are_who_they_say_are_reached_and_only_by_peers_of_the_mesh() {
    let outside = Outside::start("partner", HOST).unwrap();
    let mesh = mesh(&outside);
    let status = |endpoint: &Endpoint, host: &str| {
        mesh.send(endpoint, Request::get("/").authority(host)).map(|response| response.status).ok()
    };
    let front = mesh.inbound("exit", As::Service("front")).unwrap();
    assert_eq!(status(&front, HOST), Some(200));
    assert_eq!(status(&front, &format!("{HOST}:443")), Some(200), "the port is no part of the name");
    assert_eq!(status(&front, "elsewhere.example"), Some(503), "no such cluster");
    assert_eq!(status(&front, IMPOSTOR), Some(503), "the certificate is of another host");
    for nobody in [As::Nobody, As::Stranger("front"), As::Id("spiffe://other.example/ns/default/sa/front")] {
        assert_eq!(status(&mesh.inbound("exit", nobody).unwrap(), HOST), None, "{nobody:?}");
    }
    let twice = As::Ids(["spiffe://pair.example/ns/default/sa/front", "spiffe://pair.example/ns/default/sa/back"]);
    assert_eq!(status(&mesh.inbound("exit", twice).unwrap(), HOST), Some(403));
}
