//! `Mesh`: the settings, services and domains of the mesh.

use context_mesh_core::artifact::tables::FieldType;
use context_mesh_core::limits::{
    DEFAULT_HEADER_VALUE_BYTES, MAX_HEADER_VALUE_BYTES, MIN_HEADER_VALUE_BYTES, MIN_MEMORY_TTL_MS,
};

use super::parameters::{self, Environment, Parameter};
use super::{
    decode::Decoder,
    header::{Header, Metadata},
    schema::field_type,
};
use crate::{
    read::yaml::{Node, Value},
    report::source::{Span, Spanned},
};

/// A `Mesh` document.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// Its head.
    pub metadata: Metadata,
    /// The SPIFFE trust domain.
    pub trust_domain: Option<Spanned<String>>,
    /// Trust domains that are treated as the mesh's own.
    pub trust_domain_aliases: Vec<Spanned<String>>,
    /// Path of a workload's SPIFFE ID.
    pub identity: Option<Spanned<String>>,
    /// The domains.
    pub domains: Vec<DomainEntry>,
    /// The services at the edge of the mesh.
    pub gateways: Vec<Spanned<String>>,
    /// How the context is shown to applications.
    pub carriers: Carriers,
    /// What is trusted.
    pub trust: Trust,
    /// Services without a filter. `None` means every peer that attaches no `x-mesh-context`.
    pub peers_without_filter: Option<Vec<Spanned<String>>>,
    /// The DNS domain of the mesh's Kubernetes clusters.
    pub cluster_domain: Option<Spanned<String>>,
    /// The fields whose headers the proxies' routes see.
    pub routed: Vec<Spanned<String>>,
    /// Whether a path with several readings is denied, if the document specifies it.
    pub deny_ambiguous_path: Option<bool>,
    /// The claims of verified tokens.
    pub claims: Vec<ClaimEntry>,
    /// Whether workloads without an allow rule deny every request, if the document specifies it.
    pub default: Option<Spanned<bool>>,
    /// Whether an invalid carrier or field is answered with 400.
    pub deny_invalid: bool,
    /// Greatest age of an accepted context, in milliseconds; 0 is unlimited.
    pub max_age_ms: u64,
    /// What gateways do with traces.
    pub gateway: Gateway,
    /// Longest header value that conditions read, in bytes.
    pub header_value_bytes: u32,
    /// Constants of conditions.
    pub parameters: Vec<Parameter>,
    /// Where parameters have other values.
    pub environments: Vec<Environment>,
    /// The memory.
    pub memory: Memory,
    /// What happens to calls whose request cannot be determined.
    pub recall: Recall,
    /// How long a word must have been readable before it is written as its number, in milliseconds.
    pub rollout_window_ms: u64,
}

/// A domain of a `Mesh` document.
#[derive(Debug, Clone)]
pub struct DomainEntry {
    /// Its name.
    pub name: Spanned<String>,
    /// Its services.
    pub services: Vec<ServiceEntry>,
    /// Its region; empty if not given.
    pub region: String,
    /// The regulatory frameworks (gdpr, sox, ...) that apply to it.
    pub frameworks: Vec<String>,
    /// The namespaces in which its services are trusted.
    pub namespaces: Vec<Spanned<String>>,
    /// Like the mesh's `default`, for the domain's own workloads.
    pub default: Option<bool>,
}

/// A service of a domain, and the names by which others call it.
#[derive(Debug, Clone)]
pub struct ServiceEntry {
    /// Its name.
    pub name: Spanned<String>,
    /// Its identities, if the document lists them. They then replace the identity derived from the name.
    pub identities: Option<Vec<Spanned<String>>>,
    /// Its hosts.
    pub hosts: Vec<Spanned<String>>,
    /// Its workloads.
    pub workloads: Vec<Spanned<String>>,
    /// The regions in which it runs, if the document lists them.
    pub regions: Vec<Spanned<String>>,
}

/// A claim of a verified token.
#[derive(Debug, Clone)]
pub struct ClaimEntry {
    /// Its name in conditions.
    pub name: Spanned<String>,
    /// Its type.
    pub value: FieldType,
    /// Its path in the proxy's dynamic metadata: the namespace, then keys.
    pub path: Vec<String>,
}

