//! Services with several regions.

use policy_compiler::compile_with_model;

use crate::support::{failed_tests, tree};

/// A mesh whose service `ledger` runs in two regions, with rules and tests of it.
const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  domains:
    payments:
      region: eu
      services: [checkout, {name: ledger, regions: [us, eu]}]
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields}
spec:
  fields:
    iban: {type: string, residency: [eu]}
    plan: {type: string, residency: [eu, us]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: ledger, domain: payments}
spec:
  workloads: [ledger]
  rules:
    - {name: abroad, when: "mesh.region == 'us' && has(context.iban)", deny: {}}
    - {name: closed, when: "mesh.region == 'us' && request.url_path == '/eu-only'", deny: {}}
---
apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: ledger}
spec:
  principals: {checkout: {service: checkout}}
  tests:
    - name: a field stays where it may be
      workload: ledger
      principal: checkout
      context: {iban: DE1, plan: gold}
      cases:
        - {name: in europe, region: eu, expect: {context: {iban: DE1, plan: gold}}}
        - {name: in america, region: us, expect: {context: {plan: gold}, absent: [iban]}}
        - {name: nobody knows where, expect: {context: {plan: gold}, absent: [iban]}}
    - name: rules know the region of the proxy
      workload: ledger
      principal: checkout
      request: {path: /eu-only}
      cases:
        - {name: in europe, region: eu, expect: {decision: allow}}
        - {name: in america, region: us, expect: {decision: deny}}
    - name: a caller does not know which of them gets the call
      workload: checkout
      role: outbound
      destination: ledger
      remembered: {iban: DE1, plan: gold}
      expect: {context: {plan: gold}, absent: [iban]}
"#;

#[test]
fn the_locality_of_the_proxy_decides_among_the_regions_of_a_service() {
    let failed = failed_tests(&tree(TREE));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_test_names_a_region_of_the_service() {
    let sources = tree(TREE.replace("region: us, expect", "region: asia, expect"));
    let found = compile_with_model(&sources).unwrap_err().to_text(&sources);
    assert!(found.contains("the mesh does not list the region `asia` for the service `ledger`"), "{found}");
}
