//! Nothing of the context leaves the mesh, neither with calls to other systems nor with answers to clients.

use context_mesh_e2e::mesh::{Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use serde_json::{Value, json};

use crate::support::*;

/// The proxy of `outside`, which trusts everyone, and shows its application everything that it received.
const OUTSIDE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: outside}
spec:
  trustDomain: pair.example
  identity: /ns/default/sa/{service}
  trust: {peers: any}
  carriers: {present: [headers, baggage]}
  domains:
    all: {services: [outside]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields}
spec:
  fields:
    tenant_id: {type: string, header: x-tenant-id}
    user_id: {type: string, header: x-user-id}
"#;

fn with_outside(tree: &str) -> Mesh {
    let (policy, outside) = (Policy::from_text(tree).unwrap(), Policy::from_text(OUTSIDE).unwrap());
    MeshBuilder::new("pair.example")
        .gateway("edge", "front")
        .without_tokens()
        .service("front", &["back", "outside"])
        .service("back", &[])
        .service("outside", &[])
        .filter(policy::filter().unwrap(), move |service, role| {
            if service == "outside" { &outside } else { &policy }.configuration(service, role)
        })
        .start()
        .unwrap()
}

#[test]
fn with_a_call_to_no_service_of_the_mesh_nothing_leaves() {
    let mesh = with_outside(MESH);
    let said = "send.front=x-user-id:u1&send.front=baggage:user_id%3Du1,k%3Dv";
    for query in ["forward.front=traceparent,tracestate,baggage", "forward.front=traceparent", said] {
        let request = get(&format!("/?{query}")).header("x-mesh-context", r#"{"tenant_id":"t1","user_id":"u1"}"#);
        let response = mesh.send(&peer(&mesh, "front"), request.header("tracestate", "k=v")).unwrap();
        assert_eq!(saw(&response, "back", "x-tenant-id"), "t1", "{query}");
        let outside = response.hop("outside").unwrap()["saw"].clone();
        for header in ["x-tenant-id", "x-user-id", "x-mesh-context"] {
            assert_eq!(outside[header], Value::Null, "{query}: {header}");
        }
        let baggage = outside["baggage"].as_str().unwrap_or_default().to_owned();
        // The ticket is that of its own proxy.
        assert_eq!((baggage.matches("cmesh").count(), baggage.contains("u1")), (1, false), "{query}: {baggage}");
    }
    assert_eq!(counter(&mesh, "front", "left_mesh"), 3);
    let out = |line: &&Value| line["upstream_cluster"] == "outside";
    let lines = mesh.access_log_when("front", |lines| lines.iter().any(|line| out(&line))).unwrap();
    assert_eq!(report_of(lines.iter().find(out).unwrap())["stayed"], json!(["tenant_id", "user_id"]));
    assert_no_trap(&mesh);
}

/// An application includes what it was shown in its answer.
#[test]
fn answers_to_clients_carry_no_context() {
    let mesh = with_outside(
        &MESH.replace("  domains:\n", "  gateways: [edge]\n  domains:\n").replace("[front,", "[edge, front,"),
    );
    let echoed =
        ["x-user-id:u1", "x-tenant-id:t1", "x-mesh-context:e30", "baggage:user_id%3Du1", "tracestate:cmesh%3D1"];
    let query: Vec<String> = echoed.iter().map(|header| format!("respond.front={header}")).collect();
    let path = format!("/?{}&respond.front=x-other:1", query.join("&"));
    let response = mesh.send(&mesh.gateway(), get(&path)).unwrap();
    assert_eq!((response.status, response.header("x-other").as_deref()), (200, Some("1")), "{}", response.text());
    for header in ["x-user-id", "x-tenant-id", "x-mesh-context", "baggage", "tracestate"] {
        assert_eq!(response.header(header), None, "{header}");
    }
    // Within the mesh, answers stay unchanged.
    let response = mesh.send(&peer(&mesh, "front"), get(&path)).unwrap();
    assert_eq!(response.header("x-user-id").as_deref(), Some("u1"));
}
