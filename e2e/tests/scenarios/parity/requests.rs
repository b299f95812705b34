//! Requests for a set of policies: such as match its rules, such as nearly match, and others.
//!
//! A request begins as one that a rule matches, as far as a client can do that. Then some of its parts change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use context_mesh_e2e::authorization::policy::{Condition, MeshConfig, Operation, Rule, Source};
use context_mesh_e2e::authorization::select::policies_of;
use context_mesh_e2e::client::Request;
use context_mesh_e2e::jwt::Signer;
use serde_json::{Map, Value, json};

use super::ask::{Link, Peer, Talk, Tls};
use super::draw::Draw;
use super::proxy::METADATA;
use super::sets::Set;
use super::texts::{matching, matching_path, near, near_host, near_path};

/// The addresses that clients have.
const SOURCES: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 1, 7)),
    IpAddr::V4(Ipv4Addr::new(127, 9, 8, 7)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// The caller where no rule names one.
const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/front";

/// A rule with one of its callers and one of its operations.
#[derive(Debug, Clone, Copy)]
struct Aim<'s> {
    source: Option<&'s Source>,
    operation: Option<&'s Operation>,
    when: &'s [Condition],
    /// Whether the request is to match, with nothing changed.
    exact: bool,
}

/// A request before it is written.
#[derive(Debug, Clone)]
struct Draft {
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, Vec<u8>)>,
    claims: Option<Map<String, Value>>,
    metadata: Vec<(&'static str, Value)>,
}

/// Returns `connections` connections for a set, each with `each` requests.
pub(crate) fn talks(set: &Set, at: usize, signer: &Signer, seed: u64, connections: usize, each: usize) -> Vec<Talk> {
    let mut draw = Draw::new(seed);
    let aims = aims(set);
    let rules: Vec<&Rule> = policies_of(&set.resources, set.workload()).iter().flat_map(|p| &p.spec.rules).collect();
    let mut talks = Vec::new();
    for number in 0..connections {
        // Each rule in turn, so that all are met. The first connection fits its rule, and the second fits none.
        let aim = aims.get(number % aims.len().max(1)).map(|aim| Aim { exact: number == 0, ..*aim });
        let link = if number == 1 { stranger() } else { link(&mut draw, aim, &set.resources.mesh) };
        let requests = (0..each).map(|which| {
            if number < 2 && which == 0 {
                let mut draft = draft(&mut draw, aim.filter(|aim| aim.exact));
                if number == 1 {
                    (draft.method, draft.path, draft.host) =
                        ("NOTIFY".to_owned(), "/nowhere/at-all".to_owned(), "nobody.test".to_owned());
                }
                return write(&mut draw, draft, signer, link.http2);
            }
            let aim = if draw.percent(75) { aim } else { draw.one(&aims).copied() };
            let mut draft = draft(&mut draw, aim);
            for _ in 0..draw.of(&[0, 1, 1, 1, 2]) {
                change(&mut draw, &mut draft, &rules);
            }
            write(&mut draw, draft, signer, link.http2)
        });
        let requests = requests.collect();
        talks.push(Talk { set: at, link, requests });
    }
    talks
}

/// Returns what the rules of the set's policies ask for.
fn aims(set: &Set) -> Vec<Aim<'_>> {
    let mut aims = Vec::new();
    for rule in policies_of(&set.resources, set.workload()).into_iter().flat_map(|policy| &policy.spec.rules) {
        let sources: Vec<_> = rule.from.iter().map(|from| Some(&from.source)).collect();
        let operations: Vec<_> = rule.to.iter().map(|to| Some(&to.operation)).collect();
        let or_none = |count: usize| count.max(1);
        for at in 0..or_none(sources.len()).max(operations.len()) {
            aims.push(Aim {
                source: sources.get(at % or_none(sources.len())).copied().flatten(),
                operation: operations.get(at % or_none(operations.len())).copied().flatten(),
                when: &rule.when,
                exact: false,
            });
        }
    }
    aims
}

