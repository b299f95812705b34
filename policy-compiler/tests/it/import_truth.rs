//! Random AuthorizationPolicies: their trees compile without a warning, their tests pass, and requests are decided as an
//! evaluator of the policies decides them.

use std::cell::Cell;
use std::net::IpAddr;

use policy_compiler::{
    compile_with_model,
    import::{
        convert::{Verdict, convert},
        istio::{
            Action, AuthorizationPolicy, Condition, Labels, MeshConfig, Operation, Resources, Rule, Source, Values,
            Workload,
        },
        select::groups,
    },
    report::source::{FileId, Sources, Span, Spanned},
    run::{simulate::Simulator, testing},
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestError, TestRunner};
use serde_json::{Value as Json, json};

use crate::support::compiled;

/// Requests for each set of resources.
const REQUESTS: usize = 40;

/// Sets of resources.
const CASES: u32 = 30;

const ROOT: &str = "istio-system";
const NAMESPACE: &str = "shop";

fn mesh() -> MeshConfig {
    MeshConfig {
        trust_domain: "td".to_owned(),
        trust_domain_aliases: vec!["old".to_owned()],
        root_namespace: ROOT.to_owned(),
    }
}

/// What Istio's documentation says about a request. It shares nothing with the conversion.
mod evaluator {
    use super::*;

    /// A request as plain data.
    #[derive(Debug, Clone)]
    pub(super) struct Plain {
        pub(super) principal: Option<String>,
        pub(super) method: &'static str,
        pub(super) path: &'static str,
        pub(super) host: &'static str,
        pub(super) headers: Vec<(&'static str, &'static str)>,
        pub(super) direct_ip: &'static str,
        pub(super) ip: &'static str,
        pub(super) destination_ip: &'static str,
        pub(super) port: u16,
        pub(super) sni: Option<&'static str>,
        pub(super) token: Json,
        pub(super) other: Json,
    }

    /// Whether the policies let the request pass.
    pub(super) fn allows(policies: &[&AuthorizationPolicy], mesh: &MeshConfig, request: &Plain) -> bool {
        let enforced = || policies.iter().filter(|policy| !policy.dry_run);
        let matches = |policy: &AuthorizationPolicy| {
            policy.rules.iter().any(|rule| self::matches(rule, &policy.namespace, mesh, request))
        };
        let denied = enforced().filter(|policy| policy.action == Action::Deny).any(|policy| matches(policy));
        let mut allows = enforced().filter(|policy| policy.action == Action::Allow).peekable();
        !denied && (allows.peek().is_none() || allows.any(|policy| matches(policy)))
    }

    fn matches(rule: &Rule, namespace: &str, mesh: &MeshConfig, request: &Plain) -> bool {
        let from = rule.from.is_empty() || rule.from.iter().any(|of| source(of, namespace, mesh, request));
        let to = rule.to.is_empty() || rule.to.iter().any(|of| operation(of, request));
        from && to && rule.when.iter().all(|of| when(of, namespace, mesh, request))
    }

    fn source(of: &Source, namespace: &str, mesh: &MeshConfig, request: &Plain) -> bool {
        both(&of.principals, &of.not_principals, |value| principal(value, mesh, request))
            && both(&of.namespaces, &of.not_namespaces, |value| of_namespace(value, request))
            && both(&of.service_accounts, &of.not_service_accounts, |value| account(value, namespace, request))
            && both(&of.request_principals, &of.not_request_principals, |value| token_principal(value, request))
            && both(&of.ip_blocks, &of.not_ip_blocks, |value| within(request.direct_ip, value))
            && both(&of.remote_ip_blocks, &of.not_remote_ip_blocks, |value| within(request.ip, value))
    }

    fn operation(of: &Operation, request: &Plain) -> bool {
        both(&of.hosts, &of.not_hosts, |value| like(&request.host.to_lowercase(), &value.to_lowercase()))
            && both(&of.ports, &of.not_ports, |value| value == request.port.to_string())
            && both(&of.methods, &of.not_methods, |value| like(request.method, value))
            && both(&of.paths, &of.not_paths, |value| path(request.path, value))
    }

