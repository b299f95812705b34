//! Properties that hold for every tree of policies.

use std::cell::Cell;

use context_mesh_core::{context::Context, pipeline::Role};
use policy_compiler::{
    check::model::Request,
    compile,
    report::{diagnostic::Severity, source::Sources},
    run::simulate::{Outcome, Simulator},
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  carriers: {present: [headers, baggage, mesh]}
  domains:
    shop: {services: [cart, search], region: us}
    bank: {services: [ledger], region: eu}
";

const SCHEMA: &str = "apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: shop}
spec:
  fields:
    a: {type: string, header: x-a}
    b: {type: string, header: x-b}
    c: {type: string, classification: pii, baggage: true}
";

/// A rule: its layer, condition and effect.
#[derive(Debug, Clone)]
struct AnyRule {
    enterprise: bool,
    when: Option<&'static str>,
    ignore: bool,
    effect: &'static str,
}

const CONDITIONS: [Option<&str>; 8] = [
    None,
    Some("context.a == 'x'"),
    Some("context.a != 'x'"),
    Some("'y' == context.b"),
    Some("has(context.c)"),
    Some("request.path.startsWith('/p')"),
    Some("peer.service == 'search' || context.b == 'x'"),
    Some("int(context.a) > 1"),
];

/// The effects of rules. There is one value for each field that can be set, so that no two rules conflict.
const EFFECTS: [&str; 9] = [
    "deny: {}",
    "deny: {status: 429, message: slow down}",
    "allow: {}",
    "redact: [a]",
    "redact: {classification: pii}",
    "mask: {fields: [b], keepLast: 1}",
    "mask: {fields: [b], with: hash}",
    "require: [c]",
    "set: {b: \"'made-by-a-rule'\"}",
];

fn any_rule() -> impl Strategy<Value = AnyRule> {
    let parts = (any::<bool>(), 0..CONDITIONS.len(), any::<bool>(), 0..EFFECTS.len());
    parts.prop_map(|(enterprise, when, ignore, effect)| AnyRule {
        // Only the shop may set a field of the shop.
        enterprise: enterprise && !EFFECTS[effect].starts_with("set"),
        when: CONDITIONS[when],
        ignore,
        effect: EFFECTS[effect],
    })
}

/// Returns the rules as documents. Each is in a policy and a file of its own, named by its number.
fn documents(rules: &[AnyRule]) -> Vec<(String, String)> {
    let document = |(number, rule): (usize, &AnyRule)| {
        let (domain, workloads) = if rule.enterprise { ("", "['*']") } else { (", domain: shop", "[cart]") };
        let when = rule.when.map(|when| format!("when: \"{when}\", ")).unwrap_or_default();
        let on_error = if rule.ignore { "onError: ignore, " } else { "" };
        let text = format!(
            "apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: p{number}{domain}}}
spec:
  workloads: {workloads}
  rules:
    - {{name: r, {when}{on_error}{}}}
",
            rule.effect
        );
        (format!("p{number}.yaml"), text)
    };
    rules.iter().enumerate().map(document).collect()
}

/// Returns the result of the request, or `None` if the tree is rejected because no request could reach the workload.
fn decide(files: &[(String, String)], request: &Request) -> Option<Outcome> {
    let mut sources = Sources::new("tree");
    for (name, text) in files {
        sources.add(name.as_str(), text.clone());
    }
    match compile(&sources) {
        Ok(compiled) => Some(Simulator::new(&compiled.artifact).unwrap().run(request, None).unwrap()),
        Err(problems) => {
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
            assert!(errors.clone().all(|problem| problem.code == "CM0605"), "{}", problems.to_text(&sources));
            None
        }
    }
}

fn with_mesh(documents: Vec<(String, String)>) -> Vec<(String, String)> {
    let base = [("mesh.yaml", MESH), ("schema.yaml", SCHEMA)];
    base.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).chain(documents).collect()
}

/// Returns a request that arrives at `cart`.
fn any_request() -> impl Strategy<Value = Request> {
    let value = || prop::option::of(prop::sample::select(vec!["x", "y", "2", "secret-value"]));
    let peer = prop::option::of(prop::sample::select(vec!["search", "ledger"]));
    (value(), value(), value(), peer, any::<bool>()).prop_map(|(a, b, c, peer, path)| {
        let mut context = Context::new();
        for (name, value) in [("a", a), ("b", b), ("c", c)] {
            if let Some(value) = value {
                context.insert_string(name, value).unwrap();
            }
        }
        let path = if path { "/p/1" } else { "/" };
        Request {
            principal: peer.map(|peer| format!("spiffe://acme.corp/ns/x/sa/{peer}")),
            headers: vec![(":path".to_owned(), path.to_owned())],
            context,
            ..Request::new("cart", Role::Inbound)
        }
    })
}