/// Returns a value of one of two lists: one that matches, or sometimes one that must not.
fn either<'s>(draw: &mut Draw, exact: bool, values: &'s [String], not_values: &'s [String]) -> Option<&'s String> {
    let not = !exact && !not_values.is_empty() && draw.percent(if values.is_empty() { 50 } else { 25 });
    draw.one(if not { not_values } else { values })
}

/// Returns a value of a condition on this attribute.
fn of_key<'s>(draw: &mut Draw, aim: &Aim<'s>, key: &str) -> Option<&'s String> {
    let condition = aim.when.iter().find(|condition| condition.key == key)?;
    either(draw, aim.exact, &condition.values, &condition.not_values)
}

/// Returns a value of a pair of lists, or of the condition on the same attribute.
fn value_of<'s>(
    draw: &mut Draw,
    aim: &Aim<'s>,
    lists: impl Fn(&'s Source) -> [&'s Vec<String>; 2],
    key: &str,
) -> Option<&'s String> {
    match aim.source.map(lists) {
        Some([values, not_values]) if !(values.is_empty() && not_values.is_empty()) => {
            either(draw, aim.exact, values, not_values)
        }
        _ => of_key(draw, aim, key),
    }
}

fn within(address: IpAddr, range: &str) -> bool {
    let (start, bits) = range.split_once('/').unwrap_or((range, "128"));
    let bits: u32 = bits.parse().unwrap_or(128);
    match (address, start.parse()) {
        (IpAddr::V4(one), Ok(IpAddr::V4(other))) => {
            let shift = 32 - bits.min(32);
            shift == 32 || u32::from(one) >> shift == u32::from(other) >> shift
        }
        (IpAddr::V6(one), Ok(IpAddr::V6(other))) => {
            let shift = 128 - bits.min(128);
            shift == 128 || u128::from(one) >> shift == u128::from(other) >> shift
        }
        _ => false,
    }
}

/// Returns a connection of somebody whom no policy names.
fn stranger() -> Link {
    Link { source: IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1)), to: 1, tls: None, http2: false }
}