    fn when(of: &Condition, namespace: &str, mesh: &MeshConfig, request: &Plain) -> bool {
        let key = of.key.value.as_str();
        both(&of.values, &of.not_values, |value| match key {
            "source.ip" => within(request.direct_ip, value),
            "remote.ip" => within(request.ip, value),
            "destination.ip" => within(request.destination_ip, value),
            "destination.port" => value == request.port.to_string(),
            "connection.sni" => like(request.sni.unwrap_or_default(), value),
            "source.principal" => principal(value, mesh, request),
            "source.namespace" => of_namespace(value, request),
            "source.serviceAccount" => account(value, namespace, request),
            "request.auth.principal" => token_principal(value, request),
            "request.auth.audiences" => claim(&request.token["aud"], value),
            "request.auth.presenter" => claim(&request.token["azp"], value),
            "request.auth.claims[groups]" => claim(&request.token["groups"], value),
            "request.auth.claims[realm][roles]" => claim(&request.token["realm"]["roles"], value),
            "experimental.envoy.filters.x[k]" => match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
                Some(value) => request.other.as_array().is_some_and(|list| list.iter().any(|one| text(one, value))),
                None => text(&request.other, value),
            },
            key => {
                let name = key.strip_prefix("request.headers[").unwrap().trim_end_matches(']').to_lowercase();
                let values = request.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value);
                let values: Vec<&str> = values.collect();
                // Present is present, even if it is empty.
                !values.is_empty() && (value == "*" || values.iter().any(|one| like(one, value)))
            }
        })
    }

    fn both(yes: &Values, no: &Values, matches: impl Fn(&str) -> bool) -> bool {
        let one = |values: &Values| values.iter().any(|value| matches(&value.value));
        (yes.is_empty() || one(yes)) && !one(no)
    }

    /// Exact, prefix, suffix and presence.
    fn like(text: &str, pattern: &str) -> bool {
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(""), _) => !text.is_empty(),
            (Some(end), _) => text.ends_with(end),
            (None, Some(begin)) => text.starts_with(begin),
            (None, None) => text == pattern,
        }
    }

    fn principal(value: &str, mesh: &MeshConfig, request: &Plain) -> bool {
        let Some(id) = request.principal.as_deref() else { return false };
        if value == "*" {
            return true;
        }
        let Some(id) = id.strip_prefix("spiffe://") else { return false };
        let own = |domain: &str| domain == mesh.trust_domain || mesh.trust_domain_aliases.iter().any(|a| a == domain);
        let mut values = vec![value.to_owned()];
        // A whole principal of the mesh is one of each of its trust domains.
        if let [domain, "ns", namespace, "sa", account] = value.split('/').collect::<Vec<_>>().as_slice()
            && (own(domain) || *domain == "cluster.local")
        {
            let domains = std::iter::once(&mesh.trust_domain).chain(&mesh.trust_domain_aliases);
            values = domains.map(|domain| format!("{domain}/ns/{namespace}/sa/{account}")).collect();
        }
        values.iter().any(|value| like(id, value))
    }

    /// The parts of `DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
    fn parts(request: &Plain) -> Option<(String, String)> {
        let id = request.principal.as_deref()?.strip_prefix("spiffe://")?;
        match id.split('/').collect::<Vec<_>>().as_slice() {
            [_, "ns", namespace, "sa", account, ..] => Some(((*namespace).to_owned(), (*account).to_owned())),
            _ => None,
        }
    }

    fn of_namespace(value: &str, request: &Plain) -> bool {
        parts(request).is_some_and(|(namespace, _)| like(&namespace, value))
    }

    fn account(value: &str, own: &str, request: &Plain) -> bool {
        let wanted = value.split_once('/').unwrap_or((own, value));
        parts(request).is_some_and(|(namespace, account)| (namespace.as_str(), account.as_str()) == wanted)
    }

    fn within(address: &str, network: &str) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (32_u32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (128, address.to_bits()),
        };
        let (network, length) = network.split_once('/').map_or((network, None), |(a, l)| (a, Some(l)));
        let (size, address) = bits(address.parse().unwrap());
        let (of, network) = bits(network.parse().unwrap());
        let length: u32 = length.map_or(of, |length| length.parse().unwrap());
        let shift = size - length.min(size);
        let cut = |address: u128| if shift >= 128 { 0 } else { address >> shift };
        size == of && cut(address) == cut(network)
    }

    fn path(path: &str, value: &str) -> bool {
        let path = path.split('?').next().unwrap();
        if !value.contains("{*}") && !value.contains("{**}") {
            return like(path, value);
        }
        let known = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=/".contains(c);
        fn segments(path: &[&str], template: &[&str]) -> bool {
            match (path, template) {
                ([], []) => true,
                // Any number of segments, and what is there may be empty.
                (rest, ["{**}", after @ ..]) => (1..=rest.len()).any(|n| segments(&rest[n..], after)),
                ([one, path @ ..], ["{*}", template @ ..]) => !one.is_empty() && segments(path, template),
                ([one, path @ ..], [wanted, template @ ..]) => one == wanted && segments(path, template),
                _ => false,
            }
        }
        let split = |text: &'_ str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        let (path_parts, template) = (split(path), split(value));
        let as_str = |parts: &'_ [String]| parts.iter().map(String::clone).collect::<Vec<_>>();
        let (path_parts, template) = (as_str(&path_parts), as_str(&template));
        let path_parts: Vec<&str> = path_parts.iter().map(String::as_str).collect();
        let template: Vec<&str> = template.iter().map(String::as_str).collect();
        path.chars().all(known) && segments(&path_parts, &template)
    }

    fn token_principal(value: &str, request: &Plain) -> bool {
        let (Some(issuer), Some(subject)) = (request.token["iss"].as_str(), request.token["sub"].as_str()) else {
            return false;
        };
        if value == "*" {
            return !issuer.is_empty() && !subject.is_empty();
        }
        let (of_issuer, of_subject) = value.rsplit_once('/').unwrap();
        like(issuer, of_issuer) && like(subject, of_subject)
    }

    /// A claim, or one of its elements.
    fn claim(found: &Json, value: &str) -> bool {
        match found {
            Json::Array(list) => list.iter().any(|one| text(one, value)),
            one => text(one, value),
        }
    }

    fn text(found: &Json, value: &str) -> bool {
        found.as_str().is_some_and(|found| like(found, value))
    }
}

