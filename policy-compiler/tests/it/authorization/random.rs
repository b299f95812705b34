//! Random trees: what is emitted decides about random requests as the filter does.

use std::cell::Cell;

use context_mesh_core::pipeline::Role;
use policy_compiler::{
    check::model, pack::emit::authorization::Difference, read::document::HostAttribute, run::simulate::Simulator,
};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};

use super::{
    MESH, Tree,
    evaluator::{self, Request},
    policy, quoted,
};

/// Tests that need no consent.
const EXACT: &[&str] = &[
    "request.method == 'GET'",
    "request.method in ['GET', 'POST']",
    "!(request.method in ['PUT', 'DELETE'])",
    "peer.service == 'cart'",
    "peer.service != 'cart'",
    "peer.service == ''",
    "peer.service in ['front', 'audit']",
    "peer.service.startsWith('a')",
    "peer.domain == 'shop'",
    "peer.domain != 'bank'",
    "peer.region == 'eu'",
    "peer.namespace == 'shop'",
    "peer.namespace != 'shop'",
    "peer.namespace in ['shop', 'other']",
    "peer.namespace == 'other' && peer.serviceAccount == 'aud'",
    "peer.namespace == 'shop' && peer.serviceAccount != 'cart'",
    "peer.principal == 'spiffe://acme.corp/ns/shop/sa/cart'",
    "peer.principal != ''",
    "peer.principal in ['', 'spiffe://evil.corp/ns/shop/sa/cart']",
    "peer.principal.startsWith('spiffe://acme.corp/ns/bank/')",
    "connection.mtls",
    "!connection.mtls",
    "destination.port == 8080",
    "destination.port in [8080, 9090]",
    "destination.port != 9090",
    "source.direct_ip.inNetworks(['10.0.0.0/8', '2001:db8::/32'])",
    "!source.direct_ip.inNetworks(['10.1.0.0/16'])",
    "source.direct_ip == '10.1.2.3'",
    "connection.requested_server_name == 'a.example'",
    "connection.requested_server_name != 'a.example'",
    "connection.requested_server_name.endsWith('.example')",
    "has(connection.requested_server_name)",
    "'x-a' in request.headers",
    "!('x-b' in request.headers)",
    "mesh.service == 'ledger'",
    "mesh.domain == 'shop'",
    "variables.reads",
    "(request.method == 'GET' ? peer.service == 'cart' : peer.domain == 'bank')",
];

/// Tests that are exact for ordinary requests only.
const ODD: &[&str] = &[
    "request.url_path == '/a'",
    "request.url_path != '/a'",
    "request.url_path in ['/a', '/a/b']",
    "request.url_path.startsWith('/a')",
    "!request.url_path.startsWith('/a/')",
    "request.url_path.endsWith('.png')",
    "request.url_path.matchesTemplate('/a/{id}/c')",
    "request.url_path.matchesTemplate('/a/{**}')",
    "request.hostname == 'shop.example'",
    "request.hostname in ['shop.example', 'b.example']",
    "request.hostname != 'shop.example'",
    "request.hostname.startsWith('shop.')",
    "request.headers['x-a'] == '1'",
    "request.headers['x-a'] in ['1', '2']",
    "request.headers['x-b'] != '1'",
    "request.headers['x-a'].startsWith('1')",
    "request.headers['x-a'].endsWith('2')",
    "request.headers['x-a'] != '2'",
    "request.useragent == 'curl'",
    "claims.role == 'admin'",
    "claims.role != 'admin'",
    "claims.role.startsWith('a')",
    "has(claims.role)",
    "'a' in claims.groups",
    "!('b' in claims.groups)",
    "claims.groups.exists(group, group == 'b')",
    "source.ip.inNetworks(['192.168.0.0/16'])",
    "!source.ip.inNetworks(['192.168.0.0/16'])",
];

