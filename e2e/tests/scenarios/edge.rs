//! The gateway: no statement of a client about itself is trusted.

use context_mesh_e2e::client::Request;
use context_mesh_e2e::mesh::As;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn what_a_client_sends_is_dropped_at_the_gateway() {
    let mesh = shop();
    let token = mesh.signer().token(&json!({"tenant": "tenant_acme"}));
    let request = get("/checkout")
        .header("authorization", format!("Bearer {token}"))
        .header("x-mesh-context", r#"{"user_id":"forged","loyalty_tier":"gold","caller":"ledger"}"#)
        .header("x-tenant-id", "tenant_forged")
        .header("x-user-id", "forged")
        .header("baggage", "user_id=forged,tenant_id=tenant_forged,color=blue");
    let response = mesh.send(&mesh.gateway(), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(!response.text().contains("forged"), "{}", response.text());
    assert_eq!(saw(&response, "web-frontend", "x-tenant-id"), "tenant_acme");
    assert_eq!(saw(&response, "web-frontend", "x-user-id"), Value::Null);
    assert_eq!(saw(&response, "web-frontend", "x-caller"), "shop-gateway");
    assert!(saw(&response, "web-frontend", "baggage").as_str().unwrap().contains("color=blue"));
    let dropped = report(&mesh, "shop-gateway", "gateway")["dropped"].clone();
    let expected = ["x-mesh-context", "baggage", "x-tenant-id", "x-user-id"];
    assert_eq!(dropped.as_array().unwrap().len(), expected.len(), "{dropped}");
    assert!(expected.iter().all(|carrier| dropped.as_array().unwrap().contains(&json!(carrier))), "{dropped}");
    assert_eq!(counter(&mesh, "shop-gateway", "client_carrier_dropped"), 1);
}

#[test]
fn a_client_without_a_trace_id_gets_one_at_the_gateway() {
    let mesh = shop();
    let token = mesh.signer().token(&json!({"tenant": "tenant_acme"}));
    let request = || Request::get("/checkout").header("authorization", format!("Bearer {token}"));
    let trace = || {
        let response = mesh.send(&mesh.gateway(), request()).unwrap();
        assert_eq!(saw(&response, "ledger", "x-tenant-id"), "tenant_acme");
        saw(&response, "web-frontend", "traceparent").as_str().unwrap().to_owned()
    };
    assert_ne!(trace(), trace(), "every request gets its own");
}

#[test]
fn a_caller_is_who_its_certificate_says() {
    let mesh = pair("");
    let request = get("/").header("x-mesh-context", r#"{"caller":"front","tenant_id":"t1"}"#);
    let response = mesh.send(&mesh.inbound("back", As::Service("client")).unwrap(), request).unwrap();
    assert_eq!(saw(&response, "back", "x-caller"), "client");
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    assert_eq!(counter(&mesh, "back", "caller_mismatch"), 1);
}

#[test]
fn carriers_of_a_peer_that_names_no_service_are_not_believed() {
    let mesh = pair("");
    let peer = mesh.inbound("back", As::Id("spiffe://pair.example/legacy/vm")).unwrap();
    let request = get("/").header("x-mesh-context", r#"{"tenant_id":"t1"}"#).header("x-user-id", "u1");
    let response = mesh.send(&peer, request).unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(saw(&response, "back", "x-tenant-id"), Value::Null);
    assert_eq!(saw(&response, "back", "x-user-id"), Value::Null);
    assert_eq!(report(&mesh, "back", "inbound")["dropped"], json!(["x-mesh-context", "x-user-id"]));
    assert_eq!(counter(&mesh, "back", "carrier_untrusted"), 1);
}