use evaluator::Plain;

fn span() -> Span {
    let file: FileId = Sources::new("").add("a.yaml", "");
    Span::new(file, 0, 0)
}

fn spanned(text: &str) -> Spanned<String> {
    Spanned::new(text.to_owned(), span())
}

/// Returns one or two values of a pool, or mostly none.
fn values(pool: &'static [&'static str], weight: f64) -> BoxedStrategy<Values> {
    let some = prop::collection::vec(select(pool), 1..=3);
    let some = some.prop_map(|values| values.iter().map(|value| spanned(value)).collect::<Values>());
    prop::option::weighted(weight, some).prop_map(Option::unwrap_or_default).boxed()
}

const PRINCIPALS: &[&str] = &[
    "*",
    "td/ns/shop/sa/cart",
    "old/ns/shop/sa/cart",
    "cluster.local/ns/bank/sa/teller",
    "foreign/ns/shop/sa/cart",
    "*/ns/shop/sa/cart",
    "td/ns/shop/*",
    "td/ns/*",
];
const NAMESPACES: &[&str] = &["shop", "bank", "ba*", "*p", "*"];
const ACCOUNTS: &[&str] = &["shop/cart", "cart", "bank/teller", "teller"];
const TOKENS: &[&str] = &["*", "https://a/u1", "https://a/*", "https://a/u*", "*/u1", "https://b/u2"];
const NETWORKS: &[&str] = &["10.0.0.1", "10.0.0.0/8", "10.1.2.3/16", "2001:db8::/32", "2001:db8::1", "::/0"];
const HOSTS: &[&str] = &["shop.example", "SHOP.example:8080", "*.example", "shop.*", "*"];
const PORTS: &[&str] = &["80", "8080", "443"];
const METHODS: &[&str] = &["GET", "POST", "P*", "*T", "*"];
const PATHS: &[&str] = &["/a", "/a/*", "*.json", "*", "/a/{*}", "/{*}/b/{**}", "/a/{**}", "/{**}/b"];
const TEXTS: &[&str] = &["gold", "go*", "*ld", "*", "a,b", "silver"];
const KEYS: &[(&str, &[&str])] = &[
    ("source.ip", NETWORKS),
    ("remote.ip", NETWORKS),
    ("destination.ip", NETWORKS),
    ("destination.port", PORTS),
    ("connection.sni", HOSTS),
    ("source.principal", PRINCIPALS),
    ("source.namespace", NAMESPACES),
    ("source.serviceAccount", ACCOUNTS),
    ("request.auth.principal", TOKENS),
    ("request.auth.audiences", TEXTS),
    ("request.auth.presenter", TEXTS),
    ("request.auth.claims[groups]", TEXTS),
    ("request.auth.claims[realm][roles]", TEXTS),
    ("request.headers[X-Tier]", TEXTS),
    ("request.headers[x-tier]", TEXTS),
    ("experimental.envoy.filters.x[k]", &["gold", "go*", "*", "[gold]", "[*ld]"]),
];