/// How the context is shown to applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carriers {
    /// As mapped headers.
    pub headers: bool,
    /// As members of `baggage`.
    pub baggage: bool,
    /// As `x-mesh-context`.
    pub mesh: bool,
    /// The version of `x-mesh-context` that is written. `None` follows the dates of the lock file.
    pub version: Option<u8>,
}

/// What is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// Which peers may send a context.
    pub peers: Peers,
    /// What happens when the claimed caller is not the peer.
    pub caller_mismatch: CallerMismatch,
}

/// Which peers may send a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Those with a certificate of the trust domain.
    Mtls,
    /// All.
    Any,
}

/// What happens when the claimed caller is not the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerMismatch {
    /// The peer replaces the claimed caller.
    Replace,
    /// The request is denied.
    Deny,
}

/// What gateways do with traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gateway {
    /// What happens to the client's trace.
    pub traces: Traces,
    /// Whether a trace that the gateway starts is sampled.
    pub sampled: bool,
}

/// What gateways do with the client's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traces {
    /// It is continued.
    Keep,
    /// Every request gets a new trace id.
    New,
    /// It is continued; if there is none, the gateway starts one.
    Start,
}

/// The memory in Envoy's shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Most records, if given and an integer.
    pub slots: Option<Spanned<i64>>,
    /// Most bytes of all records, if given and an integer.
    pub bytes: Option<Spanned<i64>>,
    /// How long a worker's records stay after the worker is gone, in milliseconds.
    pub ttl_ms: u64,
    /// How long a request is remembered after its stream ended, in milliseconds.
    pub grace_ms: u64,
}

/// What happens to calls whose request cannot be determined or is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recall {
    /// For calls whose id belongs to several requests with different contexts.
    pub ambiguous: Ambiguous,
    /// Whether a call is denied if its request could not be remembered.
    pub deny_lost: bool,
}

/// What a call receives if its id belongs to several requests with different contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguous {
    /// The fields on which all of them agree.
    Agree,
    /// Nothing.
    None,
    /// The call is denied.
    Deny,
}

/// Default of `ttl`: how long a worker's records stay without the worker.
const DEFAULT_TTL_MS: u64 = 60_000;

/// Default of `grace`: how long a request is remembered after its end. Most calls that a service makes in the
/// background leave within a second.
const DEFAULT_GRACE_MS: u64 = 5000;

