//! `audit`: the access log lists the rule, and nothing else changes.

use context_mesh_e2e::client::Response;
use context_mesh_e2e::mesh::Mesh;
use serde_json::{Value, json};

use crate::support::*;

/// Returns the same rules for inbound and for outbound requests.
fn audit() -> String {
    let policy = |direction: &str| {
        format!(
            r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: {direction}, domain: all}}
spec:
  workloads: [front]
  direction: {direction}
  rules:
    - {{name: acme, when: "context.tenant_id == 'acme'", audit: true}}
    - {{name: everything, audit: {{}}}}
"#
        )
    };
    format!("{}{}", policy("inbound"), policy("outbound"))
}

/// Returns what the applications saw of a request for this tenant. The request's own id and its ticket are left out,
/// because they differ each time.
fn send(mesh: &Mesh, tenant: &str) -> (Response, Value) {
    let context = format!(r#"{{"tenant_id":"{tenant}","user_id":"u1","custom":[1]}}"#);
    // Requests of one trace with different contexts would be ambiguous, because the application forwards no ticket.
    let request =
        get_in(u32::from(tenant == "acme"), "/").header("x-mesh-context", &context).header("x-request-id", "r1");
    let response = mesh.send(&peer(mesh, "front"), request).unwrap();
    let mut answer = response.json().unwrap();
    let hops = ["/saw", "/downstream/saw"];
    for hop in hops {
        let seen = answer.pointer_mut(hop).and_then(Value::as_object_mut).unwrap();
        assert!(seen.remove("x-request-id").is_some());
        seen.remove("tracestate");
        let baggage = seen["baggage"].as_str().unwrap().split_once(',').unwrap();
        assert!(baggage.0.starts_with("cmesh.ticket="));
        seen["baggage"] = baggage.1.into();
    }
    (response, answer)
}

#[test]
fn an_audit_rule_is_named_in_the_access_log_and_changes_nothing() {
    let (audited, plain) = (pair(&audit()), pair(""));
    for tenant in ["acme", "other"] {
        let ((response, answer), (expected, same)) = (send(&audited, tenant), send(&plain, tenant));
        assert_eq!((response.status, &answer), (expected.status, &same), "{tenant}");
        assert_eq!(answer["downstream"]["saw"]["x-tenant-id"], tenant);
    }
    let reports = |mesh: &Mesh, listener: &str| -> Vec<Value> {
        let of = |lines: &[Value]| -> Vec<Value> {
            lines.iter().filter(|line| line["listener"] == listener).map(report_of).collect()
        };
        of(&mesh.access_log_when("front", |lines| of(lines).len() == 2).unwrap())
    };
    for listener in ["inbound", "outbound"] {
        let named =
            |rules: &[&str]| json!(rules.iter().map(|rule| format!("all/{listener}/{rule}")).collect::<Vec<_>>());
        for (at, rules) in [(0, named(&["acme", "everything"])), (1, named(&["everything"]))] {
            let (mut with, mut without) =
                (reports(&audited, listener)[at].clone(), reports(&plain, listener)[at].clone());
            assert_eq!((&with["audited"], &with["rules"]), (&rules, &rules), "{listener}");
            // The rest of the report is that of a mesh without the rules, whose artifact differs.
            for key in ["audited", "rules", "artifact"] {
                with.as_object_mut().unwrap().remove(key);
                without.as_object_mut().unwrap().remove(key);
            }
            assert_eq!(with, without, "{listener}");
        }
    }
    assert_no_trap(&audited);
}