/// Returns a connection that fits a rule, or nearly.
fn link(draw: &mut Draw, aim: Option<Aim<'_>>, mesh: &MeshConfig) -> Link {
    let mut uri = CALLER.to_owned();
    let (mut source, mut to) = (SOURCES[0], 0);
    let mut others = SOURCES.to_vec();
    let mut server_name = draw.percent(50).then(|| "cart.shop.example".to_owned());
    let mut tls = draw.percent(85);
    // The kinds of change below, as often as they matter here.
    let mut kinds: Vec<u8> = vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16];
    if let Some(aim) = &aim {
        if let Some(value) = value_of(draw, aim, |s| [&s.principals, &s.not_principals], "source.principal") {
            let namespace = value_of(draw, aim, |s| [&s.namespaces, &s.not_namespaces], "source.namespace");
            (uri, tls) = (principal(draw, value, namespace.map_or("shop", String::as_str)), true);
        } else if let Some(value) = value_of(draw, aim, |s| [&s.namespaces, &s.not_namespaces], "source.namespace") {
            let namespace = value.split('*').map(str::to_owned).collect::<Vec<_>>().join(&draw.word());
            (uri, tls) = (format!("spiffe://cluster.local/ns/{namespace}/sa/front"), true);
        } else if let Some(value) =
            value_of(draw, aim, |s| [&s.service_accounts, &s.not_service_accounts], "source.serviceAccount")
        {
            let (namespace, account) = value.split_once('/').unwrap_or(("shop", value));
            (uri, tls) = (format!("spiffe://cluster.local/ns/{namespace}/sa/{account}"), true);
        }
        if uri != CALLER {
            kinds.extend([0, 0, 1, 1, 4, 5, 6, 6, 9, 10, 14, 14, 14, 14]);
        }
        if let Some(range) = value_of(draw, aim, |s| [&s.ip_blocks, &s.not_ip_blocks], "source.ip") {
            let fitting: Vec<_> = SOURCES.into_iter().filter(|ip| within(*ip, range)).collect();
            others = SOURCES.into_iter().filter(|ip| !fitting.contains(ip)).collect();
            source = draw.one(&fitting).copied().unwrap_or(source);
            kinds.extend([11; 20]);
        }
        if let Some(range) = of_key(draw, aim, "destination.ip") {
            to = (0..2).find(|to| within(super::proxy::ADDRESSES[*to], range)).unwrap_or(to);
            kinds.extend([12; 20]);
        }
        if let Some(value) = of_key(draw, aim, "connection.sni") {
            (server_name, tls) = (Some(matching(draw, value)), true);
            kinds.extend([0, 0, 13, 13, 13, 13, 13, 13, 13, 13, 15, 15, 15, 15, 15, 15]);
        }
    }
    // Domains that may stand for each other.
    let mut domains = vec!["cluster.local", mesh.trust_domain.as_str()];
    domains.extend(mesh.trust_domain_aliases.iter().map(String::as_str));
    if let Some((domain, rest)) = uri.trim_start_matches("spiffe://").split_once('/')
        && domains.contains(&domain)
        && (domains.len() > 2 || mesh.trust_domain != "cluster.local")
    {
        uri = format!("spiffe://{}/{rest}", draw.of(&domains));
    }
    let mut peer = Some(Peer::new(&[&uri], &[]));
    let other = CALLER.replace("front", "other");
    if aim.is_none_or(|aim| !aim.exact) && draw.percent(60) {
        match draw.of(&kinds) {
            0 => tls = false,
            1 => peer = None,
            2 => peer = Some(Peer::new(&[&uri, &other], &[])),
            3 => peer = Some(Peer::new(&[&other, &uri], &[])),
            4 => peer = Some(Peer::new(&[], &["front.shop.example", "b.example"])),
            5 => peer = Some(Peer::new(&[], &[])),
            6 => peer = Some(Peer::new(&[&uri.replacen("cluster.local", "other.example", 1)], &["a.example"])),
            7 => peer = Some(Peer::new(&[&format!("{uri}/ns/shop/sa/front")], &[])),
            8 => peer = Some(Peer::new(&[&format!("{uri}/x")], &[])),
            9 | 10 => peer = Some(Peer::new(&[&format!("spiffe://{}", near(draw, &uri[9..]))], &[])),
            16 => peer = Some(Peer::new(&[&uri.replacen("spiffe", "https", 1)], &[])),
            11 => source = draw.one(&others).copied().unwrap_or(source),
            12 => to = 1 - to.min(1),
            13 => server_name = server_name.map(|name| near_host(draw, &name)),
            14 => peer = Some(Peer::new(&[&other], &[])),
            _ => server_name = draw.percent(50).then(|| format!("{}.example", draw.word())),
        }
    }
    if source.is_ipv6() {
        to = 2;
    }
    let valid = |name: &String| rustls::pki_types::DnsName::try_from(name.as_str()).is_ok();
    let tls = tls.then(|| Tls { peer, server_name: server_name.filter(valid) });
    Link { source, to, tls, http2: draw.percent(30) }
}

/// Returns the URI of a principal that matches a value with `*`, in a namespace if the value leaves it open.
fn principal(draw: &mut Draw, value: &str, namespace: &str) -> String {
    let start = format!("cluster.local/ns/{namespace}");
    let text = match value.strip_prefix('*') {
        Some("") => format!("{start}/sa/front"),
        Some(end) if end.starts_with("/ns/") => format!("cluster.local{end}"),
        Some(end) if end.starts_with('/') => format!("{start}{end}"),
        _ => matching(draw, value),
    };
    format!("spiffe://{text}")
}

/// Returns an issuer and a subject that match a value of `request.auth.principal`.
fn issuer_and_subject(draw: &mut Draw, value: &str) -> (String, String) {
    match value.rsplit_once('/') {
        Some((issuer, subject)) => (matching(draw, issuer), matching(draw, subject)),
        None if value.starts_with('*') => (draw.word(), matching(draw, value)),
        None if value.ends_with('*') => (matching(draw, value), draw.word()),
        None => (value.to_owned(), String::new()),
    }
}