fn condition(atoms: &'static [&'static str]) -> impl Strategy<Value = String> {
    let atom = select(atoms).prop_map(str::to_owned);
    atom.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Returns rules of one layer.
fn rules(atoms: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let effect = select(&["deny: {}", "allow: {}", "allow: {}", "audit: {}", "enforcement: shadow, deny: {}"][..]);
    let rule = (condition(atoms), effect, any::<bool>());
    prop::collection::vec(rule, 0..4).prop_map(|rules| {
        let rule = |(index, (condition, effect, ignore)): (usize, (String, &str, bool))| {
            let on_error = if ignore { ", onError: ignore" } else { "" };
            format!("{{name: r{index}, when: {}{on_error}, {effect}}}", quoted(&condition))
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

/// Returns requests; `odd` ones have repeated headers and long ones as well.
fn request(odd: bool) -> impl Strategy<Value = Request> {
    let ids = [
        "spiffe://acme.corp/ns/shop/sa/cart",
        "spiffe://acme.corp/ns/shop/sa/front",
        "spiffe://acme.corp/ns/shop/sa/stranger",
        "spiffe://acme.corp/ns/bank/sa/cart",
        "spiffe://acme.corp/ns/bank/sa/ledger",
        "spiffe://acme.corp/ns/bank/sa/aud",
        "spiffe://acme.corp/ns/bank/sa/audit",
        "spiffe://acme.corp/ns/other/sa/aud",
        "spiffe://acme.corp/ns/old/sa/audit",
        "spiffe://evil.corp/ns/shop/sa/cart",
    ];
    let values = || prop::option::of(select(vec!["1", "2", "3", "12", ""]));
    let more = move || prop::option::weighted(0.3, select(vec!["1", "9"])).prop_map(move |more| more.filter(|_| odd));
    let headers = (
        select(vec!["GET", "POST", "PUT", "DELETE"]),
        select(vec!["/", "/a", "/a?b", "/a/b", "/a/b/c", "/a/x.png", "/ab"]),
        select(vec!["shop.example", "SHOP.example:80", "shop.example.", "b.example:8080", "shop.example.evil", "x"]),
        prop::option::of(select(vec!["curl", "other"])),
        (values(), more(), any::<bool>()),
        (values(), more()),
    );
    let connection = (
        prop::option::weighted(0.8, select(ids.to_vec())),
        select(vec!["10.1.2.3", "10.2.0.1", "192.168.1.1", "2001:db8::1", "2001:db9::1"]),
        select(vec!["192.168.1.1", "10.0.0.1"]),
        select(vec![8080, 9090, 1]),
        prop::option::of(select(vec!["a.example", "b.example", "x"])),
    );
    let token = (
        prop::option::of(select(vec!["admin", "user", "a"])),
        prop::option::of(select(vec![&["a"][..], &["b"], &["a", "b"], &["c"]])),
    );
    (headers, connection, token).prop_map(
        move |((method, path, host, agent, a, b), (principal, direct, remote, port, sni), (role, groups))| {
            let mut headers: Vec<(String, String)> = Vec::new();
            let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
            add(":method", method);
            add(":path", path);
            add(":authority", host);
            agent.into_iter().for_each(|value| add("user-agent", value));
            let long = "1".repeat(9000);
            a.0.into_iter()
                .chain(a.1)
                .for_each(|value| add("x-a", if odd && a.2 && value == "12" { &long } else { value }));
            b.0.into_iter().chain(b.1).for_each(|value| add("x-b", value));
            Request {
                principal: principal.map(str::to_owned),
                headers,
                direct_ip: direct.to_owned(),
                remote_ip: remote.to_owned(),
                port,
                sni: sni.map(str::to_owned),
                role: role.map(str::to_owned),
                groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
            }
        },
    )
}

/// Returns a field of a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).ok().filter(|length| *length < 128).unwrap();
    [&[number << 3 | 2, length], bytes].concat()
}

/// Returns an entry of a map.
fn entry(name: &str, value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value)].concat())
}

/// Returns the metadata of the proxy with the claims of the request: `envoy.config.core.v3.Metadata`.
fn metadata(request: &Request) -> Vec<u8> {
    let text = |text: &String| field(3, text.as_bytes());
    let role = request.role.as_ref().map(|role| entry("role", &text(role)));
    let groups = request.groups.as_ref().map(|groups| {
        let items: Vec<u8> = groups.iter().flat_map(|group| field(1, &text(group))).collect();
        entry("realm", &field(5, &entry("groups", &field(6, &items))))
    });
    let payload: Vec<u8> = role.into_iter().chain(groups).flatten().collect();
    entry("envoy.filters.http.jwt_authn", &entry("payload", &field(5, &payload)))
}

/// Returns the request as the simulator takes it.
fn simulated(request: &Request) -> model::Request {
    let mut plain = model::Request::new("ledger", Role::Inbound);
    plain.principal.clone_from(&request.principal);
    plain.headers.clone_from(&request.headers);
    let with_port = |ip: &str| if ip.contains(':') { format!("[{ip}]:4711") } else { format!("{ip}:4711") };
    let mut set = |path: &[&str], bytes: Vec<u8>| {
        plain.attributes.push(HostAttribute { path: path.iter().map(|part| (*part).to_owned()).collect(), bytes });
    };
    set(&["source", "address"], with_port(&request.remote_ip).into_bytes());
    set(&["filter_state", "context_mesh.direct_address"], with_port(&request.direct_ip).into_bytes());
    set(&["destination", "port"], i64::from(request.port).to_le_bytes().to_vec());
    set(&["metadata"], metadata(request));
    if let Some(sni) = &request.sni {
        set(&["connection", "requested_server_name"], sni.clone().into_bytes());
    }
    plain
}

/// Trees of each test.
const CASES: u32 = 160;

/// What really ran.
#[derive(Debug, Default)]
struct Ran {
    trees: Cell<u32>,
    refused: Cell<u32>,
    passed: Cell<u32>,
    denied: Cell<u32>,
    audited: Cell<u32>,
}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

/// Compares both decisions for trees of these tests.
fn compare(atoms: &'static [&'static str], odd: bool, accepted: &[Difference]) -> Ran {
    let ran = Ran::default();
    let trees = (rules(atoms), rules(atoms), prop::collection::vec(request(odd), 24));
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) });
    let result = runner.run(&trees, |(enterprise, domain, requests)| {
        let reads = "  variables: [{name: reads, expression: \"request.method in ['GET', 'HEAD']\"}]\n";
        let with_variables = |text: String| text.replace("  rules:\n", &format!("{reads}  rules:\n"));
        let documents: Vec<String> = [(None, &enterprise), (Some("bank"), &domain)]
            .into_iter()
            .filter(|(_, rules)| !rules.is_empty())
            .map(|(owner, rules)| with_variables(policy(owner, rules)))
            .collect();
        let sources = crate::support::tree(format!("{MESH}---\n{}", documents.join("---\n")));
        // Rules that can never match together are an error of the tree.
        let (compiled, model) = match policy_compiler::compile_with_model(&sources) {
            Ok(compiled) => compiled,
            Err(found) => {
                let is_of_rules = found.iter().all(|found| found.code.starts_with("CM06"));
                prop_assert!(is_of_rules, "{}", found.to_text(&sources));
                return Ok(());
            }
        };
        let tree = Tree { sources, compiled, model };
        let Ok(resources) = tree.emit(accepted) else {
            count(&ran.refused);
            return Ok(());
        };
        count(&ran.trees);
        let mut simulator = Simulator::new(&tree.compiled.artifact).unwrap();
        for request in &requests {
            let outcome = simulator.run(&simulated(request), None).unwrap();
            let shown = || format!("{request:?}\n{outcome:?}\n{resources:#?}");
            let passes = evaluator::passes(&resources, request);
            prop_assert_eq!(passes, outcome.refusal.is_none(), "{}", shown());
            prop_assert_eq!(evaluator::audits(&resources, request), !outcome.audited.is_empty(), "{}", shown());
            prop_assert_eq!(evaluator::would_deny(&resources, request), !outcome.shadow.is_empty(), "{}", shown());
            count(if passes { &ran.passed } else { &ran.denied });
            outcome.audited.iter().take(1).for_each(|_| count(&ran.audited));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    ran
}

#[test]
fn without_consent_every_request_is_decided_as_before() {
    let ran = compare(EXACT, true, &[]);
    assert!(ran.trees.get() > 100, "{ran:?}");
    assert!(ran.passed.get() > 300 && ran.denied.get() > 300 && ran.audited.get() > 100, "{ran:?}");
}

#[test]
fn with_consent_ordinary_requests_are_decided_as_before() {
    let all: Vec<&'static str> = EXACT.iter().chain(ODD).chain(ODD).copied().collect();
    let ran = compare(all.leak(), false, &Difference::ALL);
    assert!(ran.trees.get() > 50 && ran.refused.get() > 5, "{ran:?}");
    assert!(ran.passed.get() > 300 && ran.denied.get() > 300 && ran.audited.get() > 100, "{ran:?}");
}