fn any_source() -> impl Strategy<Value = Source> {
    let list = |pool| (values(pool, 0.25), values(pool, 0.15));
    let who = prop_oneof![
        (list(PRINCIPALS), list(NAMESPACES)).prop_map(
            |((principals, not_principals), (namespaces, not_namespaces))| {
                Source { principals, not_principals, namespaces, not_namespaces, ..Source::default() }
            }
        ),
        list(ACCOUNTS).prop_map(|(service_accounts, not_service_accounts)| {
            Source { service_accounts, not_service_accounts, ..Source::default() }
        }),
    ];
    (who, list(TOKENS), list(NETWORKS), list(NETWORKS)).prop_map(|(who, tokens, direct, remote)| Source {
        request_principals: tokens.0,
        not_request_principals: tokens.1,
        ip_blocks: direct.0,
        not_ip_blocks: direct.1,
        remote_ip_blocks: remote.0,
        not_remote_ip_blocks: remote.1,
        ..who
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let list = |pool| (values(pool, 0.3), values(pool, 0.15));
    (list(HOSTS), list(PORTS), list(METHODS), list(PATHS)).prop_map(|(hosts, ports, methods, paths)| Operation {
        hosts: hosts.0,
        not_hosts: hosts.1,
        ports: ports.0,
        not_ports: ports.1,
        methods: methods.0,
        not_methods: methods.1,
        paths: paths.0,
        not_paths: paths.1,
    })
}

fn any_condition() -> impl Strategy<Value = Condition> {
    select(KEYS).prop_flat_map(|(key, pool)| {
        (values(pool, 0.7), values(pool, 0.3)).prop_map(move |(values, not_values)| Condition {
            key: spanned(key),
            values,
            not_values,
        })
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let from = prop::collection::vec(any_source(), 0..=2);
    let to = prop::collection::vec(any_operation(), 0..=2);
    let when = prop::collection::vec(any_condition(), 0..=1);
    (from, to, when).prop_map(|(from, to, when)| Rule { span: span(), from, to, when })
}

fn any_policy() -> impl Strategy<Value = AuthorizationPolicy> {
    let action = prop_oneof![4 => Just(Action::Allow), 3 => Just(Action::Deny), 1 => Just(Action::Audit)];
    let namespace = prop_oneof![3 => Just(NAMESPACE), 1 => Just(ROOT)];
    let selector = prop_oneof![3 => Just(None), 1 => Just(Some("cart"))];
    let rules = prop::collection::vec(any_rule(), 0..=2);
    (action, namespace, selector, rules, prop::bool::weighted(0.1)).prop_map(
        |(action, namespace, app, rules, dry_run)| AuthorizationPolicy {
            name: spanned("policy"),
            namespace: namespace.to_owned(),
            span: span(),
            selector: app.map(|app| Labels::from([("app".to_owned(), app.to_owned())])),
            target_refs: Vec::new(),
            action,
            dry_run,
            rules,
        },
    )
}

fn any_resources() -> impl Strategy<Value = Resources> {
    prop::collection::vec(any_policy(), 1..=4).prop_map(|mut policies| {
        for (index, policy) in policies.iter_mut().enumerate() {
            policy.name.value = format!("policy-{}", index / 2);
        }
        let workload = |name: &str, namespace: &str| Workload {
            name: spanned(name),
            namespace: namespace.to_owned(),
            labels: Labels::from([("app".to_owned(), name.to_owned())]),
            service_account: name.to_owned(),
            services: Vec::new(),
        };
        let workloads = vec![workload("cart", NAMESPACE), workload("list", NAMESPACE), workload("teller", "bank")];
        Resources { policies, workloads, authentications: Vec::new(), mesh: mesh() }
    })
}

fn any_request() -> impl Strategy<Value = Plain> {
    let principal = prop::option::weighted(
        0.8,
        select(
            &[
                "spiffe://td/ns/shop/sa/cart",
                "spiffe://old/ns/shop/sa/cart",
                "spiffe://foreign/ns/shop/sa/cart",
                "spiffe://td/ns/bank/sa/teller",
                "spiffe://td/ns/shop/sa/cart2",
                "spiffe://td/other",
                "https://td/ns/shop",
            ][..],
        ),
    );
    let paths =
        &["/", "/a", "/a/b", "/a/b?q=/x", "/x/b/c/d", "/x.json", "/a/", "/a/b/", "/a/\"", "/a//b", "/%61", "/a/b;x"];
    let headers = prop_oneof![
        Just(vec![]),
        Just(vec![("x-tier", "gold")]),
        Just(vec![("x-tier", "silver")]),
        Just(vec![("x-tier", "a"), ("x-tier", "b")]),
        Just(vec![("x-tier", " gold")]),
        Just(vec![("x-tier", "")]),
    ];
    let claim = prop_oneof![
        Just(json!(null)),
        Just(json!("gold")),
        Just(json!("silver")),
        Just(json!(["gold", "x"])),
        Just(json!([["gold"], 5])),
        Just(json!({"gold": "gold"})),
        Just(json!(5)),
        Just(json!(true)),
        Just(json!("")),
        Just(json!([""])),
    ];
    let issuer = select(&["https://a", "https://b", ""][..]).prop_map(|text| json!(text));
    let subject = prop_oneof![
        Just(json!("u1")),
        Just(json!("u2")),
        Just(json!(7)),
        Just(json!(["u1"])),
        Just(json!("")),
        Just(json!(null)),
    ];
    let token = (issuer, subject, claim.clone(), claim.clone(), claim.clone(), claim.clone(), any::<bool>()).prop_map(
        |(iss, sub, aud, azp, groups, roles, has)| {
            let realm = if roles == json!(5) { roles } else { json!({"roles": roles}) };
            if has {
                json!({"iss": iss, "sub": sub, "aud": aud, "azp": azp, "groups": groups, "realm": realm})
            } else {
                json!(null)
            }
        },
    );
    let address = || select(&["10.0.0.1", "10.1.9.9", "192.0.2.1", "2001:db8::1", "::1"][..]);
    let line = (
        principal,
        select(&["GET", "POST", "PUT", "DELETE"][..]),
        select(&paths[..]),
        select(&["shop.example", "Shop.Example", "shop.example:8080", "other", "SHOP.test"][..]),
        headers,
    );
    let client = select(&["10.0.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"][..]);
    let connection = (
        (address(), client, address()),
        select(&[80_u16, 8080, 443][..]),
        prop::option::of(select(&["shop.example", "x"][..])),
    );
    (line, connection, token, claim).prop_map(|(line, connection, token, other)| Plain {
        principal: line.0.map(str::to_owned),
        method: line.1,
        path: line.2,
        host: line.3,
        headers: line.4,
        direct_ip: connection.0.0,
        ip: connection.0.1,
        destination_ip: connection.0.2,
        port: connection.1,
        sni: connection.2,
        token,
        other,
    })
}

/// Returns the request as a test of the workload.
fn test(request: &Plain, workload: &str, number: usize) -> Json {
    let mut headers = serde_json::Map::new();
    for (name, value) in &request.headers {
        match headers.get_mut(*name) {
            None => drop(headers.insert((*name).to_owned(), json!(value))),
            Some(known) => *known = json!([known.clone(), value]),
        }
    }
    let mut attributes = json!({
        "source.direct_ip": request.direct_ip,
        "source.address": if request.ip.contains(':') { format!("[{}]:1", request.ip) } else { format!("{}:1", request.ip) },
        "destination.ip": request.destination_ip,
        "destination.port": request.port,
    });
    if let Some(sni) = request.sni {
        attributes["connection.requested_server_name"] = json!(sni);
    }
    let metadata = json!({
        "envoy.filters.http.jwt_authn": {"payload": request.token},
        "envoy.filters.x": {"k": request.other},
    });
    let plain = json!({
        "method": request.method, "path": request.path, "host": request.host,
        "headers": headers, "attributes": attributes, "metadata": metadata,
    });
    let principal = request.principal.as_ref().map_or_else(|| json!({}), |id| json!({"principal": id}));
    json!({
        "name": format!("c{number}"), "workload": workload, "principal": principal, "request": plain,
        "expect": {"decision": "allow"},
    })
}

/// Whether servers may read the path in another way than Envoy.
fn is_ambiguous(path: &str) -> bool {
    ["//", "%61", ";"].iter().any(|part| path.contains(part))
}

#[test]
fn random_policies_decide_as_istio_says() {
    let (ran, allowed, denied, tests, trees) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig { cases: CASES, ..ProptestConfig::default() });
    let cases = (any_resources(), prop::collection::vec(any_request(), REQUESTS));
    let result = runner.run(&cases, |(resources, requests)| {
        let groups = groups(&resources);
        let converted = convert(&resources, &groups);
        for verdict in &converted.verdicts {
            prop_assert!(!matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
        }
        let mut sources = Sources::new("imported");
        for file in &converted.files {
            sources.add(file.path.clone(), file.text.clone());
        }
        let all = || converted.files.iter().map(|file| format!("== {}\n{}", file.path, file.text)).collect::<String>();
        let (tree, model) = match compile_with_model(&sources) {
            Ok(compiled) => compiled,
            Err(found) => return Err(TestCaseError::fail(format!("{}\n{}", found.to_text(&sources), all()))),
        };
        prop_assert!(tree.warnings.is_empty(), "{}\n{}", tree.warnings.to_text(&sources), all());
        let report = testing::run(&tree, &model, &[]).unwrap();
        let failed: Vec<_> = report.failed().collect();
        prop_assert!(failed.is_empty(), "{failed:?}\n{}", all());
        tests.set(tests.get() + report.results.len());
        trees.set(trees.get() + 1);
        for (index, workload) in resources.workloads.iter().enumerate() {
            let group = groups.iter().find(|group| group.workloads.contains(&index));
            let policies = group.map_or_else(Vec::new, |group| {
                group.policies.iter().map(|policy| &resources.policies[*policy]).collect::<Vec<_>>()
            });
            let list: Vec<Json> = requests
                .iter()
                .enumerate()
                .map(|(number, request)| test(request, &workload.name.value, number))
                .collect();
            let document = json!({
                "apiVersion": "contextmesh.io/v1", "kind": "PolicyTest", "metadata": {"name": "c"},
                "spec": {"tests": list},
            });
            let mut with_requests = Sources::new("imported");
            for file in converted.files.iter().filter(|file| !file.path.starts_with("tests/")) {
                with_requests.add(file.path.clone(), file.text.clone());
            }
            with_requests.add("requests.yaml", document.to_string());
            let (compiled, model) = compiled(&with_requests);
            let mut simulator = Simulator::new(&compiled.artifact).unwrap();
            for (request, case) in requests.iter().zip(&model.tests) {
                let outcome = simulator.run(&case.request, None).unwrap();
                let expected = evaluator::allows(&policies, &resources.mesh, request);
                let found = outcome.refusal.is_none();
                let fine = found == expected || (is_ambiguous(request.path) && !found);
                prop_assert!(fine, "expected {expected}, found {outcome:?}\n{request:?}\n{}", all());
                ran.set(ran.get() + 1);
                let counter = if found { &allowed } else { &denied };
                counter.set(counter.get() + 1);
            }
        }
        Ok(())
    });
    if let Err(TestError::Fail(reason, _)) = result {
        panic!("{reason}");
    }
    let figures = [ran.get(), allowed.get(), denied.get(), tests.get(), trees.get()];
    let least = [CASES as usize * REQUESTS * 3, 300, 300, 60, CASES as usize];
    assert!(figures.iter().zip(least).all(|(found, least)| *found >= least), "{figures:?}");
}