/// Returns a request that fits a rule, as far as its connection lets it.
fn draft(draw: &mut Draw, aim: Option<Aim<'_>>) -> Draft {
    let mut draft = Draft {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: "cart.shop.example".to_owned(),
        headers: Vec::new(),
        claims: None,
        metadata: Vec::new(),
    };
    let Some(aim) = aim else { return draft };
    if let Some(operation) = aim.operation {
        if let Some(value) = either(draw, aim.exact, &operation.methods, &operation.not_methods) {
            draft.method = matching(draw, value).to_uppercase();
        }
        if let Some(value) = either(draw, aim.exact, &operation.paths, &operation.not_paths) {
            draft.path = matching_path(draw, value);
        }
        if let Some(value) = either(draw, aim.exact, &operation.hosts, &operation.not_hosts) {
            draft.host = matching(draw, value);
        }
    }
    if let Some(range) = value_of(draw, &aim, |s| [&s.remote_ip_blocks, &s.not_remote_ip_blocks], "remote.ip") {
        let address = range.split('/').next().unwrap_or_default();
        draft.headers.push(("x-forwarded-for".to_owned(), address.into()));
    }
    let token = value_of(draw, &aim, |s| [&s.request_principals, &s.not_request_principals], "request.auth.principal");
    if let Some(value) = token {
        let (issuer, subject) = issuer_and_subject(draw, value);
        let claims = draft.claims.get_or_insert_default();
        claims.insert("iss".to_owned(), issuer.into());
        claims.insert("sub".to_owned(), subject.into());
    }
    for condition in aim.when {
        add_condition(draw, &mut draft, condition, aim.exact);
    }
    draft
}

/// Adds what a condition asks for.
fn add_condition(draw: &mut Draw, draft: &mut Draft, condition: &Condition, exact: bool) {
    let key = condition.key.as_str();
    let Some(value) = either(draw, exact, &condition.values, &condition.not_values).cloned() else { return };
    if name_of_part(draft, key, &value, draw) {
    } else if let Some(name) = header_of(key) {
        draft.headers.push((name.to_owned(), matching(draw, &value).into_bytes()));
    } else if let Some(path) = claim_of(key) {
        let text = matching(draw, &value);
        let claim = if draw.percent(40) { json!([text, "more"]) } else { json!(text) };
        set_claim(draft.claims.get_or_insert_default(), &path, claim);
    } else if let Some((header, value)) = metadata_of(draw, key, &value) {
        draft.metadata.push((header, value));
    }
}

/// Sets the part of a request that a condition reads as a header. Returns whether there is one.
fn name_of_part(draft: &mut Draft, key: &str, value: &str, draw: &mut Draw) -> bool {
    match header_of(key) {
        Some(":method") => draft.method = matching(draw, value),
        Some(":path") => draft.path = matching(draw, value),
        Some(":authority") => draft.host = matching(draw, value),
        _ => return false,
    }
    true
}

fn header_of(key: &str) -> Option<&str> {
    let rest =
        key.strip_prefix("request.headers[").or_else(|| key.strip_prefix("request.experimental.inline.headers["));
    rest?.strip_suffix(']')
}

fn claim_of(key: &str) -> Option<Vec<&str>> {
    match key {
        "request.auth.audiences" => Some(vec!["aud"]),
        "request.auth.presenter" => Some(vec!["azp"]),
        _ => Some(key.strip_prefix("request.auth.claims[")?.strip_suffix(']')?.split("][").collect()),
    }
}

fn metadata_of(draw: &mut Draw, key: &str, value: &str) -> Option<(&'static str, Value)> {
    let (header, ..) =
        METADATA.iter().find(|(_, namespace, name)| key == format!("experimental.{namespace}[{name}]"))?;
    let value = match value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        Some(value) => json!(["other", matching(draw, value)]),
        None => json!(matching(draw, value)),
    };
    Some((header, value))
}

fn set_claim(claims: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            claims.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = claims.entry((*first).to_owned()).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            set_claim(inner.as_object_mut().unwrap(), rest, value);
        }
    }
}