/// Default of the rollout window: a rollout takes a day at most.
const DEFAULT_WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) fn read(header: Header<'_>, decoder: &mut Decoder<'_>) -> Mesh {
    let mut mesh = Mesh {
        metadata: header.metadata,
        trust_domain: None,
        trust_domain_aliases: Vec::new(),
        identity: None,
        domains: Vec::new(),
        gateways: Vec::new(),
        carriers: Carriers { headers: true, baggage: true, mesh: false, version: None },
        trust: Trust { peers: Peers::Mtls, caller_mismatch: CallerMismatch::Replace },
        peers_without_filter: None,
        cluster_domain: None,
        routed: Vec::new(),
        deny_ambiguous_path: None,
        claims: Vec::new(),
        default: None,
        deny_invalid: false,
        max_age_ms: 0,
        gateway: Gateway { traces: Traces::Keep, sampled: false },
        header_value_bytes: DEFAULT_HEADER_VALUE_BYTES,
        parameters: Vec::new(),
        environments: Vec::new(),
        memory: Memory { slots: None, bytes: None, ttl_ms: DEFAULT_TTL_MS, grace_ms: DEFAULT_GRACE_MS },
        recall: Recall { ambiguous: Ambiguous::Agree, deny_lost: false },
        rollout_window_ms: DEFAULT_WINDOW_MS,
    };
    let span = mesh.metadata.span;
    let Some(mut keys) = header.spec.and_then(|node| decoder.keys(node, span, "the spec of a Mesh")) else {
        return mesh;
    };
    mesh.trust_domain = keys.require("trustDomain", decoder).and_then(|node| decoder.string(node));
    mesh.trust_domain_aliases = keys.get("trustDomainAliases").map(|node| decoder.names(node)).unwrap_or_default();
    mesh.identity = keys.get("identity").and_then(|node| decoder.string(node));
    mesh.cluster_domain = keys.get("clusterDomain").and_then(|node| decoder.string(node));
    mesh.domains = keys.require("domains", decoder).map(|node| domains(node, decoder)).unwrap_or_default();
    mesh.gateways = keys.get("gateways").map(|node| decoder.names(node)).unwrap_or_default();
    if let Some(node) = keys.get("carriers") {
        carriers(node, &mut mesh.carriers, decoder);
    }
    if let Some(node) = keys.get("trust") {
        mesh.peers_without_filter = trust(node, &mut mesh.trust, decoder);
    }
    let ambiguous_path = [("ignore", false), ("deny", true)];
    mesh.deny_ambiguous_path = keys.get("ambiguousPath").and_then(|node| decoder.choice(node, &ambiguous_path));
    let bytes = i64::from(MIN_HEADER_VALUE_BYTES)..=i64::from(MAX_HEADER_VALUE_BYTES);
    if let Some(bytes) = keys.get("headerValueBytes").and_then(|node| decoder.int(node, bytes)) {
        mesh.header_value_bytes = u32::try_from(bytes.value).unwrap_or(DEFAULT_HEADER_VALUE_BYTES);
    }
    mesh.parameters = keys.get("parameters").map(|node| parameters::parameters(node, decoder)).unwrap_or_default();
    mesh.environments =
        keys.get("environments").map(|node| parameters::environments(node, decoder)).unwrap_or_default();
    mesh.claims = keys.get("claims").map(|node| claims(node, decoder)).unwrap_or_default();
    mesh.default = keys.get("default").and_then(|node| default(node, decoder));
    let on_invalid = [("ignore", false), ("deny", true)];
    mesh.deny_invalid = keys.get("onInvalid").and_then(|node| decoder.choice(node, &on_invalid)).unwrap_or_default();
    mesh.max_age_ms = keys.get("maxAge").and_then(|node| decoder.duration_ms(node)).unwrap_or_default();
    if let Some(node) = keys.get("gateway") {
        gateway(node, &mut mesh.gateway, decoder);
    }
    if let Some(node) = keys.get("memory") {
        memory(node, &mut mesh.memory, decoder);
    }
    let ambiguous = [("agree", Ambiguous::Agree), ("none", Ambiguous::None), ("deny", Ambiguous::Deny)];
    if let Some(chosen) = keys.get("ambiguousRecall").and_then(|node| decoder.choice(node, &ambiguous)) {
        mesh.recall.ambiguous = chosen;
    }
    let lost = [("ignore", false), ("deny", true)];
    mesh.recall.deny_lost = keys.get("lostRecall").and_then(|node| decoder.choice(node, &lost)).unwrap_or_default();
    if let Some(node) = keys.get("routing") {
        mesh.routed = routing(node, decoder);
    }
    if let Some(node) = keys.get("rollout") {
        rollout(node, &mut mesh, decoder);
    }
    keys.finish(decoder);
    mesh
}

