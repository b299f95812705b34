//! Every kind of test as an allow rule and as a deny rule: what Istio is asked, and which differences need consent.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use policy_compiler::pack::emit::authorization::Difference;
use serde_json::Value;

use super::{MESH, Tree, policy, quoted};
use crate::support::golden;

/// The conditions of the table. One that begins with `#` is a heading.
const CONDITIONS: &[&str] = &[
    "# The method and the path",
    "request.method == 'GET'",
    "request.method != 'GET'",
    "request.method in ['GET', 'HEAD']",
    "request.method.startsWith('P')",
    "request.url_path == '/a'",
    "request.url_path != '/a'",
    "request.url_path.startsWith('/a/')",
    "request.url_path.endsWith('.png')",
    "request.url_path.contains('admin')",
    "request.url_path.startsWith('/a') && request.url_path.startsWith('/a/b')",
    "request.url_path.startsWith('/a') && request.url_path.endsWith('.png')",
    "request.url_path.startsWith('/a') && request.url_path != '/a/b'",
    "request.url_path == '/a*'",
    "request.url_path == '/{id}'",
    "request.url_path.matchesTemplate('/orders/{id}/returns')",
    "!request.url_path.matchesTemplate('/orders/{id}/returns')",
    "request.url_path.matchesTemplate('/v{n}/x')",
    "request.url_path.matches('^/[a-z]+$')",
    "request.path == '/a?b'",
    "request.query_params['a'] == '1'",
    "# The host",
    "request.hostname == 'shop.example'",
    "request.hostname != 'shop.example'",
    "request.hostname.startsWith('shop.')",
    "request.hostname.endsWith('.example')",
    "request.hostname == 'SHOP.example'",
    "request.host == 'shop.example'",
    "# Headers",
    "request.headers['x-a'] == '1'",
    "request.headers['x-a'] != '1'",
    "request.headers['x-a'] in ['1', '2']",
    "request.headers['x-a'] == '1,2'",
    "request.headers['x-a'] == ''",
    "request.headers['x-a'].startsWith('1')",
    "request.headers['x-a'].matches('1')",
    "'x-a' in request.headers",
    "!('x-a' in request.headers)",
    "has(request.useragent)",
    "request.headers['host'] == 'a'",
    "request.header_values['x-a'].exists(v, v == '1')",
    "request.useragent == 'curl'",
    "request.cookies['a'] == '1'",
    "# The caller",
    "peer.service == 'cart'",
    "peer.service != 'cart'",
    "peer.service == 'audit'",
    "peer.service == ''",
    "peer.domain == 'shop'",
    "peer.region == 'eu'",
    "peer.namespace == 'shop'",
    "peer.namespace != 'shop'",
    "peer.namespace == 'shop' && peer.serviceAccount == 'cart'",
    "peer.namespace == 'shop' && peer.serviceAccount != 'cart'",
    "peer.serviceAccount == 'cart'",
    "peer.namespace.startsWith('s')",
    "peer.principal == 'spiffe://acme.corp/ns/shop/sa/cart'",
    "peer.principal != ''",
    "peer.principal.startsWith('spiffe://acme.corp/ns/shop/')",
    "peer.principal.endsWith('/sa/cart')",
    "peer.principal == 'spiffe://cluster.local/ns/shop/sa/cart'",
    "peer.principal == 'acme.corp/ns/shop/sa/cart'",
    "connection.mtls",
    "!connection.mtls",
    "# The connection",
    "source.direct_ip.inNetworks(['10.0.0.0/8', '2001:db8::/32'])",
    "!source.direct_ip.inNetworks(['10.0.0.0/8'])",
    "source.direct_ip == '10.0.0.1'",
    "source.direct_ip == '10.0.0.01'",
    "source.ip.inNetworks(['10.0.0.0/8'])",
    "source.port == 80",
    "destination.port == 8080",
    "destination.port != 8080",
    "destination.port in [80, 443]",
    "destination.port > 1024",
    "connection.requested_server_name == 'a.example'",
    "connection.requested_server_name != 'a.example'",
    "has(connection.requested_server_name)",
    "connection.tls_version == 'TLSv1.3'",
    "# Claims",
    "claims.role == 'admin'",
    "claims.role != 'admin'",
    "claims.role.startsWith('a')",
    "has(claims.role)",
    "'a' in claims.groups",
    "!('a' in claims.groups)",
    "'a' in claims.groups && 'b' in claims.groups",
    "claims.groups.exists(group, group == 'a')",
    "# The workload",
    "mesh.service == 'ledger' && request.method == 'GET'",
    "destination.domain == 'bank' && request.method == 'GET'",
    "# Combinations",
    "request.method == 'GET' || peer.service == 'cart'",
    "request.method == 'GET' || request.method == 'PUT'",
    "!(request.method == 'GET' && peer.service == 'cart')",
    "request.method == 'GET' ? peer.service == 'cart' : connection.mtls",
    "request.method == 'GET' && request.headers['x-a'] == '1'",
    "request.method == 'GET' || request.headers['x-a'] == '1'",
    "variables.reads && peer.service == 'cart'",
    "# What is not read",
    "context.tenant == 'a'",
    "claims.age == 7",
    "request.time.getHours() > 8",
    "filter_state['a'] == 'b'",
    "metadata.filter_metadata['a']['b'] == 'c'",
];

