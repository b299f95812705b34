//! A context travels through applications that forward nothing but a trace id.

use context_mesh_e2e::client::Request;
use serde_json::{Value, json};

use crate::support::*;

const HOPS: [&str; 4] = ["web-frontend", "checkout-service", "payment-service", "ledger"];

#[test]
fn a_context_minted_at_the_gateway_reaches_the_ledger_though_applications_forward_only_the_trace_id() {
    let mesh = shop();
    let token = mesh.signer().token(&json!({"sub": "user_7", "tenant": "tenant_acme", "plan": "beta", "tier": "gold"}));
    let request = Request::get("/checkout").header("authorization", format!("Bearer {token}"));
    let response = mesh.send(&mesh.gateway(), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let callers = ["shop-gateway", "web-frontend", "checkout-service", "payment-service"];
    for (service, caller) in HOPS.iter().zip(callers) {
        assert_eq!(saw(&response, service, "x-tenant-id"), "tenant_acme", "{service}");
        assert_eq!(saw(&response, service, "x-user-id"), "user_7", "{service}");
        assert_eq!(saw(&response, service, "x-feature-flags"), "[\"new_checkout\"]", "{service}");
        assert_eq!(saw(&response, service, "x-environment"), "production", "{service}");
        assert_eq!(saw(&response, service, "x-caller"), caller, "{service}");
        assert_eq!(saw(&response, service, "x-mesh-context"), Value::Null, "{service}");
        assert_eq!(report(&mesh, service, "inbound")["peer"], caller, "{service}");
    }
    let first = saw(&response, "web-frontend", "x-correlation-id");
    assert_eq!(saw(&response, "ledger", "x-correlation-id"), first);
    assert!(saw(&response, "ledger", "baggage").as_str().unwrap().contains("tenant_id=tenant_acme"));
    // The shop's own field is redacted by a rule for the calls of payment-service.
    assert_eq!(saw(&response, "payment-service", "x-loyalty-tier"), "gold");
    assert_eq!(saw(&response, "ledger", "x-loyalty-tier"), Value::Null);
    assert_eq!(report(&mesh, "payment-service", "outbound")["redacted"], json!(["loyalty_tier"]));
    let recalled = report(&mesh, "web-frontend", "outbound")["recalled"].clone();
    assert!(recalled.as_array().unwrap().contains(&json!("tenant_id")), "{recalled}");
    for service in HOPS {
        assert_eq!(counter(&mesh, service, "recall_miss"), 0, "{service}");
    }
    assert_no_trap(&mesh);
}

#[test]
fn an_undeclared_field_arrives_byte_for_byte() {
    let mesh = pair("");
    let custom =
        r#"{"big":123456789012345678901234567890,"one":1.0,"exp":1E+2,"text":"a\u00e9\/\"","list":[ 1 ,{"x":null}]}"#;
    let context = format!("{{\"tenant_id\":\"t1\",\"custom\":{custom}}}");
    let request = get("/").header("x-mesh-context", &context);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    // The context that `front` sends to `back` is encoded. An application in a mesh that presents it reads it
    // unchanged.
    assert_eq!(report(&mesh, "back", "inbound")["fields"], json!(["tenant_id", "custom", "caller"]));
    let tree = MESH.replace("trustDomain: pair.example", "trustDomain: pair.example\n  carriers: {present: [mesh]}");
    let mesh = pair_with(&tree, 1);
    let request = get("/").header("x-mesh-context", &context);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    let arrived = saw(&response, "back", "x-mesh-context");
    let policy = context_mesh_e2e::policy::Policy::from_text(&tree).unwrap();
    let program = context_mesh_core::artifact::load(&policy.artifact).unwrap();
    let header = arrived.as_str().unwrap().as_bytes();
    let decoded = context_mesh_core::carrier::mesh_header::decode(header, program.words()).unwrap();
    assert_eq!(decoded.context.get("custom"), Some(custom));
    assert_eq!(decoded.context.get("caller"), Some("\"front\""));
}

#[test]
fn an_immutable_field_that_an_application_changed_is_restored() {
    let mesh = pair("");
    let request = get("/?send.front=x-tenant-id:evil").header("x-mesh-context", r#"{"tenant_id":"good"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(saw(&response, "back", "x-tenant-id"), "good");
    assert_eq!(report(&mesh, "front", "outbound")["restored"], json!(["tenant_id"]));
    assert_eq!(counter(&mesh, "front", "field_restored"), 1);
}

#[test]
fn an_application_may_change_and_add_what_is_not_immutable() {
    let mesh = pair("");
    let sent = "/?send.front=x-mesh-context:%7B%22feature_flags%22%3A%5B%22b%22%5D%2C%22user_id%22%3A%22u2%22%7D";
    let request = get(sent).header("x-mesh-context", r#"{"feature_flags":["a"],"user_id":"u1"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(saw(&response, "back", "x-user-id"), "u2");
    assert!(saw(&response, "back", "baggage").as_str().unwrap().contains("feature_flags="));
    let fields = report(&mesh, "back", "inbound")["fields"].clone();
    assert_eq!(fields, json!(["feature_flags", "user_id", "caller"]));
}

#[test]
fn a_redacted_field_never_reappears_downstream() {
    let mesh = pair(
        r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: privacy, domain: all}
spec:
  workloads: [front]
  rules:
    - name: no-user
      redact: [user_id]
"#,
    );
    // The application sends the user itself, in two carriers.
    let path = "/?send.front=x-user-id:u1&send.front=baggage:user_id%3Du1";
    let request = get(path).header("x-mesh-context", r#"{"tenant_id":"t1","user_id":"u1"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    for service in ["front", "back"] {
        assert_eq!(saw(&response, service, "x-user-id"), Value::Null, "{service}");
        assert_eq!(saw(&response, service, "x-tenant-id"), "t1", "{service}");
        assert!(!saw(&response, service, "baggage").to_string().contains("u1"), "{service}");
    }
    assert_eq!(report(&mesh, "front", "inbound")["redacted"], json!(["user_id"]));
    assert_eq!(report(&mesh, "front", "outbound")["withheld"], json!(["user_id"]));
}

#[test]
fn a_request_without_context_is_served_and_warned_about() {
    let mesh = pair("");
    let response = mesh.send(&peer(&mesh, "front"), get("/")).unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(saw(&response, "front", "x-caller"), "client");
    assert_eq!(saw(&response, "back", "x-caller"), "front");
    assert_eq!(counter(&mesh, "front", "context_missing"), 2, "inbound and outbound");
    let log = mesh.envoy_log("front").unwrap();
    assert!(log.contains("context_mesh: context_missing (1 since the last such line)"), "{log}");
}

#[test]
fn a_request_without_any_trace_id_is_served_and_counted() {
    let mesh = pair("");
    let response =
        mesh.send(&peer(&mesh, "front"), Request::get("/").header("x-mesh-context", "{\"tenant_id\":\"t\"}"));
    // Envoy makes a request id, which the application does not forward.
    assert_eq!(saw(&response.unwrap(), "back", "x-tenant-id"), Value::Null);
    assert_eq!(counter(&mesh, "front", "recall_miss"), 1);
}