/// Reads whether workloads without an allow rule deny every request.
fn default(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<bool>> {
    let value = decoder.choice(node, &[("allow", false), ("deny", true)])?;
    Some(Spanned { value, span: node.span })
}

fn routing(node: &Node, decoder: &mut Decoder<'_>) -> Vec<Spanned<String>> {
    let Some(mut keys) = decoder.keys(node, node.span, "routing") else { return Vec::new() };
    let fields = keys.require("fields", decoder).map(|node| decoder.names(node)).unwrap_or_default();
    keys.finish(decoder);
    fields
}

fn rollout(node: &Node, mesh: &mut Mesh, decoder: &mut Decoder<'_>) {
    let Some(mut keys) = decoder.keys(node, node.span, "rollout") else { return };
    if let Some(window) = keys.get("window").and_then(|node| decoder.duration_ms(node)) {
        mesh.rollout_window_ms = window;
    }
    keys.finish(decoder);
}

fn domains(node: &Node, decoder: &mut Decoder<'_>) -> Vec<DomainEntry> {
    let mut domains = Vec::new();
    for (name, node) in decoder.entries(node) {
        if decoder.check_name(name) {
            domains.push(domain(name, node, decoder));
        }
    }
    domains
}

fn domain(name: &Spanned<String>, node: &Node, decoder: &mut Decoder<'_>) -> DomainEntry {
    let mut domain = DomainEntry {
        name: name.clone(),
        services: Vec::new(),
        region: String::new(),
        frameworks: Vec::new(),
        namespaces: Vec::new(),
        default: None,
    };
    let Some(mut keys) = decoder.keys(node, name.span, "a domain") else { return domain };
    domain.services = keys.get("services").map(|node| services(node, decoder)).unwrap_or_default();
    domain.region = keys.get("region").and_then(|node| decoder.name(node)).map(|r| r.value).unwrap_or_default();
    let frameworks = keys.get("frameworks").map(|node| decoder.names(node)).unwrap_or_default();
    domain.frameworks = frameworks.into_iter().map(|name| name.value).collect();
    domain.default = keys.get("default").and_then(|node| default(node, decoder)).map(|default| default.value);
    domain.namespaces = keys.get("namespaces").map(|node| decoder.names(node)).unwrap_or_default();
    keys.finish(decoder);
    domain
}

/// Reads services: names, or mappings with a name and the names by which others call the service.
fn services(node: &Node, decoder: &mut Decoder<'_>) -> Vec<ServiceEntry> {
    decoder.list(node).iter().filter_map(|node| service(node, decoder)).collect()
}

fn service(node: &Node, decoder: &mut Decoder<'_>) -> Option<ServiceEntry> {
    let plain =
        |name| ServiceEntry { name, identities: None, hosts: Vec::new(), workloads: Vec::new(), regions: Vec::new() };
    if !matches!(node.value, Value::Mapping(_)) {
        return decoder.name(node).map(plain);
    }
    let mut keys = decoder.keys(node, node.span, "a service")?;
    let name = keys.require("name", decoder).and_then(|node| decoder.name(node));
    let texts = |node: &Node, decoder: &mut Decoder<'_>| -> Vec<Spanned<String>> {
        decoder.list(node).iter().filter_map(|node| decoder.string(node)).collect()
    };
    let identities = keys.get("identities").map(|node| texts(node, decoder));
    let hosts = keys.get("hosts").map(|node| texts(node, decoder)).unwrap_or_default();
    let workloads = keys.get("workloads").map(|node| decoder.names(node)).unwrap_or_default();
    let regions = keys.get("regions").map(|node| decoder.names(node)).unwrap_or_default();
    keys.finish(decoder);
    name.map(|name| ServiceEntry { identities, hosts, workloads, regions, ..plain(name) })
}

/// Where proxies store the payload of a verified token.
const SOURCES: [(&str, [&str; 2]); 2] = [
    ("envoy", ["envoy.filters.http.jwt_authn", "jwt_payload"]),
    ("istio", ["envoy.filters.http.jwt_authn", "payload"]),
];

fn claims(node: &Node, decoder: &mut Decoder<'_>) -> Vec<ClaimEntry> {
    let Some(mut keys) = decoder.keys(node, node.span, "claims") else { return Vec::new() };
    let source: Vec<String> = match keys.require("source", decoder) {
        Some(node @ Node { value: Value::Sequence(_), .. }) => {
            decoder.list(node).iter().filter_map(|node| decoder.string(node)).map(|key| key.value).collect()
        }
        Some(node) => decoder.choice(node, &SOURCES).map(|path| path.map(str::to_owned).to_vec()).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut claims = Vec::new();
    if let Some(node) = keys.require("types", decoder) {
        for (name, node) in decoder.entries(node) {
            claims.extend(claim(name, node, &source, decoder));
        }
    }
    keys.finish(decoder);
    claims
}

fn claim(name: &Spanned<String>, node: &Node, source: &[String], decoder: &mut Decoder<'_>) -> Option<ClaimEntry> {
    let entry = |value: FieldType, keys: Vec<String>| ClaimEntry {
        name: name.clone(),
        value,
        path: source.iter().cloned().chain(keys).collect(),
    };
    if !matches!(node.value, Value::Mapping(_)) {
        return field_type(node, decoder).map(|found| entry(found.value, vec![name.value.clone()]));
    }
    let mut keys = decoder.keys(node, name.span, "a claim")?;
    let value = keys.require("type", decoder).and_then(|node| field_type(node, decoder));
    let path = keys.get("path").map(|node| {
        let keys = decoder.list(node).iter().filter_map(|node| decoder.string(node));
        keys.map(|key| key.value).collect::<Vec<String>>()
    });
    keys.finish(decoder);
    let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| vec![name.value.clone()]);
    value.map(|found| entry(found.value, path))
}

