//! `default: deny`: which requests reach a workload, and the warnings about unguarded ones.

use context_mesh_core::pipeline::Role;
use policy_compiler::{check::model::Request, compile, report::source::Sources, run::simulate::Simulator};

/// A mesh with two domains and their defaults, and policies.
fn tree(mesh: &str, shop: &str, policies: &str) -> Sources {
    let mut sources = Sources::new("acme");
    let text = format!(
        "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {{name: acme}}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{{service}}
{mesh}
  domains:
    shop:
      services: [cart, search]
{shop}
    payments: {{services: [charge]}}
"
    );
    sources.add("mesh.yaml", text);
    sources.add("policies.yaml", policies.to_owned());
    sources
}

fn policy(domain: &str, workload: &str, direction: &str, rule: &str) -> String {
    let domain = if domain.is_empty() { String::new() } else { format!(", domain: {domain}") };
    format!(
        "---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: p{domain}}}
spec:
  workloads: ['{workload}']
  direction: {direction}
  rules: [{{name: r, {rule}}}]
"
    )
}

const DENY: &str = "  default: deny";
const ALLOW: &str = "  default: allow";

#[test]
fn a_workload_without_an_allow_rule_refuses() {
    let lets_cart = policy("shop", "cart", "inbound", "allow: {}");
    let lets_search_call = policy("shop", "search", "outbound", "allow: {}");
    let refuses_nobody = policy("shop", "cart", "inbound", "when: \"peer.service == 'charge'\", deny: {}");
    let tries = policy("shop", "cart", "inbound", "enforcement: shadow, allow: {}");
    let all = policy("", "*", "inbound", "allow: {}");
    // The defaults of the mesh and the domain, the policies, and what denies a request to cart, search, charge, and a
    // stranger.
    let closed = Some("mesh/default");
    let cases: [(&str, &str, &str, [Option<&str>; 4]); 11] = [
        ("", "", "", [None; 4]),
        (ALLOW, "", "", [None; 4]),
        (DENY, "", "", [closed; 4]),
        (DENY, "", &lets_cart, [None, closed, closed, closed]),
        (DENY, "", &all, [None; 4]),
        (DENY, "", &refuses_nobody, [closed; 4]),
        (DENY, "", &lets_search_call, [closed; 4]),
        (DENY, "", &tries, [closed; 4]),
        (DENY, "      default: allow", "", [None, None, closed, closed]),
        ("", "      default: deny", "", [closed, closed, None, None]),
        ("", "      default: deny", &lets_cart, [None, closed, None, None]),
    ];
    for (mesh, shop, policies, expected) in cases {
        let sources = tree(mesh, shop, policies);
        let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{}", problems.to_text(&sources)));
        let mut simulator = Simulator::new(&compiled.artifact).unwrap();
        let found = ["cart", "search", "charge", "stranger"].map(|workload| {
            let outcome = simulator.run(&Request::new(workload, Role::Inbound), None).unwrap();
            outcome.refusal.map(|refusal| (refusal.rule, refusal.status))
        });
        let expected = expected.map(|rule| rule.map(|rule| (rule.to_owned(), 403)));
        assert_eq!(found, expected, "{mesh} {shop} {policies}");
        // The artifact of one service decides the same.
        for (service, expected) in ["cart", "search", "charge"].into_iter().zip(&expected) {
            let slice = compiled.slice(service).unwrap();
            let outcome = Simulator::new(&slice.artifact).unwrap().run(&Request::new(service, Role::Inbound), None);
            let found = outcome.unwrap().refusal.map(|refusal| (refusal.rule, refusal.status));
            assert_eq!(found, *expected, "{service}: {mesh} {shop} {policies}");
        }
    }
}

/// A mesh with allow lists that leaves some services open must state whether that is intended.
#[test]
fn services_that_no_rule_guards_are_named() {
    let lets_cart = policy("shop", "cart", "inbound", "allow: {}");
    let refuses = policy("shop", "cart", "inbound", "when: \"peer.service == 'charge'\", deny: {}");
    let open = "no rule guards `charge`, `search`: everybody may call them";
    let cases: [(&str, &str, &str, &[&str]); 7] = [
        ("", "", "", &[]),
        ("", "", &refuses, &[]),
        ("", "", &lets_cart, &[open]),
        (ALLOW, "", &lets_cart, &[]),
        (DENY, "", &lets_cart, &[]),
        ("", "      default: deny", &lets_cart, &["no rule guards `charge`: everybody may call them"]),
        ("", "", &policy("", "*", "inbound", "allow: {}"), &[]),
    ];
    for (mesh, shop, policies, expected) in cases {
        let sources = tree(mesh, shop, policies);
        let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{}", problems.to_text(&sources)));
        let of = compiled.warnings.iter().filter(|found| found.code == "CM0606");
        assert_eq!(of.map(|found| found.message.as_str()).collect::<Vec<_>>(), expected, "{mesh} {shop} {policies}");
    }
}
