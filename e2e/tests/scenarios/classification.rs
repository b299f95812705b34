//! Rules about kinds of data and about the destination of a call: `redact` by `classification`, under a condition on
//! `destination`.

use context_mesh_e2e::client::Response;
use context_mesh_e2e::mesh::MeshBuilder;
use context_mesh_e2e::policy::{self, Policy};
use serde_json::{Value, json};

use crate::support::*;

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: kinds}
spec:
  trustDomain: kinds.example
  identity: /ns/default/sa/{service}
  domains:
    home: {services: [front, client]}
    bank: {services: [ledger], frameworks: [pci-dss, gdpr]}
    partners: {services: [courier], frameworks: [gdpr]}
    ads: {services: [tracker]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: home}
spec:
  fields:
    plan: {type: string, header: x-plan}
    user: {type: string, classification: pii, baggage: true, header: x-user}
    email: {type: string, classification: pii, baggage: true, header: x-email}
    card: {type: string, classification: financial, baggage: true, header: x-card}
    basket: {type: string, classification: confidential, header: x-basket}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: kinds}
spec:
  workloads: ["*"]
  direction: outbound
  rules:
    - {name: cards, when: "!('pci-dss' in destination.frameworks)", redact: {classification: [financial]}}
    - {name: partners, when: destination.domain == 'partners', redact: {fields: [plan], classification: [confidential]}}
    - {name: people, when: "!('gdpr' in destination.frameworks)", redact: {classification: [pii]}}
"#;

const FIELDS: [&str; 5] = ["x-plan", "x-user", "x-email", "x-card", "x-basket"];
const CONTEXT: &str = r#"{"plan":"gold","user":"u1","email":"a@b.example","card":"4111","basket":"b1"}"#;

/// Returns the fields that the application of a service saw.
fn fields(response: &Response, service: &str) -> Vec<&'static str> {
    FIELDS.into_iter().filter(|header| saw(response, service, header) != Value::Null).collect()
}

#[test]
fn kinds_of_data_go_only_where_the_callee_may_have_them() {
    let policy = Policy::from_text(TREE).unwrap();
    assert_eq!(policy.warnings, "");
    let mesh = MeshBuilder::new("kinds.example")
        .service("front", &["ledger", "courier", "tracker"])
        .service("ledger", &[])
        .service("courier", &[])
        .service("tracker", &[])
        .filter(policy::filter().unwrap(), move |service, role| policy.configuration(service, role))
        .start()
        .unwrap();
    // The application additionally sends two of the fields itself, which changes nothing.
    for path in ["/", "/?send.front=x-user:u1&send.front=baggage:card%3D4111"] {
        let response = mesh.send(&peer(&mesh, "front"), get(path).header("x-mesh-context", CONTEXT)).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(fields(&response, "front"), FIELDS);
        assert_eq!(fields(&response, "ledger"), FIELDS);
        assert_eq!(fields(&response, "courier"), ["x-user", "x-email"]);
        assert_eq!(fields(&response, "tracker"), ["x-plan", "x-basket"]);
    }
    let lines = mesh.access_log_when("front", |lines| lines.len() == 8).unwrap();
    let report = |cluster: &str| report_of(lines.iter().find(|line| line["upstream_cluster"] == cluster).unwrap());
    for (cluster, rules, redacted) in [
        ("ledger", Value::Null, vec![]),
        ("courier", json!(["enterprise/kinds/cards", "enterprise/kinds/partners"]), vec!["basket", "card", "plan"]),
        ("tracker", json!(["enterprise/kinds/cards", "enterprise/kinds/people"]), vec!["card", "email", "user"]),
    ] {
        let report = report(cluster);
        let mut reported: Vec<_> =
            report["redacted"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        reported.sort_unstable();
        assert_eq!((&report["rules"], reported), (&rules, redacted), "{cluster}");
    }
    assert_no_trap(&mesh);
}
