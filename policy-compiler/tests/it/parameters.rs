//! Parameters of conditions, and environments in which they have other values.

use policy_compiler::{compile_with_model, report::source::Sources};

use crate::support::{self, failed_tests};

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  domains:
    shop: {services: [checkout]}
  parameters:
    offices: [10.0.0.0/8]
    limit: 100
    beta: false
    path: ^/v1/
  environments:
    production: {offices: [203.0.113.0/24], limit: 500, beta: true}
    staging: {}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: checkout, domain: shop}
spec:
  workloads: [checkout]
  rules:
    - {name: offices, when: "!source.ip.inNetworks(parameters.offices)", deny: {}}
    - {name: limit, when: "int(request.headers['x-amount']) > parameters.limit && request.path.matches(parameters.path)", deny: {status: 402}}
    - {name: beta, when: "request.url_path == '/beta' && !parameters.beta", deny: {status: 404}}
---
apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: checkout}
spec:
  tests:
    - name: amounts
      workload: checkout
      request: {path: /v1/pay, headers: {x-amount: "200"}, attributes: {source.ip: ADDRESS}}
      expect: {decision: DECISION}
"#;

fn sources(tree: &str, environment: Option<&str>) -> Sources {
    let mut sources = support::tree(tree);
    if let Some(environment) = environment {
        sources.set_environment(environment);
    }
    sources
}

#[test]
fn a_parameter_has_the_value_of_the_environment() {
    for (environment, address, decision) in [
        (None, "10.1.2.3", "deny, status: 402"),
        (None, "203.0.113.9", "deny, rule: shop/checkout/limit"),
        (Some("staging"), "10.1.2.3", "deny, status: 402"),
        (Some("production"), "203.0.113.9", "allow"),
        (Some("production"), "10.1.2.3", "deny, status: 403"),
    ] {
        let tree = TREE.replace("ADDRESS", address).replace("DECISION", decision);
        let failed = failed_tests(&sources(&tree, environment));
        assert!(failed.is_empty(), "{environment:?} {address}: {failed:#?}");
    }
}

#[test]
fn what_is_wrong_with_parameters_is_said() {
    let tree = TREE.replace("ADDRESS", "10.0.0.1").replace("DECISION", "deny");
    for (environment, from, to, expected) in [
        (Some("prodution"), "", "", "the mesh has no environment `prodution`"),
        (None, "limit: 500", "limits: 500", "the mesh declares no parameter `limits`"),
        (
            None,
            "limit: 500",
            "limit: many",
            "the parameter `limit` is `int`, and in the environment `production` it is `string`",
        ),
        (None, "parameters.limit", "parameters.limits", "the Mesh declares no parameter `limits`"),
        (None, "beta: false", "be-ta: false", "`be-ta` cannot be the name of a parameter"),
        (None, "limit: 100", "limit: [1, a]", "the values of this list have different types"),
        (None, "limit: 100", "limit: []", "expected a string, a number, a bool, or a list of one of these"),
        (None, "[10.0.0.0/8]", "[10.0.0.0]", "`10.0.0.0` is not a network"),
        (None, "path: ^/v1/", "path: ^/v1(", "the pattern is not a regular expression"),
    ] {
        let sources = sources(&tree.replacen(from, to, 1), environment);
        let found = compile_with_model(&sources).map(drop).unwrap_err().to_text(&sources);
        assert!(found.contains(expected), "{expected}: {found}");
    }
}