fn carriers(node: &Node, carriers: &mut Carriers, decoder: &mut Decoder<'_>) {
    const CHOICES: [(&str, Carrier); 3] =
        [("headers", Carrier::Headers), ("baggage", Carrier::Baggage), ("mesh", Carrier::Mesh)];
    let Some(mut keys) = decoder.keys(node, node.span, "carriers") else { return };
    if let Some(node) = keys.get("present") {
        let chosen: Vec<Carrier> =
            decoder.list(node).iter().filter_map(|node| decoder.choice(node, &CHOICES)).collect();
        let has = |carrier| chosen.contains(&carrier);
        (carriers.headers, carriers.baggage) = (has(Carrier::Headers), has(Carrier::Baggage));
        carriers.mesh = has(Carrier::Mesh);
    }
    if let Some(node) = keys.get("version") {
        carriers.version = decoder.int(node, 1..=2).and_then(|version| u8::try_from(version.value).ok());
    }
    if let Some(node) = keys.get("envelope")
        && decoder.bool(node) == Some(true)
    {
        decoder.not_supported(node.span, "the JSON envelope");
    }
    keys.finish(decoder);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Headers,
    Baggage,
    Mesh,
}

/// Reads `trust`. Returns the services without a filter.
fn trust(node: &Node, trust: &mut Trust, decoder: &mut Decoder<'_>) -> Option<Vec<Spanned<String>>> {
    let mut keys = decoder.keys(node, node.span, "trust")?;
    let peers = [("mtls", Peers::Mtls), ("any", Peers::Any)];
    if let Some(chosen) = keys.get("peers").and_then(|node| decoder.choice(node, &peers)) {
        trust.peers = chosen;
    }
    let mismatch = [("replace", CallerMismatch::Replace), ("deny", CallerMismatch::Deny)];
    if let Some(chosen) = keys.get("callerMismatch").and_then(|node| decoder.choice(node, &mismatch)) {
        trust.caller_mismatch = chosen;
    }
    let without_filter = keys.get("peersWithoutFilter").map(|node| decoder.names(node));
    keys.finish(decoder);
    without_filter
}

fn gateway(node: &Node, gateway: &mut Gateway, decoder: &mut Decoder<'_>) {
    let Some(mut keys) = decoder.keys(node, node.span, "gateway") else { return };
    let traces = [("keep", Traces::Keep), ("new", Traces::New), ("start", Traces::Start)];
    if let Some(chosen) = keys.get("traces").and_then(|node| decoder.choice(node, &traces)) {
        gateway.traces = chosen;
    }
    if let Some(sampled) = keys.get("sampled").and_then(|node| decoder.bool(node)) {
        gateway.sampled = sampled;
    }
    keys.finish(decoder);
}

fn memory(node: &Node, memory: &mut Memory, decoder: &mut Decoder<'_>) {
    let Some(mut keys) = decoder.keys(node, node.span, "memory") else { return };
    memory.slots = keys.get("slots").and_then(|node| decoder.int(node, 1..=i64::MAX));
    memory.bytes = keys.get("bytes").and_then(|node| decoder.int(node, 1..=i64::MAX));
    if let Some(grace) = keys.get("grace").and_then(|node| decoder.duration_ms(node)) {
        memory.grace_ms = grace;
    }
    if let Some((_, node)) = keys.entry("ttl")
        && let Some(ttl) = decoder.duration_ms(node)
    {
        check_ttl(ttl, node.span, decoder);
        memory.ttl_ms = ttl;
    }
    keys.finish(decoder);
}

fn check_ttl(ttl: u64, span: Span, decoder: &mut Decoder<'_>) {
    if ttl < MIN_MEMORY_TTL_MS {
        let help = format!("use at least `{}s`, for example `60s`", MIN_MEMORY_TTL_MS / 1000);
        decoder.invalid(span, "so soon no worker of a proxy can be called gone", &help);
    }
}