/// Returns the lists of a rule, on one line.
fn shown(rule: &Value) -> String {
    let mut parts = Vec::new();
    let mut list = |name: &str, values: &Value| {
        let values: Vec<&str> = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
        parts.push(format!("{name}: {}", values.join(", ")));
    };
    for group in ["/from/0/source", "/to/0/operation"] {
        for (name, values) in rule.pointer(group).and_then(Value::as_object).into_iter().flatten() {
            list(name, values);
        }
    }
    for condition in rule["when"].as_array().into_iter().flatten() {
        for name in ["values", "notValues"] {
            if let Some(values) = condition.get(name) {
                list(&format!("{} {name}", condition["key"].as_str().unwrap()), values);
            }
        }
    }
    if parts.is_empty() { "everything".to_owned() } else { parts.join("; ") }
}

/// Returns the reasons of refusals, without places.
fn reasons(text: &str) -> BTreeSet<String> {
    let reason =
        |line: &str| line.split_once("cannot be said in an AuthorizationPolicy: ").map(|(_, why)| why.to_owned());
    text.lines().filter_map(reason).collect()
}

fn row(condition: &str, effect: &str) -> String {
    let schema = "apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {name: s, version: 1.0.0}\nspec:\n  fields:\n    tenant: {type: string, maxBytes: 9}\n---\n";
    let rules = policy(Some("bank"), &[format!("{{name: r, when: {}, {effect}}}", quoted(condition))]);
    let reads = "  variables: [{name: reads, expression: \"request.method in ['GET', 'HEAD']\"}]\n  rules:\n";
    let tree = Tree::new(&format!("{schema}{}", rules.replace("  rules:\n", reads)));
    let found = match tree.emit(&Difference::ALL) {
        Err(text) => format!("no: {}", reasons(&text).into_iter().collect::<Vec<_>>().join("; ")),
        Ok(resources) => match resources.as_slice() {
            [] => "nothing".to_owned(),
            [resource] => match resource["spec"]["rules"].as_array() {
                None => "nothing at all".to_owned(),
                Some(rules) => rules.iter().map(shown).collect::<Vec<_>>().join("\n          or "),
            },
            more => panic!("{condition}: {more:?}"),
        },
    };
    let needed = Difference::ALL.into_iter().filter(|difference| {
        let others: Vec<Difference> = Difference::ALL.into_iter().filter(|other| other != difference).collect();
        tree.emit(&Difference::ALL).is_ok() && tree.emit(&others).is_err()
    });
    let needed: Vec<&str> = needed.map(Difference::name).collect();
    if needed.is_empty() { found } else { format!("{found}\n          with {}", needed.join(", ")) }
}

#[test]
fn every_kind_of_test_has_its_constraints() {
    let mut table = String::new();
    for condition in CONDITIONS {
        if condition.starts_with('#') {
            writeln!(table, "{condition}\n").unwrap();
            continue;
        }
        let (allow, deny) = (row(condition, "allow: {}"), row(condition, "deny: {}"));
        writeln!(table, "{condition}\n  allow:  {allow}\n  deny:   {deny}\n").unwrap();
    }
    golden::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorization/conditions.txt"), &table);
}