/// Changes a part of a request that some rule reads, or any part.
fn change(draw: &mut Draw, draft: &mut Draft, rules: &[&Rule]) {
    let operations = rules.iter().flat_map(|rule| &rule.to).map(|to| &to.operation);
    let lists = |list: fn(&Operation) -> [&Vec<String>; 2]| -> Vec<String> {
        operations.clone().flat_map(list).flatten().cloned().collect()
    };
    let conditions: Vec<&Condition> = rules.iter().flat_map(|rule| &rule.when).collect();
    let (methods, paths, hosts) = (
        lists(|o| [&o.methods, &o.not_methods]),
        lists(|o| [&o.paths, &o.not_paths]),
        lists(|o| [&o.hosts, &o.not_hosts]),
    );
    let tokens = draft.claims.is_some()
        || rules
            .iter()
            .flat_map(|rule| &rule.from)
            .any(|from| !from.source.request_principals.is_empty() || !from.source.not_request_principals.is_empty());
    // The kinds of change, as often as they matter here.
    let mut kinds: Vec<u8> = vec![0, 1, 2, 3, 6];
    kinds.extend([0; 4].iter().filter(|_| !methods.is_empty()));
    kinds.extend([1; 8].iter().filter(|_| !paths.is_empty()));
    kinds.extend([2; 6].iter().filter(|_| !hosts.is_empty()));
    kinds.extend([4; 8].iter().filter(|_| !conditions.is_empty()));
    kinds.extend([5; 6].iter().filter(|_| tokens));
    let addresses = rules
        .iter()
        .flat_map(|rule| &rule.from)
        .any(|from| !from.source.remote_ip_blocks.is_empty() || !from.source.not_remote_ip_blocks.is_empty());
    kinds.extend([3; 6].iter().filter(|_| addresses || conditions.iter().any(|c| c.key == "remote.ip")));
    match draw.of(&kinds) {
        0 => {
            draft.method = match draw.one(&methods).cloned() {
                Some(value) if draw.percent(50) => matching(draw, &value),
                _ => draw.of(&["GET", "POST", "DELETE", "get", "PROPFIND", "GETX", "HEAD"]).to_owned(),
            }
        }
        1 => {
            if let Some(value) = draw.one(&paths).cloned() {
                draft.path = matching_path(draw, &value);
            }
            if draw.percent(30) {
                draft.path = format!("/{}", draw.word());
            } else if draw.percent(75) {
                draft.path = near_path(draw, &draft.path);
            }
        }
        2 => {
            if let Some(value) = draw.one(&hosts).cloned() {
                draft.host = matching(draw, &value);
            }
            if draw.percent(25) {
                draft.host = format!("{}.test", draw.word());
            } else if draw.percent(75) {
                draft.host = near_host(draw, &draft.host);
            }
        }
        3 => change_forwarded(draw, draft, rules),
        4 => {
            if let Some(condition) = draw.one(&conditions).copied() {
                change_condition(draw, draft, condition);
            }
        }
        5 => change_token(draw, draft, rules),
        _ => draft.headers.push(("x-other".to_owned(), draw.word().into_bytes())),
    }
}

fn change_forwarded(draw: &mut Draw, draft: &mut Draft, rules: &[&Rule]) {
    let sources = rules.iter().flat_map(|rule| &rule.from).map(|from| &from.source);
    let ranges: Vec<&String> = sources
        .flat_map(|source| source.remote_ip_blocks.iter().chain(&source.not_remote_ip_blocks))
        .chain(rules.iter().flat_map(|rule| &rule.when).filter(|c| c.key == "remote.ip").flat_map(|c| &c.values))
        .chain(rules.iter().flat_map(|rule| &rule.when).filter(|c| c.key == "remote.ip").flat_map(|c| &c.not_values))
        .collect();
    let inside = draw.one(&ranges).and_then(|range| range.split('/').next()).unwrap_or("192.0.2.7");
    let value = match draw.below(10) {
        0 => format!("192.0.2.1, {inside}"),
        1 => format!("{inside}, 192.0.2.1"),
        2 => "2001:db8::7".to_owned(),
        3 => "not-an-address".to_owned(),
        4 => String::new(),
        5 => format!("{inside}:1234"),
        6 => format!("::ffff:{inside}"),
        7 => "10.255.255.255".to_owned(),
        _ => inside.to_owned(),
    };
    draft.headers.retain(|(name, _)| name != "x-forwarded-for");
    draft.headers.push(("x-forwarded-for".to_owned(), value.into_bytes()));
    if draw.percent(10) {
        draft.headers.push(("x-forwarded-for".to_owned(), b"198.51.100.3".to_vec()));
    }
}

