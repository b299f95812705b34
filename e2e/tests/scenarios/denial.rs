//! A request that a rule refuses: the answer to the caller, and the access log.

use context_mesh_e2e::client::Request;
use context_mesh_e2e::policy::Policy;
use serde_json::json;

use crate::support::*;

const GUARD: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guard, domain: all}
spec:
  workloads: [back]
  rules:
    - name: from-front-only
      when: peer.service != 'front'
      deny: {status: 418, message: "only front, please"}
    - name: busy
      when: request.path.startsWith('/busy')
      deny: {status: 429, message: "later, \"please\""}
"#;

#[test]
fn a_denied_request_gets_the_status_and_the_message_of_the_rule() {
    let mesh = pair(GUARD);
    let response = mesh.send(&peer(&mesh, "back"), get("/")).unwrap();
    assert_eq!((response.status, response.text().as_str()), (418, "only front, please"));
    assert_eq!(counter(&mesh, "back", "denied"), 1);

    let digest = Policy::from_text(&format!("{MESH}{GUARD}")).unwrap().digest;
    let lines = mesh.access_log_when("back", |lines| !lines.is_empty()).unwrap();
    assert_eq!(lines[0]["details"], "context_mesh_denied:all/guard/from-front-only");
    let report = report_of(&lines[0]);
    assert_eq!(report["artifact"], json!(digest));
    assert_eq!(report["decision"], "deny");
    assert_eq!(report["rule"], "all/guard/from-front-only");
    assert_eq!(report["status"], 418);
    // The rule does not apply to the same call by `front`.
    assert_eq!(mesh.send(&peer(&mesh, "front"), get("/")).unwrap().hop("back").unwrap()["service"], "back");
}

#[test]
fn a_denied_grpc_request_gets_a_grpc_status() {
    let mesh = pair(GUARD);
    for http2 in [true, false] {
        let endpoint = peer(&mesh, "back");
        let endpoint = if http2 { endpoint.http2() } else { endpoint };
        let send = |path: &str| mesh.send(&endpoint, Request::grpc(path).header("traceparent", TRACE)).unwrap();
        // 418 has no corresponding gRPC status: UNKNOWN. 429 is RESOURCE_EXHAUSTED, which clients do not retry. Both
        // rules refuse the second call: of two denials of a policy, the first by name answers.
        let calls = [("/a.B/C", "2", "only front, please"), ("/busy.B/C", "8", "later, \"please\"")];
        for (path, status, message) in calls {
            let response = send(path);
            assert_eq!(response.status, 200, "trailers only");
            assert_eq!(response.grpc_status().as_deref(), Some(status), "{path}");
            assert_eq!(response.header("grpc-message").as_deref(), Some(message), "{path}");
            assert_eq!(response.text(), "");
        }
    }
}

#[test]
fn a_grpc_call_through_the_mesh_is_denied_with_resource_exhausted() {
    let mesh = pair(GUARD);
    let endpoint = mesh.inbound("back", context_mesh_e2e::mesh::As::Service("front")).unwrap().http2();
    let response = mesh.send(&endpoint, Request::grpc("/busy.B/C").header("traceparent", TRACE)).unwrap();
    assert_eq!((response.status, response.grpc_status().as_deref()), (200, Some("8")));
    let response = mesh.send(&endpoint, Request::grpc("/a.B/C").header("traceparent", TRACE)).unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.json().unwrap()["service"], "back");
}

#[test]
fn guardrails_of_the_enterprise_hold_at_the_gateway() {
    let mesh = shop();
    let response = mesh.send(&mesh.gateway(), get("/checkout")).unwrap();
    assert_eq!(response.status, 401);
    assert_eq!(response.text(), "no tenant is known for this request");
    let token = mesh.signer().token(&json!({"tenant": "tenant_test_1"}));
    let request = get("/checkout").header("authorization", format!("Bearer {token}"));
    let response = mesh.send(&mesh.gateway(), request).unwrap();
    assert_eq!((response.status, response.text().as_str()), (403, "test tenants may not use production"));
    let log = mesh.access_log_when("shop-gateway", |lines| lines.len() == 2).unwrap();
    assert_eq!(report_of(&log[0])["rule"], "enterprise/guardrails/tenant-required");
    assert_eq!(report_of(&log[1])["rule"], "enterprise/guardrails/no-test-tenants");
}

/// Envoy provides an address with a port. `source.ip` is the address alone.
#[test]
fn an_address_is_compared_without_its_port() {
    let policies = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: near, domain: all}
spec:
  workloads: [front, back]
  rules:
    - {name: loopback-only, when: "!cidr('127.0.0.0/8').containsIP(source.ip)", deny: {status: 451}}
    - {name: not-back, when: "mesh.service == 'back' && source.ip == '127.0.0.1' && destination.ip == '127.0.0.1'", deny: {status: 452}}
"#;
    let mesh = pair(policies);
    let response = mesh.send(&peer(&mesh, "front"), get("/")).unwrap();
    assert_eq!((response.status, &response.json().unwrap()["downstream_status"]), (200, &452.into()));
}
