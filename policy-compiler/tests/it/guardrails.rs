//! Attempts of a domain to bypass a guardrail of the enterprise. Either the compiler rejects the domain's documents, or
//! the guardrail holds at run time.

use context_mesh_core::{context::Context, pipeline::Role};
use policy_compiler::{
    check::model::Request,
    compile,
    report::source::Sources,
    run::simulate::{Outcome, Simulator},
};

/// The mesh, and the guardrails that must hold.
const ENTERPRISE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/shop/sa/{service}
  domains:
    shop: {services: [cart, search], region: us}
    payments: {services: [charge], region: eu, frameworks: [gdpr]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: common}
spec:
  fields:
    environment: {type: string, immutable: true, header: x-environment}
    device_id: {type: string}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guard}
spec:
  workloads: ["*"]
  rules:
    - {name: frozen, when: context.environment == 'frozen', onError: ignore, deny: {status: 403, message: frozen}}
    - {name: risky, when: context.risk == 'high', onError: ignore, deny: {status: 403, message: too risky}}
    - {name: probed, when: "int(request.headers['x-probe']) > 3", deny: {status: 429, message: probed}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: privacy}
spec:
  workloads: ["*"]
  direction: outbound
  rules:
    - {name: people, when: "!('gdpr' in destination.frameworks)", redact: {classification: pii}}
    - {name: devices, mask: {fields: [device_id], with: pseudonym}}
"#;

/// The other declarations of the domain `shop`.
const SHOP: &str = r"
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: shop, domain: shop}
spec:
  fields:
    user_id: {type: string, classification: pii, baggage: true, header: x-user-id}
    email: {type: string, classification: pii, baggage: true, residency: [eu]}
    risk: {type: string}
    note: {type: string}
";

fn sources(tried: &str) -> Sources {
    let mut sources = Sources::new("acme");
    for (name, text) in [("enterprise.yaml", ENTERPRISE), ("shop.yaml", SHOP), ("tried.yaml", tried)] {
        sources.add(name, text.to_owned());
    }
    sources
}

/// Returns a policy of the domain `shop`, with its workloads, direction and rules.
fn policy(workloads: &str, direction: &str, rules: &str) -> String {
    format!(
        "apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: tried, domain: shop}}
spec:
  workloads: {workloads}
  direction: {direction}
  rules:
    {rules}
"
    )
}