/// Changes what a condition reads.
fn change_condition(draw: &mut Draw, draft: &mut Draft, condition: &Condition) {
    let key = condition.key.as_str();
    let all: Vec<&String> = condition.values.iter().chain(&condition.not_values).collect();
    let Some(value) = draw.one(&all).map(|value| (*value).clone()) else { return };
    if name_of_part(draft, key, &value, draw) {
        match header_of(key) {
            Some(":path") => draft.path = near_path(draw, &draft.path),
            Some(":authority") => draft.host = near_host(draw, &draft.host),
            _ => draft.method = near(draw, &draft.method),
        }
    } else if let Some(name) = header_of(key) {
        change_header(draw, draft, name, &value);
    } else if let Some(path) = claim_of(key) {
        let text = matching(draw, &value);
        let close = near(draw, &text);
        let mut claim = match draw.below(20) {
            0 => json!(text),
            1 => json!([close, text]),
            2 => json!([close]),
            3 => json!([]),
            4 => json!(""),
            5 if path != ["aud"] => text.parse::<i64>().map_or(json!(7), |number| json!(number)),
            6 if path != ["aud"] => json!(draw.percent(50)),
            7 if path != ["aud"] => json!({"x": text}),
            8 if path != ["aud"] => json!([7, text, true]),
            9 if path != ["aud"] => json!([[text]]),
            10 => json!(format!("{close} {text}")),
            11 => json!(format!("{close}\n{text}\n")),
            12 => json!([format!("\n{text}"), text]),
            13 => json!(format!("{text}{}", "a".repeat(5000))),
            14 => json!(format!("é{text}ü")),
            15 => json!((0..300).map(|number| format!("{close}{number}")).chain([text]).collect::<Vec<_>>()),
            _ => json!(close),
        };
        if ["iss", "sub"].contains(&path[0]) && !claim.is_string() {
            claim = json!(close);
        }
        if draw.percent(25) {
            draft.claims = None;
        } else {
            set_claim(draft.claims.get_or_insert_default(), &path, claim);
        }
    } else if let Some((header, value)) = metadata_of(draw, key, &value) {
        let changed = match draw.below(6) {
            0 => json!(7),
            1 => json!(true),
            2 => json!(["other"]),
            3 => json!(near(draw, value.as_str().unwrap_or("x"))),
            4 => value,
            _ => {
                draft.metadata.clear();
                return;
            }
        };
        draft.metadata.retain(|(known, _)| *known != header);
        draft.metadata.push((header, changed));
    }
}

fn change_header(draw: &mut Draw, draft: &mut Draft, name: &str, value: &str) {
    let text = matching(draw, value);
    let close = near(draw, &text);
    let bytes = |text: &str| text.as_bytes().to_vec();
    let values = match draw.below(20) {
        0 => vec![],
        1 => vec![bytes(&text)],
        2 => vec![bytes(&text), bytes(&close)],
        3 => vec![bytes(&close), bytes(&text)],
        4 => vec![bytes(&format!("{close},{text}"))],
        5 => vec![bytes(&format!("{text},{close}"))],
        6 => vec![bytes(&format!("{close}, {text}"))],
        7 => vec![Vec::new()],
        8 => vec![[text.as_bytes(), b"\xe9"].concat()],
        9 => vec![[b"\xff", text.as_bytes()].concat()],
        10 => vec![bytes(&format!("{text}{}", "a".repeat(9000)))],
        11 => vec![bytes(&format!("{}{text}", "a".repeat(9000)))],
        12 => vec![bytes(&text), bytes(&text)],
        13 => vec![bytes(&text), Vec::new()],
        14 => vec![bytes(&format!(" {text}"))],
        15 => vec![bytes(&format!("{text} "))],
        16 | 17 => vec![],
        _ => vec![bytes(&close)],
    };
    draft.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    let name = match draw.below(8) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase().replace('-', "_"),
        _ => name.to_owned(),
    };
    draft.headers.extend(values.into_iter().map(|value| (name.clone(), value)));
}

