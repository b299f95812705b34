//! Random sets of policies, from few values, so that their rules meet.

use context_mesh_e2e::authorization::policy::{Condition, From, Operation, Policy, Rule, Source, Spec, To};
use serde_json::json;

use super::draw::Draw;

/// Values of a list of the API, or of a condition.
type Values = &'static [&'static str];

const PRINCIPALS: Values = &[
    "cluster.local/ns/shop/sa/front",
    "cluster.local/ns/pay/sa/ledger",
    "cluster.local/ns/shop/*",
    "*/sa/front",
    "*/ns/legacy/sa/batch",
    "other.example/ns/shop/sa/front",
    "*",
];
const NAMESPACES: Values = &["shop", "pay", "sh*", "*gacy", "l*y", "*"];
const ACCOUNTS: Values = &["front", "pay/ledger", "legacy/batch", "shop/batch"];
const TOKENS: Values =
    &["*", "https://login.shop.example/*", "https://login.shop.example/u7", "*/u7", "acc*", "*-admin"];
const NETWORKS: Values = &["127.0.0.1", "127.0.0.0/24", "127.0.0.0/8", "::1", "::/0", "0.0.0.0/0", "127.9.8.7/32"];
const CLIENTS: Values = &["192.0.2.0/24", "203.0.113.7", "2001:db8::/32", "127.0.0.0/8", "0.0.0.0/0", "::1/128"];
const HOSTS: Values =
    &["cart.shop.example", "*.shop.example", "cart.*", "cart.shop.example:8443", "*", "Admin.Shop.Example"];
const PORTS: Values = &["${PORT}", "1", "65535"];
const METHODS: Values = &["GET", "POST", "P*", "*E", "DELETE", "*"];
const PATHS: Values = &[
    "/cart",
    "/cart/*",
    "/c*",
    "*.png",
    "*",
    "/",
    "/users/{*}",
    "/users/{*}/keys",
    "/files/{**}",
    "/{**}/edit",
    "/v1/{*}/x/{**}",
    "/Cart",
    "/cart/items/1",
    "*/items",
];
const TIERS: Values = &["gold", "go*", "*ld", "*", "free", "a,b"];
const CLAIMS: Values = &["admins", "adm*", "*ins", "*", "7", "true", ""];
const NAMES: Values = &["cart.shop.example", "*.example", "cart.*", "*"];
const LUA: Values = &["gold", "go*", "[red]", "[r*]", "*ld"];

/// The attributes of conditions, with their values.
const KEYS: [(&str, Values); 20] = [
    ("source.ip", NETWORKS),
    ("remote.ip", CLIENTS),
    ("source.namespace", NAMESPACES),
    ("source.principal", PRINCIPALS),
    ("source.serviceAccount", ACCOUNTS),
    ("request.auth.principal", TOKENS),
    ("request.auth.audiences", CLAIMS),
    ("request.auth.presenter", CLAIMS),
    ("request.auth.claims[groups]", CLAIMS),
    ("request.auth.claims[realm][roles]", CLAIMS),
    ("request.headers[x-tier]", TIERS),
    ("request.headers[X-Other-Tier]", TIERS),
    ("request.headers[:method]", METHODS),
    ("request.experimental.inline.headers[x-tags]", TIERS),
    ("destination.ip", NETWORKS),
    ("destination.port", PORTS),
    ("connection.sni", NAMES),
    ("experimental.envoy.filters.http.lua[tier]", LUA),
    ("experimental.envoy.filters.http.lua[tags]", LUA),
    ("request.auth.claims[scope]", CLAIMS),
];

/// Returns name and text of a number of sets of up to four policies.
pub(crate) fn sets(seed: u64, count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|number| {
            let mut draw = Draw::new(seed.wrapping_add(u64::try_from(number).unwrap().wrapping_mul(104_729)));
            let policies = 1 + draw.below(4);
            set(&mut draw, &number.to_string(), policies)
        })
        .collect()
}

