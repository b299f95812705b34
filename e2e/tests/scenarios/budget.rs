//! The budget of a request: a request that needs more work than allowed is refused, whoever sends it and however rules
//! treat errors. All others are served.

use std::time::{SystemTime, UNIX_EPOCH};

use context_mesh_core::carrier::mesh_header;
use context_mesh_core::carrier::words::Words;
use context_mesh_core::context::Context;
use context_mesh_core::limits::MAX_FUEL;
use context_mesh_e2e::client::Response;
use context_mesh_e2e::lists::{SCHEMA, list};
use context_mesh_e2e::mesh::Mesh;
use serde_json::Value;

use crate::support::*;

/// Rules that process every element of lists that are longer than the default.
const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: budget}
spec:
  trustDomain: pair.example
  identity: /ns/default/sa/{service}
  domains:
    all: {services: [front, back, client]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    caller: {type: string}
    plain: {type: list<string>, maxItems: 100, maxBytes: 4096}
    secret: {type: string, header: x-secret}
    anything: {type: json}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: work, domain: all}
spec:
  workloads: [back]
  direction: inbound
  rules:
    - {name: hash, mask: {fields: [hashed], with: hash}}
    - {name: pseudonym, mask: {fields: [named], with: pseudonym}}
    - {name: star, mask: {fields: [starred], keepLast: 0}}
    - {name: loop-1, when: "context.looped.exists(x, x == 'no1')", deny: {}, onError: ignore}
    - {name: loop-2, when: "context.looped.exists(x, x == 'no2')", deny: {}, onError: ignore}
    - {name: loop-3, when: "context.looped.exists(x, x == 'no3')", deny: {}, onError: ignore}
    - {name: loop-4, when: "context.looped.exists(x, x == 'no4')", deny: {}, onError: ignore}
    - {name: loop-5, when: "context.looped.exists(x, x == 'no5')", deny: {}, onError: ignore}
    - {name: protect, when: "!context.looped.exists(x, x == 'open')", redact: [secret], onError: ignore}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: watch, domain: all}
spec:
  workloads: [back]
  direction: inbound
  rules:
    - {name: busy, when: "context.plain.exists(x, context.plain.exists(y, x == y && x == 'no'))", deny: {}, enforcement: shadow}
"#;

/// Returns an `x-mesh-context` with these fields, compressed if that is shorter.
fn header(fields: &[(&str, &str)]) -> String {
    let mut context = Context::new();
    fields.iter().for_each(|(name, value)| context.insert(name, value).unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = u64::try_from(now.as_millis()).unwrap();
    mesh_header::encode(&context, Words::default().writer(now_ms), now_ms).unwrap()
}

/// Sends a request with this header to `back`. Returns the answer with the filter's report.
fn send(mesh: &Mesh, case: usize, header: &str) -> (Response, Value) {
    let path = format!("/?case={case}");
    let response = mesh.send(&peer(mesh, "back"), get(&path).header("x-mesh-context", header)).unwrap();
    let find = |lines: &[Value]| lines.iter().find(|line| line["path"] == path.as_str()).cloned();
    let lines = mesh.access_log_when("back", |lines| find(lines).is_some()).unwrap();
    (response, report_of(&find(&lines).unwrap()))
}

#[test]
fn what_asks_for_too_much_is_refused() {
    let mesh = pair_with(&[TREE, SCHEMA].concat(), 1);
    let (empty, deep) = (list(5_400, "\"\""), format!("{}{}", "[".repeat(60), "]".repeat(60)));
    let nested = list(100, &deep);
    // The field, its value, and whether its request is refused.
    let cases = [
        ("modes", empty.as_str(), true),
        ("words", &empty, true),
        ("hashed", &empty, true),
        ("named", &empty, true),
        ("starred", &empty, true),
        ("looped", &empty, true),
        // More than the default allows: invalid, and no work.
        ("plain", &empty, false),
        ("anything", &nested, false),
        ("modes", &list(200, "\"a\""), false),
        ("hashed", &list(200, "\"a\""), false),
        ("named", &list(100, "\"a\""), false),
        ("looped", &list(200, "\"a\""), false),
    ];
    let mut refused = 0;
    for (case, (field, value, too_much)) in cases.into_iter().enumerate() {
        let header = header(&[("looped", "[]"), ("secret", "\"s\""), (field, value)]);
        let (response, report) = send(&mesh, case, &header);
        assert_eq!(response.status, if too_much { 431 } else { 200 }, "{field}: {report}");
        assert!(report["fuel"].as_u64().unwrap_or(0) <= MAX_FUEL, "{field}: {report}");
        if too_much {
            refused += 1;
            assert_eq!(report["rule"], "mesh budget", "{field}");
            assert!(response.hop("back").is_err(), "{field} reached the application");
        } else {
            assert_eq!(saw(&response, "back", "x-secret"), Value::Null, "{field}: a redacted field was seen");
        }
    }
    assert!(counter(&mesh, "back", "budget_exceeded") >= refused);
    assert_no_trap(&mesh);
}