/// Returns the codes and messages of all errors in the domain's documents.
fn refused(tried: &str) -> String {
    match compile(&sources(tried)) {
        Ok(_) => panic!("the tree compiles"),
        Err(diagnostics) => {
            diagnostics.iter().map(|found| format!("{}: {}", found.code, found.message)).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Returns a simulator of the mesh with the domain's documents.
fn mesh(tried: &str) -> Simulator {
    let sources = sources(tried);
    let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{}", problems.to_text(&sources)));
    Simulator::new(&compiled.artifact).unwrap()
}

fn context(fields: &[(&str, &str)]) -> Context {
    let mut context = Context::new();
    for (name, value) in fields {
        context.insert_string(name, value).unwrap();
    }
    context
}

/// Runs a request from `search` that arrives at `cart`.
fn arrives(tried: &str, fields: &[(&str, &str)]) -> Outcome {
    let principal = Some("spiffe://acme.corp/ns/shop/sa/search".to_owned());
    let headers = vec![("x-probe".to_owned(), "1".to_owned())];
    let request = Request { principal, headers, context: context(fields), ..Request::new("cart", Role::Inbound) };
    mesh(tried).run(&request, None).unwrap()
}

/// Runs a call that `cart` makes to `search`, which is not under GDPR.
fn leaves(tried: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Outcome {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let destination = Some("search".to_owned());
    let request = Request { destination, headers, context: context(fields), ..Request::new("cart", Role::Outbound) };
    mesh(tried).run(&request, None).unwrap()
}

fn refused_by(outcome: &Outcome) -> Option<&str> {
    outcome.refusal.as_ref().map(|refusal| refusal.rule.as_str())
}

#[test]
fn speaking_for_the_workload_of_another_domain() {
    let found = refused(&policy("[charge]", "inbound", "- {name: r, allow: {}}"));
    assert_eq!(found, "CM0307: the workload `charge` belongs to domain `payments`, not to `shop`");
}

#[test]
fn speaking_for_all_workloads() {
    let found = refused(&policy("['*']", "inbound", "- {name: r, allow: {}}"));
    assert_eq!(found, "CM0307: domain `shop` cannot speak of all workloads");
}

#[test]
fn giving_a_field_of_the_enterprise_another_value() {
    let found = refused(&policy("[cart]", "inbound", "- {name: r, set: {environment: \"'production'\"}}"));
    assert_eq!(found, "CM0308: the field `environment` belongs to the enterprise, not to `shop`");
}

#[test]
fn declaring_a_field_of_the_enterprise_anew() {
    let found = refused(
        "apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: tried, domain: shop}
spec: {fields: {environment: {type: string}}}
",
    );
    assert_eq!(found, "CM0303: the field `environment` is declared twice");
}

#[test]
fn taking_over_the_header_of_a_field_of_the_enterprise() {
    let found = refused(
        "apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: tried, domain: shop}
spec: {fields: {mine: {type: string, header: X-Environment}}}
",
    );
    assert_eq!(found, "CM0303: two fields use the header `x-environment`");
}

#[test]
fn calling_itself_the_enterprise() {
    let document = policy("[cart]", "inbound", "- {name: r, allow: {}}");
    let found = refused(&document.replace("domain: shop", "domain: enterprise"));
    assert_eq!(found, "CM0304: the mesh has no domain `enterprise`");
}

#[test]
fn copying_personal_data_into_a_harmless_field() {
    let found = refused(&policy("[cart]", "inbound", "- {name: r, set: {note: \"'u:' + context.user_id\"}}"));
    let expected =
        "CM0313: `note` would carry the value of `user_id`: it is classified as `pii`, and `note` as `internal`";
    assert_eq!(found, expected);
}

#[test]
fn copying_a_resident_field_into_one_that_may_travel() {
    let found = refused(&policy("[cart]", "inbound", "- {name: r, set: {user_id: context.email}}"));
    let expected = "CM0313: `user_id` would carry the value of `email`: it may be sent to eu only, and `user_id` is not bound to that";
    assert_eq!(found, expected);
}

#[test]
fn allowing_what_the_enterprise_denies() {
    let tried = policy("[cart]", "inbound", "- {name: r, allow: {}}");
    assert_eq!(refused_by(&arrives(&tried, &[])), None);
    assert_eq!(refused_by(&arrives(&tried, &[("environment", "frozen")])), Some("enterprise/guard/frozen"));
}

#[test]
fn changing_what_the_guardrail_reads_before_it_reads_it() {
    let tried = policy("[cart]", "inbound", "- {name: a, set: {risk: \"'low'\"}}\n    - {name: b, redact: [risk]}");
    assert_eq!(refused_by(&arrives(&tried, &[("risk", "high")])), Some("enterprise/guard/risky"));
}

#[test]
fn giving_a_redacted_field_a_value_again() {
    let tried = policy("[cart]", "outbound", "- {name: r, set: {user_id: \"'user_1'\"}}");
    let outcome = leaves(&tried, &[("user_id", "user_1"), ("note", "n")], &[]);
    assert!(outcome.context.contains("note"));
    assert!(!outcome.context.contains("user_id"), "{outcome:?}");
}

#[test]
fn masking_less_than_the_enterprise() {
    let tried = policy("[cart]", "outbound", "- {name: r, mask: {fields: [device_id], keepLast: 64}}");
    let outcome = leaves(&tried, &[("device_id", "device_4711")], &[]);
    let masked = outcome.context.get("device_id").unwrap();
    assert!(masked.starts_with("\"psn:"), "{masked}");
}

#[test]
fn letting_the_application_send_a_redacted_field_itself() {
    let tried = policy("[cart]", "outbound", "- {name: r, audit: {}}");
    let sent = [("x-user-id", "user_1"), ("baggage", "user_id=user_1,note=n")];
    let outcome = leaves(&tried, &[], &sent);
    assert!(outcome.context.contains("note"), "{outcome:?}");
    assert!(!outcome.context.contains("user_id"), "{outcome:?}");
    let left = |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
    let left: Vec<String> = outcome.headers.iter().map(left).collect();
    assert!(!left.iter().any(|header| header.contains("user_1")), "{left:?}");
}

#[test]
fn writing_a_policy_of_the_same_name() {
    let tried =
        policy("[cart]", "inbound", "- {name: frozen, when: 'false', deny: {}}").replace("name: tried", "name: guard");
    assert_eq!(refused_by(&arrives(&tried, &[("environment", "frozen")])), Some("enterprise/guard/frozen"));
}

#[test]
fn making_the_guardrail_fail() {
    // A condition that fails with an error counts as true, and `onError` of another rule changes nothing.
    let tried = policy(
        "[cart]",
        "inbound",
        "- {name: r, when: \"int(request.headers['x-probe']) > 3\", onError: ignore, deny: {}}",
    );
    let principal = Some("spiffe://acme.corp/ns/shop/sa/search".to_owned());
    let headers = vec![("x-probe".to_owned(), "no number".to_owned())];
    let request = Request { principal, headers, ..Request::new("cart", Role::Inbound) };
    let outcome = mesh(&tried).run(&request, None).unwrap();
    assert_eq!(refused_by(&outcome), Some("enterprise/guard/probed"));
}