/// Runs a property on 256 cases. Each returns whether its tree compiled; at least a third must.
fn most_decide<S: Strategy>(name: &str, strategy: S, case: impl Fn(S::Value) -> bool) {
    let (all, decided) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&strategy, |value| {
        all.set(all.get() + 1);
        decided.set(decided.get() + usize::from(case(value)));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{name}: {failure}");
    }
    eprintln!("{name}: {} of {} cases were decided", decided.get(), all.get());
    assert!(decided.get() * 3 >= all.get(), "{name}: {} of {} cases were decided", decided.get(), all.get());
}

/// The place of a document, and the order of files, never change a decision.
#[test]
fn order_never_changes_a_decision() {
    let strategy = (prop::collection::vec(any_rule(), 1..8), any_request(), any::<prop::sample::Index>());
    most_decide("order", strategy, |(rules, request, shuffle)| {
        let files = with_mesh(documents(&rules));
        let mut shuffled = files.clone();
        let by = shuffle.index(files.len());
        shuffled.rotate_left(by);
        shuffled.reverse();
        let renamed: Vec<_> =
            shuffled.iter().enumerate().map(|(place, (_, text))| (format!("f{place}.yaml"), text.clone())).collect();
        let decided = decide(&files, &request);
        assert_eq!(decided, decide(&renamed, &request));
        decided.is_some()
    });
}

/// Checks that an additional deny of the enterprise never allows a request that was denied before. Returns whether both
/// trees compile.
fn enterprise_deny_refuses(rules: Vec<AnyRule>, when: Option<&'static str>, request: &Request) -> bool {
    let Some(before) = decide(&with_mesh(documents(&rules)), request) else { return false };
    let mut more = rules;
    more.push(AnyRule { enterprise: true, when, ignore: false, effect: "deny: {}" });
    let Some(after) = decide(&with_mesh(documents(&more)), request) else { return false };
    assert!(before.refusal.is_none() || after.refusal.is_some());
    true
}

#[test]
fn an_enterprise_deny_never_allows() {
    let strategy = (prop::collection::vec(any_rule(), 0..8), 0..CONDITIONS.len(), any_request());
    most_decide("enterprise deny", strategy, |(rules, when, request)| {
        enterprise_deny_refuses(rules, CONDITIONS[when], &request)
    });
}

/// Checks that a redacted field is in no carrier that leaves the filter, whatever other rules do with it. Returns
/// whether the tree compiles.
fn redacted_stays_inside(mut rules: Vec<AnyRule>, mut request: Request, enterprise: bool, sent: bool) -> bool {
    rules.push(AnyRule { enterprise, when: None, ignore: false, effect: "redact: [b]" });
    request.context.insert_string("b", "the-redacted-value").unwrap();
    if sent {
        // The value also arrives in other carriers.
        request.headers.push(("x-b".to_owned(), "the-redacted-value".to_owned()));
        request.headers.push(("baggage".to_owned(), "b=the-redacted-value,k=v".to_owned()));
    }
    let Some(outcome) = decide(&with_mesh(documents(&rules)), &request) else { return false };
    if outcome.refusal.is_none() {
        assert!(!outcome.context.contains("b"));
        assert_eq!(outcome.headers.iter().find(|(name, _)| name == "x-b"), None);
        for (name, value) in &outcome.headers {
            let text = String::from_utf8_lossy(value);
            assert!(!text.contains("the-redacted-value") && !text.contains("made-by-a-rule"), "{name}: {text}");
        }
    }
    true
}

#[test]
fn a_redacted_field_is_in_no_output() {
    let strategy = (prop::collection::vec(any_rule(), 0..8), any_request(), any::<bool>(), any::<bool>());
    most_decide("redacted field", strategy, |(rules, request, enterprise, sent)| {
        redacted_stays_inside(rules, request, enterprise, sent)
    });
}

/// Cases that once failed.
#[test]
fn what_failed_once_holds() {
    let domain = |when, effect| AnyRule { enterprise: false, when, ignore: false, effect };
    let at_the_root = || Request {
        headers: vec![(":path".to_owned(), "/".to_owned())],
        now_ms: 1_767_225_600_000,
        age_ms: 0,
        ..Request::new("cart", Role::Inbound)
    };
    // An allow and a deny that always match.
    redacted_stays_inside(vec![domain(None, "allow: {}"), domain(None, "deny: {}")], at_the_root(), false, false);
    // An allow list that the new deny makes unsatisfiable.
    let rules = vec![domain(Some("request.path.startsWith('/p')"), "allow: {}")];
    enterprise_deny_refuses(rules, Some("request.path.startsWith('/p')"), &at_the_root());
}