/// Returns name and text of a set.
pub(crate) fn set(draw: &mut Draw, name: &str, policies: usize) -> (String, String) {
    let policies = (0..policies).map(|at| policy(draw, at)).collect::<Vec<_>>();
    (format!("random: {name}"), policies.iter().map(text).collect::<Vec<_>>().join("\n---\n"))
}

/// Returns a policy as a resource. JSON is YAML.
fn text(policy: &Policy) -> String {
    let resource = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": policy.name, "namespace": policy.namespace},
        "spec": policy.spec,
    });
    format!("{resource:#}")
}

fn policy(draw: &mut Draw, at: usize) -> Policy {
    let action = draw.of(&["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "AUDIT"]);
    Policy {
        name: format!("p{at}"),
        namespace: draw.of(&["shop", "shop", "shop", "istio-system"]).to_owned(),
        dry_run: false,
        spec: Spec {
            selector: None,
            action: action.to_owned(),
            rules: (0..=draw.below(2)).map(|_| rule(draw)).collect(),
        },
    }
}

fn rule(draw: &mut Draw) -> Rule {
    let mut rule = Rule::default();
    if draw.percent(50) {
        rule.from = (0..=draw.below(2)).map(|_| From { source: source(draw) }).collect();
    }
    if draw.percent(60) {
        rule.to = (0..=draw.below(2)).map(|_| To { operation: operation(draw) }).collect();
    }
    if draw.percent(40) || (rule.from.is_empty() && rule.to.is_empty()) {
        rule.when = (0..=draw.below(2)).map(|_| condition(draw)).collect();
    }
    rule
}

/// Fills one of two lists, or both.
fn fill(draw: &mut Draw, values: Values, yes: &mut Vec<String>, no: &mut Vec<String>) {
    match draw.below(6) {
        0 => *no = some(draw, values),
        1 => (*yes, *no) = (some(draw, values), some(draw, values)),
        _ => *yes = some(draw, values),
    }
}

fn some(draw: &mut Draw, values: Values) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for _ in 0..=draw.below(3) {
        let value = draw.of(values).to_owned();
        if !value.is_empty() && !found.contains(&value) {
            found.push(value);
        }
    }
    if found.is_empty() { vec![values[0].to_owned()] } else { found }
}

fn source(draw: &mut Draw) -> Source {
    let mut source = Source::default();
    let has_accounts = draw.percent(30);
    for _ in 0..=draw.below(2) {
        let s = &mut source;
        match draw.below(6) {
            // The API has either accounts, or principals and namespaces.
            0 if !has_accounts => fill(draw, PRINCIPALS, &mut s.principals, &mut s.not_principals),
            1 if !has_accounts => fill(draw, NAMESPACES, &mut s.namespaces, &mut s.not_namespaces),
            2 if has_accounts => fill(draw, ACCOUNTS, &mut s.service_accounts, &mut s.not_service_accounts),
            3 => fill(draw, NETWORKS, &mut s.ip_blocks, &mut s.not_ip_blocks),
            4 => fill(draw, CLIENTS, &mut s.remote_ip_blocks, &mut s.not_remote_ip_blocks),
            _ => fill(draw, TOKENS, &mut s.request_principals, &mut s.not_request_principals),
        }
    }
    source
}

fn operation(draw: &mut Draw) -> Operation {
    let mut operation = Operation::default();
    for _ in 0..=draw.below(2) {
        let o = &mut operation;
        match draw.below(5) {
            0 => fill(draw, HOSTS, &mut o.hosts, &mut o.not_hosts),
            1 => fill(draw, METHODS, &mut o.methods, &mut o.not_methods),
            2 if draw.percent(30) => fill(draw, PORTS, &mut o.ports, &mut o.not_ports),
            _ => fill(draw, PATHS, &mut o.paths, &mut o.not_paths),
        }
    }
    operation
}

fn condition(draw: &mut Draw) -> Condition {
    let (key, values) = draw.of(&KEYS);
    let mut condition = Condition { key: key.to_owned(), ..Condition::default() };
    fill(draw, values, &mut condition.values, &mut condition.not_values);
    condition
}
