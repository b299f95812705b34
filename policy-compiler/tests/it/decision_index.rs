//! The decision index changes no decision: random rules decide about random requests with it and without it.

use std::cell::Cell;
use std::fmt::Write as _;

use bumpalo::Bump;
use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_core::decide::{RuleSet, decide, decide_reusing};
use context_mesh_core::fuel::Fuel;
use context_mesh_core::headers::Headers;
use context_mesh_core::limits::MAX_FUEL;
use context_mesh_core::testing::{Request, context};
use context_mesh_core::vm::{MeshView, Peer, Scratch};
use policy_compiler::{compile, report::diagnostic::Severity, report::source::Sources};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const TREE: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  claims: {source: envoy, types: {groups: list<string>, level: int}}
  domains:
    shop: {services: [cart, search], region: us}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: shop}
spec:
  fields:
    tenant: {type: string}
    plan: {type: string}
    amount: {type: int}
    rate: {type: double}
    beta: {type: bool}
    flags: {type: list<string>}
    sizes: {type: list<int>}
    any: {type: json}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: p, domain: shop}
spec:
  workloads: [cart]
  variables:
    - {name: writes, expression: \"request.method in ['POST', 'PUT']\"}
    - {name: acme, expression: \"context.tenant == 'acme' && request.url_path.startsWith('/pay')\"}
    - {name: joined, expression: \"request.header_values['x-plan'].join(',')\"}
    - {name: wrong, expression: \"context.amount / 0 == 1\"}
  rules:
";

/// Conditions that can be looked up, and others.
const ATOMS: &[&str] = &[
    "context.tenant == 'acme'",
    "context.tenant == 'globex'",
    "'initech' == context.tenant",
    "context.tenant in ['acme', 'umbrella']",
    "context.tenant.startsWith('ac')",
    "context.tenant.endsWith('x')",
    "context.tenant != 'acme'",
    "context.tenant.contains('\\\\nacme\\\\n')",
    "context.tenant.contains('\\\\n\\\\n')",
    "context.tenant.contains('acme')",
    "context.plan == 'gold'",
    "context.plan in ['gold', 'silver']",
    "has(context.tenant)",
    "!has(context.plan)",
    "context.amount == 7",
    "context.amount in [7, 8]",
    "context.amount > 7",
    "context.rate == 7.0",
    "context.rate == 0.5",
    "context.beta",
    "!context.beta",
    "'new' in context.flags",
    "'old' in context.flags",
    "3 in context.sizes",
    "context.any == 'acme'",
    "context.any == 7",
    "'new' in context.any",
    "context.any.startsWith('ac')",
    "context.any == 9007199254740994",
    "context.any in [9007199254740994, 7]",
    "request.url_path == '/pay/7'",
    "request.url_path.startsWith('/pay/')",
    "request.url_path.startsWith('/pay/7/a-very-long-path-with-more-bytes-than-any-lookup-reads-of-it')",
    "request.url_path.startsWith('')",
    "request.url_path.endsWith('.pdf')",
    "request.url_path.matches('/pay/[0-9]+')",
    "request.url_path.matches('.*pdf')",
    "request.url_path.matchesTemplate('/pay/{id}')",
    "request.method == 'POST'",
    "request.headers['x-plan'] == 'gold'",
    "request.headers['x-plan'].startsWith('go')",
    "'x-plan' in request.headers",
    "request.hostname == 'shop.example'",
    "peer.service == 'search'",
    "peer.principal.startsWith('spiffe://acme.corp/')",
    "mesh.service == 'cart'",
    "destination.service == ''",
    "source.port == 4711",
    "'admin' in claims.groups",
    "claims.level == 3",
    "variables.writes",
    "!variables.writes",
    "variables.acme",
    "variables.joined == 'gold'",
    "variables.joined.startsWith('go')",
    "variables.wrong",
    "int(context.tenant) > 1",
    "context.amount / 0 == 1",
    "(context.beta ? context.tenant : context.plan) == 'acme'",
    "(context.amount > 3 ? context.tenant == 'acme' : context.plan == 'gold')",
    "context.flags.exists(flag, flag == 'new')",
];

/// Returns conditions that are made of these atoms.
fn any_condition(atoms: Vec<&'static str>) -> BoxedStrategy<String> {
    let atom = prop::sample::select(atoms).prop_map(str::to_owned);
    let joined = |inner: BoxedStrategy<String>, operator: &'static str| {
        let parts = prop::collection::vec(inner, 2..4);
        parts.prop_map(move |parts| format!("({})", parts.join(operator)))
    };
    atom.prop_recursive(3, 12, 3, move |inner| {
        let inner = inner.boxed();
        let condition = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            6 => joined(inner.clone(), " && "),
            2 => joined(inner.clone(), " || "),
            1 => inner.prop_map(|inner| format!("!({inner})")),
            1 => condition.prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
    .boxed()
}

const EFFECTS: &[&str] = &[
    "deny: {}",
    "deny: {}, onError: ignore",
    "allow: {}",
    "allow: {}, enforcement: shadow",
    "deny: {}, enforcement: shadow",
    "audit: {}",
    "redact: [plan]",
    "require: [plan]",
    "mask: {fields: [tenant], keepLast: 1}",
    "mask: {fields: [tenant], keepLast: 1}, onError: ignore",
];

/// A request: its headers, its fields as JSON, and its attributes.
#[derive(Debug, Clone)]
struct Sent {
    headers: Vec<(&'static [u8], &'static [u8])>,
    fields: Vec<(&'static str, &'static str)>,
    principal: &'static str,
    port: Option<i64>,
}

fn any_request() -> impl Strategy<Value = Sent> {
    let path = prop::sample::select(vec![
        "/pay/7",
        "/pay/",
        "/pay/7/a-very-long-path-with-more-bytes-than-any-lookup-reads-of-it/x.pdf",
        "/",
        "/x.pdf?y",
        "",
    ]);
    let plan = prop::collection::vec(prop::sample::select(vec![&b"gold"[..], b"silver", b"", b"\xff"]), 0..3);
    let field = |name: &'static str, values: &'static [&'static str]| {
        prop::option::of(prop::sample::select(values)).prop_map(move |value| value.map(|value| (name, value)))
    };
    let fields = (
        field(
            "tenant",
            &[
                "\"acme\"",
                "\"globex\"",
                "\"acmex\"",
                "\"\\u0061cme\"",
                "\"\"",
                "7",
                "null",
                "[\"acme\"]",
                "\"\\nacme\\n\"",
                "\"acme\\n\\nx\"",
            ],
        ),
        field("plan", &["\"gold\"", "\"silver\"", "\"\"", "true"]),
        field("amount", &["7", "8", "-1", "7.0", "\"7\"", "9007199254740993"]),
        field("rate", &["7", "7.0", "0.5", "1e300", "\"x\""]),
        field("beta", &["true", "false", "\"true\""]),
        field("flags", &["[]", "[\"new\"]", "[\"x\",\"old\"]", "[\"new\",7]", "\"new\"", "{\"new\":1}"]),
        field("sizes", &["[3]", "[1,2]", "[3.0]", "[\"3\"]", "[]"]),
        field(
            "any",
            &["\"acme\"", "7", "9007199254740994.0", "[\"new\"]", "[[\"new\"],\"new\"]", "{\"new\":1}", "null", "true"],
        ),
    );
    let method = prop::sample::select(vec![&b"GET"[..], b"POST"]);
    let host = prop::sample::select(vec![&b"shop.example"[..], b"Shop.Example:80", b"a:b:80"]);
    let principal = prop::sample::select(vec!["", "spiffe://acme.corp/ns/default/sa/search", "spiffe://x/y"]);
    (path, plan, fields, method, host, principal, prop::option::of(4710_i64..4713)).prop_map(
        |(path, plan, fields, method, host, principal, port)| {
            let (a, b, c, d, e, f, g, h) = fields;
            let mut headers = vec![(&b":path"[..], path.as_bytes()), (b":method", method), (b":authority", host)];
            headers.extend(plan.into_iter().map(|value| (&b"x-plan"[..], value)));
            Sent { headers, fields: [a, b, c, d, e, f, g, h].into_iter().flatten().collect(), principal, port }
        },
    )
}

/// Returns the program of a tree with these rules, or `None` if no request could satisfy its allow rules.
fn program(rules: &[(String, &str)]) -> Option<VerifiedProgram> {
    let mut tree = TREE.to_owned();
    for (number, (when, effect)) in rules.iter().enumerate() {
        let _ = writeln!(tree, "    - {{name: r{number}, when: \"{when}\", {effect}}}");
    }
    let mut sources = Sources::new("tree");
    sources.add("tree.yaml", tree);
    match compile(&sources) {
        Ok(compiled) => Some(artifact::load(&compiled.artifact).unwrap()),
        Err(problems) => {
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
            assert!(errors.clone().all(|problem| problem.code == "CM0605"), "{}", problems.to_text(&sources));
            None
        }
    }
}

#[test]
fn decisions_are_the_same_with_and_without_the_index() {
    // The rules of a tree have few atoms, as many rules of one author have, so that there is something to look up.
    let rules = prop::sample::subsequence(ATOMS, 6..12)
        .prop_flat_map(|atoms| prop::collection::vec((any_condition(atoms), prop::sample::select(EFFECTS)), 12..60));
    let strategy = (rules, prop::collection::vec(any_request(), 12));
    let (trees, used, rules, indexed) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&strategy, |(listed, requests)| {
        trees.set(trees.get() + 1);
        let Some(program) = program(&listed) else { return Ok(()) };
        let services = &program.tables().services;
        let entry = &services.iter().find(|service| service.name == "cart").unwrap().entry;
        let (linear, set) = (RuleSet::linear(&program, &entry.inbound), RuleSet::new(&program, &entry.inbound));
        rules.set(rules.get() + set.rules().len());
        let found = set.rules().len() - set.unindexed().count();
        indexed.set(indexed.get() + found);
        used.set(used.get() + usize::from(found > 0));
        for sent in &requests {
            prop_assert_eq!(outcome(&program, &linear, sent), outcome(&program, &set, sent));
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    eprintln!("{} of {} trees, {} of {} rules indexed", used.get(), trees.get(), indexed.get(), rules.get());
    assert!(used.get() * 3 >= trees.get(), "{} of {} trees have an index", used.get(), trees.get());
    assert!(indexed.get() * 5 >= rules.get(), "{} of {} rules are indexed", indexed.get(), rules.get());
}

/// Returns the fuel of a decision about a request with these fields and path, and the number of rules that applied and of
/// those that ended with an error.
fn used(program: &VerifiedProgram, rules: &RuleSet, fields: &[(&str, &str)], path: &str) -> (u64, usize) {
    let headers = Headers::new(vec![(b":path", path.as_bytes())]);
    let request = Request { headers, context: context(fields), ..Request::default() };
    let fuel = Fuel::default();
    let none = |_: &[&str]| None;
    let decision = decide_reusing(program, rules, request.snapshot(&none), &Bump::new(), &mut Scratch::new(), &fuel);
    (MAX_FUEL - fuel.left(), decision.applied.len() + decision.errors.len())
}

#[test]
fn a_decision_costs_the_same_with_any_number_of_rules() {
    let rules = |count: usize| -> Vec<(String, &str)> {
        let condition = |n| format!("context.tenant == 'tenant_{n}' && request.url_path.startsWith('/svc{n}/')");
        (0..count).map(|n| (condition(n), "deny: {}")).collect()
    };
    let (few, many) = (program(&rules(10)).unwrap(), program(&rules(2000)).unwrap());
    let set = |program: &VerifiedProgram| {
        let entry = &program.tables().services.iter().find(|service| service.name == "cart").unwrap().entry;
        RuleSet::new(program, &entry.inbound)
    };
    let (few_rules, many_rules) = (set(&few), set(&many));
    let tenant = |tenant: &'static str| [("tenant", tenant)];
    for (name, fields, path, fuel, applied) in [
        ("no rule", &tenant("\"other\"")[..], "/other", 0, 0),
        ("one tenant, another path", &tenant("\"tenant_7\""), "/svc8/", 9, 0),
        ("one rule", &tenant("\"tenant_7\""), "/svc7/x", 9, 1),
        ("no tenant: rules are found by the path", &[], "/other", 0, 0),
        ("no tenant: one rule ends with an error, and applies", &[], "/svc7/", 9, 2),
        ("a tenant of another type", &tenant("7"), "/svc7/", 9, 2),
    ] {
        let of_few = used(&few, &few_rules, fields, path);
        assert_eq!(of_few, used(&many, &many_rules, fields, path), "{name}");
        assert!(of_few.0 <= fuel && of_few.1 == applied, "{name}: {of_few:?}");
    }
    let linear = RuleSet::linear(&many, many_rules.rules());
    assert!(used(&many, &linear, &tenant("\"other\""), "/other").0 > 2000);
}

fn outcome(program: &VerifiedProgram, rules: &RuleSet, sent: &Sent) -> String {
    let port = sent.port;
    let attributes = move |path: &[&str]| (path == ["source", "port"]).then_some(port?.to_le_bytes().to_vec());
    let request = Request {
        headers: Headers::new(sent.headers.clone()),
        context: context(&sent.fields),
        peer: Peer { principal: sent.principal.to_owned(), ..Peer::default() },
        mesh: MeshView { service: "cart", domain: "shop", region: "us", direction: "inbound" },
        ..Request::default()
    };
    format!("{:?}", decide(program, rules, request.snapshot(&attributes), &Bump::new()))
}
