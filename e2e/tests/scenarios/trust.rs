//! Trust: the peers whose carriers count, and the fields for which an application is trusted.

use context_mesh_e2e::client::Request;
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use serde_json::{Value, json};

use crate::support::*;

/// Two domains in separate namespaces. No peer is without a filter.
const NAMESPACES: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: pair}
spec:
  trustDomain: pair.example
  gateways: [edge]
  domains:
    all: {services: [edge, front, back, job], namespaces: [default]}
    partner: {services: [client], namespaces: [partner, default]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    caller: {type: string, header: x-caller}
    tenant_id: {type: string, immutable: true, header: x-tenant-id, origin: [job]}
    note: {type: string, header: x-note}
"#;

fn mesh_of(tree: &str) -> Mesh {
    let policy = Policy::from_text(tree).unwrap();
    assert_eq!(policy.warnings, "");
    MeshBuilder::new("pair.example")
        .service("front", &["back"])
        .service("job", &["back"])
        .service("back", &[])
        .filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r))
        .start()
        .unwrap()
}

/// Returns what the application of `front` is shown of a request from this peer.
fn shown(mesh: &Mesh, peer: As<'_>, more: &[(&str, &str)]) -> [Value; 3] {
    let request = Request::get("/");
    let request = more.iter().fold(request, |request, (name, value)| request.header(name, *value));
    let response = mesh.send(&mesh.inbound("front", peer).unwrap(), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    ["x-tenant-id", "x-note", "x-caller"].map(|header| saw(&response, "front", header))
}

#[test]
fn only_services_that_the_mesh_lists_are_sources_in_the_namespaces_of_their_domains() {
    let mesh = mesh_of(NAMESPACES);
    let attached = ("x-mesh-context", r#"{"tenant_id":"t1"}"#);
    let known = [json!("t1"), Value::Null, json!("client")];
    let nothing = [Value::Null, Value::Null, Value::Null];
    for (id, expected) in [
        ("spiffe://pair.example/ns/default/sa/client", &known),
        ("spiffe://pair.example/ns/partner/sa/client", &known),
        ("spiffe://pair.example/ns/playground/sa/client", &nothing),
        ("spiffe://pair.example/ns/partner/sa/back", &nothing),
        ("spiffe://pair.example/ns/default/sa/ingress", &nothing),
        ("spiffe://pair.example/ns/default/sa/client/", &nothing),
        ("spiffe://pair.example/ns/./sa/client", &nothing),
        ("spiffe://pair.example/ns/x/../default/sa/client", &nothing),
        ("spiffe://pair.example/ns/def%61ult/sa/client", &nothing),
    ] {
        assert_eq!(shown(&mesh, As::Id(id), &[attached]), *expected, "{id}");
    }
    assert_eq!(counter(&mesh, "front", "carrier_untrusted"), 7);
    assert_no_trap(&mesh);
}

#[test]
fn a_certificate_with_two_uris_is_refused() {
    let mesh = mesh_of(NAMESPACES);
    let [client, back] = ["client", "back"].map(|name| format!("spiffe://pair.example/ns/default/sa/{name}"));
    for uris in [[client.as_str(), &back], [&back, &client], [&client, "https://elsewhere.example"]] {
        let endpoint = mesh.inbound("front", As::Ids(uris)).unwrap();
        assert_eq!(mesh.send(&endpoint, get("/")).unwrap().status, 403, "{uris:?}");
    }
}

#[test]
fn beside_what_the_peers_proxy_attached_nothing_counts() {
    let strict = "  trust: {peersWithoutFilter: []}\n  gateways: [edge]";
    let mesh = mesh_of(&NAMESPACES.replace("  gateways: [edge]", strict));
    let attached = ("x-mesh-context", r#"{"tenant_id":"t1"}"#);
    let past = [("x-note", "evil"), ("baggage", "note=evil,tenant_id=evil")];
    let client = As::Service("client");
    let tenant = [json!("t1"), Value::Null, json!("client")];
    assert_eq!(shown(&mesh, client, &[attached, past[0], past[1]]), tenant);
    assert_eq!(shown(&mesh, client, &past), [Value::Null, Value::Null, json!("client")]);
    assert_eq!(
        shown(&mesh, client, &[("x-mesh-context", "broken"), past[0]]),
        [Value::Null, Value::Null, json!("client")]
    );
    // If the mesh does not list the services without a filter, a peer that attaches no context counts as one: a filter
    // would have attached at least the caller.
    let named = "  trust: {peersWithoutFilter: [client]}\n  gateways: [edge]";
    for tree in [NAMESPACES.to_owned(), NAMESPACES.replace("  gateways: [edge]", named)] {
        let mesh = mesh_of(&tree);
        assert_eq!(shown(&mesh, client, &past), [json!("evil"), json!("evil"), json!("client")]);
        let [_, note, _] = shown(&mesh, client, &[attached, past[0]]);
        assert_eq!(note.is_null(), tree == NAMESPACES, "beside an `x-mesh-context`: {note}");
    }
}

/// A gateway that does not know a new field yet lets a client's header for it through. The services after it do not
/// trust the header.
#[test]
fn during_a_rollout_a_client_sets_no_new_field_at_an_older_gateway() {
    let older = Policy::from_text(&NAMESPACES.replace("    note: {type: string, header: x-note}\n", "")).unwrap();
    let newer = Policy::from_text(NAMESPACES).unwrap();
    let mesh = MeshBuilder::new("pair.example")
        .gateway("edge", "front")
        .service("front", &["back"])
        .service("back", &[])
        .without_tokens()
        .filter(policy::filter().unwrap(), move |service, role| {
            if service == "edge" { &older } else { &newer }.configuration(service, role)
        })
        .start()
        .unwrap();
    let request = get("/").header("x-note", "evil").header("baggage", "note=evil");
    let response = mesh.send(&mesh.gateway(), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    for service in ["front", "back"] {
        assert_eq!(saw(&response, service, "x-note"), Value::Null, "{service}");
        let baggage = saw(&response, service, "baggage").to_string();
        assert!(!baggage.contains("note"), "{service}: {baggage}");
    }
}

/// The application uses a new trace id, and sends arbitrary values.
#[test]
fn without_its_request_an_application_is_believed_only_what_it_is_the_origin_of() {
    let mesh = mesh_of(NAMESPACES);
    let own = "traceparent:00-11111111111111111111111111111111-00f067aa0ba902b7-01";
    for (service, tenant) in [("front", Value::Null), ("job", json!("evil"))] {
        let said = format!("send.{service}={own}&send.{service}=x-tenant-id:evil&send.{service}=x-note:said");
        let path = format!("/?forward.{service}=&{said}");
        let request = get(&path).header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
        let response = mesh.send(&peer(&mesh, service), request).unwrap();
        assert_eq!(saw(&response, service, "x-tenant-id"), "t1", "{service}");
        let seen = ["x-tenant-id", "x-note"].map(|header| saw(&response, "back", header));
        assert_eq!(seen, [tenant.clone(), json!("said")], "{service}");
        assert_eq!(counter(&mesh, service, "field_unbelieved"), u64::from(tenant.is_null()), "{service}");
    }
    assert_no_trap(&mesh);
}