/// Returns the rules of `ledger` in another mesh, or the reasons why there are none.
fn in_mesh(mesh: &str, condition: &str, accepted: &[Difference]) -> String {
    let rules = policy(Some("bank"), &[format!("{{name: r, when: {}, allow: {{}}}}", quoted(condition))]);
    match Tree::in_mesh(mesh, &rules).emit(accepted) {
        Err(text) => format!("no: {}", reasons(&text).into_iter().collect::<Vec<_>>().join("; ")),
        Ok(resources) => {
            let rules =
                resources.iter().flat_map(|resource| resource["spec"]["rules"].as_array().into_iter().flatten());
            rules.map(shown).collect::<Vec<_>>().join(" or ")
        }
    }
}

#[test]
fn callers_have_the_ids_of_the_mesh() {
    let mesh = |settings: &str| MESH.replace("  default: allow\n", &format!("  default: allow\n{settings}"));
    let aliases = mesh("  trustDomainAliases: [old.corp]\n");
    let suffix = mesh("  identity: /ns/{namespace}/sa/{service}-sa\n");
    let star = mesh("  identity: /ns/*/sa/{service}\n");
    let one = mesh("  identity: /ns/shop/sa/{service}\n");
    for (mesh, condition, expected) in [
        (&aliases, "peer.service == 'cart'", "principals: acme.corp/ns/shop/sa/cart, old.corp/ns/shop/sa/cart"),
        (&aliases, "peer.namespace == 'shop'", "principals: acme.corp/ns/shop/sa/*, old.corp/ns/shop/sa/*"),
        (
            &aliases,
            "peer.principal == 'spiffe://acme.corp/ns/shop/sa/cart'",
            "no: Istio takes `acme.corp/ns/shop/sa/cart` for an ID of any trust domain of the mesh",
        ),
        (
            &aliases,
            "peer.principal in ['spiffe://acme.corp/ns/shop/sa/a', 'spiffe://old.corp/ns/shop/sa/a']",
            "principals: acme.corp/ns/shop/sa/a, old.corp/ns/shop/sa/a",
        ),
        (
            &aliases,
            "peer.principal.startsWith('spiffe://acme.corp/ns/shop/')",
            "no: Istio takes `acme.corp/ns/shop/` for an ID of any trust domain of the mesh",
        ),
        (&aliases, "peer.principal.startsWith('spiffe://else.corp/')", "principals: else.corp/*"),
        // One ID of a service is listed in one trust domain only.
        (
            &aliases,
            "peer.service == 'audit'",
            "no: Istio takes `acme.corp/ns/old/sa/audit` for an ID of any trust domain of the mesh",
        ),
        (&suffix, "peer.service == 'cart'", "principals: acme.corp/ns/shop/sa/cart-sa"),
        (
            &suffix,
            "peer.namespace == 'shop'",
            "no: `identity: /ns/{namespace}/sa/{service}-sa` of the Mesh is not the form of Istio's IDs",
        ),
        (
            &star,
            "peer.service == 'cart'",
            "no: with `identity: /ns/*/sa/{service}` of the Mesh, a service has IDs in any namespace",
        ),
        (&star, "peer.namespace == 'shop'", "principals: acme.corp/ns/shop/sa/*"),
        (&one, "peer.service == 'cart'", "principals: acme.corp/ns/shop/sa/cart"),
    ] {
        assert_eq!(in_mesh(mesh, condition, &[]), expected, "{condition}");
    }
}

#[test]
fn settings_of_the_mesh_that_reject_requests_need_consent() {
    use Difference::{Contexts, OddPaths};
    let mesh = |settings: &str| MESH.replace("  default: allow\n", &format!("  default: allow\n{settings}"));
    let gateway = mesh("  gateways: [ledger]\n");
    for (mesh, accepted, expected) in [
        (mesh("  onInvalid: deny\n"), Contexts, Contexts.meaning()),
        (mesh("  trust: {callerMismatch: deny}\n"), Contexts, Contexts.meaning()),
        (mesh("  ambiguousPath: deny\n"), OddPaths, OddPaths.meaning()),
    ] {
        assert_eq!(in_mesh(&mesh, "request.method == 'GET'", &[]), format!("no: {expected}"), "{mesh}");
        assert_eq!(in_mesh(&mesh, "request.method == 'GET'", &[accepted]), "methods: GET", "{mesh}");
    }
    let refused = "no: a gateway decides about requests of clients, with the service that they go to";
    assert_eq!(in_mesh(&gateway, "request.method == 'GET'", &Difference::ALL), refused);
}