fn change_token(draw: &mut Draw, draft: &mut Draft, rules: &[&Rule]) {
    let all: Vec<String> = rules
        .iter()
        .flat_map(|rule| &rule.from)
        .flat_map(|from| from.source.request_principals.iter().chain(&from.source.not_request_principals))
        .chain(
            rules
                .iter()
                .flat_map(|rule| &rule.when)
                .filter(|condition| condition.key == "request.auth.principal")
                .flat_map(|condition| condition.values.iter().chain(&condition.not_values)),
        )
        .cloned()
        .collect();
    if draw.percent(25) {
        draft.claims = None;
        return;
    }
    let value = draw.one(&all).cloned().unwrap_or_else(|| "https://login.shop.example/u7".to_owned());
    let (mut issuer, mut subject) = issuer_and_subject(draw, &value);
    match draw.below(6) {
        0 => issuer = near(draw, &issuer),
        1 => subject = near(draw, &subject),
        2 => subject = format!("{subject}/x"),
        4 if draw.percent(20) => subject = format!("\n{subject}"),
        3 => std::mem::swap(&mut issuer, &mut subject),
        _ => {}
    }
    let claims = draft.claims.get_or_insert_default();
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("sub".to_owned(), subject.into());
    match draw.below(6) {
        0 => drop(claims.remove("iss")),
        1 => drop(claims.remove("sub")),
        2 => drop(claims.insert("sub".to_owned(), json!(""))),
        _ => {}
    }
}

fn write(draw: &mut Draw, draft: Draft, signer: &Signer, http2: bool) -> Request {
    let method: String = draft.method.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    // Connecting is another kind of request.
    let method = if method.is_empty() || method.eq_ignore_ascii_case("connect") { "GET" } else { &method };
    let path = if draft.path.starts_with('/') { draft.path } else { format!("/{}", draft.path) };
    let is_visible = |byte: u8| (0x21..0x7f).contains(&byte) && !b"#\"<>\\^`{|}".contains(&byte);
    let path: String = path.chars().filter(|letter| u8::try_from(*letter).is_ok_and(is_visible)).collect();
    let mut request = Request::new(method, &path);
    let of_authority = |letter: &char| letter.is_ascii_alphanumeric() || ".-_:".contains(*letter);
    let mut host: String = draft.host.chars().filter(of_authority).collect();
    if http2 && host.parse::<hyper::http::uri::Authority>().is_err() {
        host = "cart".to_owned();
    }
    request = request.authority(&host);
    if let Some(claims) = draft.claims {
        let token = signer.sign(&Value::Object(claims));
        let scheme = if draw.percent(95) { "Bearer" } else { "Basic" };
        request = request.header("authorization", format!("{scheme} {token}"));
    }
    for (name, value) in draft.headers {
        // A host that is a header too would be two hosts.
        if !name.starts_with(':') && !name.eq_ignore_ascii_case("host") {
            request = request.header(&name, value);
        }
    }
    for (header, value) in draft.metadata {
        request = request.header(header, STANDARD.encode(protobuf(&value)));
    }
    request
}

/// Returns a `google.protobuf.Value` as bytes.
fn protobuf(value: &Value) -> Vec<u8> {
    let part = |tag: u8, bytes: Vec<u8>| [vec![tag, u8::try_from(bytes.len()).unwrap_or(0)], bytes].concat();
    match value {
        Value::Bool(value) => vec![0x20, u8::from(*value)],
        Value::Number(number) => [vec![0x11], number.as_f64().unwrap_or(0.0).to_le_bytes().to_vec()].concat(),
        Value::String(text) => part(0x1a, text.as_bytes().to_vec()),
        Value::Array(values) => part(0x32, values.iter().flat_map(|value| part(0x0a, protobuf(value))).collect()),
        _ => vec![0x08, 0],
    }
}
