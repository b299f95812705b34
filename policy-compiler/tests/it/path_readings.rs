//! Paths that servers read in several ways, where the mesh lets such requests go on (`ambiguousPath: ignore`).

use policy_compiler::report::source::Sources;
use policy_compiler::run::testing;

use crate::support::compiled;

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  ambiguousPath: ignore
  domains:
    shop: {services: [cart], namespaces: [shop]}
";

const POLICY: &str = "apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: p, domain: shop}
spec:
  workloads: [cart]
  rules:
    - name: r
";

const TESTS: &str = "apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: t, domain: shop}
spec:
  principals: {cart: {service: cart}}
  tests:
";

/// Checks what is decided about paths with one rule: `allow`, or the name of what refuses it.
fn check(rule: &str, cases: &[(&str, &str)]) {
    let mut tests = TESTS.to_owned();
    for (at, (path, decision)) in cases.iter().enumerate() {
        let expect = match *decision {
            "allow" => "decision: allow".to_owned(),
            by => format!("decision: deny, rule: {by}"),
        };
        tests += &format!(
            "    - {{name: t{at}, workload: cart, principal: cart, request: {{path: '{path}'}}, expect: {{{expect}}}}}\n"
        );
    }
    let mut sources = Sources::new("policies");
    sources.add("mesh.yaml", MESH);
    sources.add("policy.yaml", format!("{POLICY}{rule}"));
    sources.add("test.yaml", tests);
    let (compiled, model) = compiled(&sources);
    let report = testing::run(&compiled, &model, &[]).unwrap();
    assert_eq!(report.results.len(), cases.len());
    for (result, (path, decision)) in report.results.iter().zip(cases) {
        let failures: Vec<String> =
            result.failures.iter().map(|failure| format!("{}: {}", failure.subject, failure.found)).collect();
        assert_eq!(failures, Vec::<String>::new(), "{path} {decision}");
    }
}

#[test]
fn a_deny_rule_counts_for_every_reading() {
    let rule = "      when: request.url_path.startsWith('/admin/')\n      deny: {status: 404, message: not found}\n";
    check(
        rule,
        &[
            ("/admin/x", "shop/p/r"),
            // Whoever decodes and does not resolve dots finds `/admin/`.
            ("/%61dmin/..;/x", "shop/p/r"),
            ("/admin%2F..%2Fx", "shop/p/r"),
            // Whoever resolves finds it.
            ("/x/..;/admin/", "shop/p/r"),
            ("/x/%2e%2e/admin/x", "shop/p/r"),
            ("/x%5C..%5Cadmin%5Cx", "shop/p/r"),
            ("/%2561dmin/x", "shop/p/r"),
            ("/x//y;a=b", "allow"),
            ("/x/https:%2F%2Fy?z=/admin/", "allow"),
            ("/a;b//%252e%252e;c%255C..%2523", "mesh ambiguousPath"),
        ],
    );
}

#[test]
fn an_allow_rule_must_match_every_reading() {
    check(
        "      when: request.url_path.startsWith('/public/')\n      allow: true\n",
        &[
            ("/public/x", "allow"),
            ("/public/x;y", "allow"),
            ("/x", "domain allow rules"),
            ("/public/..;/x", "domain allow rules"),
            ("/public/%2e%2e/x", "domain allow rules"),
        ],
    );
}
