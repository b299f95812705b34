//! The shape of `Mesh` documents.
#![allow(dead_code, reason = "the types describe a shape; no values of them are created")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    common::{ApiVersion, Duration, Name},
    shape,
};

#[derive(JsonSchema)]
#[schemars(inline)]
enum Kind {
    Mesh,
}

/// The settings, services and domains of the mesh. A tree has exactly one.
#[derive(JsonSchema)]
#[schemars(title = "Mesh", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: ApiVersion,
    /// What the document is.
    kind: Kind,
    metadata: MeshMetadata,
    spec: MeshSpec,
}

/// Name of the mesh.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MeshMetadata {
    /// Name of the mesh.
    #[schemars(example = &"acme")]
    name: Name,
    /// For people and other tools.
    labels: Option<BTreeMap<String, String>>,
    /// For people and other tools.
    annotations: Option<BTreeMap<String, String>>,
}

/// The settings, services and domains.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct MeshSpec {
    /// The SPIFFE trust domain. A peer without a certificate of it has no identity.
    #[schemars(example = &"acme.corp")]
    trust_domain: String,
    /// Trust domains that are treated as the mesh's own, for a mesh that moves from one to another.
    #[schemars(extend("examples" = [["old.corp"]]))]
    trust_domain_aliases: Option<Vec<Name>>,
    /// How the path of a SPIFFE ID names a service, alone or with letters around it; `*` is any one segment. Default:
    /// `/ns/{namespace}/sa/{service}`.
    #[schemars(example = &"/ns/{namespace}/sa/{service}")]
    identity: Option<String>,
    /// The DNS domain of the mesh's Kubernetes clusters. Default: `cluster.local`.
    cluster_domain: Option<String>,
    /// The domains: who owns which services.
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9._-]{1,253}$"}))]
    domains: BTreeMap<String, Domain>,
    /// The services at the edge of the mesh, where clients come in. They drop any context that arrives.
    gateways: Option<Vec<Name>>,
    carriers: Option<Carriers>,
    trust: Option<Trust>,
    /// What happens to a request whose path has more than one reading (`//`, `.` and `..`, needless escapes, path
    /// parameters). Default: workloads with a rule that reads the path deny it with 400.
    ambiguous_path: Option<OnInvalid>,
    /// Longest value of a header that conditions read, in bytes. Reading a longer one is an error. Default: 8192.
    #[schemars(range(min = 256, max = 61440))]
    header_value_bytes: Option<u32>,
    claims: Option<Claims>,
    /// Constants of conditions (`parameters.NAME`), with their values where no environment says otherwise.
    parameters: Option<BTreeMap<String, ParameterValue>>,
    /// The environments that `policyc --environment NAME` compiles for, with the values that differ there.
    environments: Option<BTreeMap<String, BTreeMap<String, ParameterValue>>>,
    /// What happens to requests to a workload without an allow rule. Default: `allow`.
    default: Option<Default>,
    /// What happens if a carrier or field is invalid. Default: `ignore`.
    on_invalid: Option<OnInvalid>,
    /// Greatest age of an accepted `x-mesh-context`. Default: unlimited.
    max_age: Option<Duration>,
    gateway: Option<Gateway>,
    memory: Option<Memory>,
    /// What a call receives if its id belongs to several requests with different contexts. Default: `agree`.
    ambiguous_recall: Option<AmbiguousRecall>,
    /// What happens to a call for a request whose context could not be remembered. Default: `ignore`.
    lost_recall: Option<LostRecall>,
    rollout: Option<Rollout>,
    routing: Option<Routing>,
}

/// The value of a parameter: a string, a number, a bool, or a list of one of these.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes the document")]
enum ParameterValue {
    Bool(bool),
    Number(f64),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<f64>),
}

/// The claims of verified tokens, for conditions (`claims.NAME`).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Claims {
    /// Where the proxy stores the payload of a verified token: as Envoy does with `payload_in_metadata: jwt_payload`,
    /// as Istio's RequestAuthentication does, or a namespace and keys of dynamic metadata.
    source: ClaimSource,
    /// The claims by their names in conditions.
    types: BTreeMap<String, Claim>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum ClaimSource {
    Known(KnownSource),
    Path(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase", inline)]
enum KnownSource {
    Envoy,
    Istio,
}

/// A type, or a type and the path of the claim.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Claim {
    Type(String),
    Nested(NestedClaim),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NestedClaim {
    /// `string`, `int`, `double`, `bool`, `json`, `list<...>` or `map<string, ...>`.
    #[schemars(rename = "type")]
    value: String,
    /// The keys that lead to it in the token. Default: its name.
    #[schemars(length(min = 1), extend("examples" = [["realm_access", "roles"]]))]
    path: Option<Vec<String>>,
}

/// A service: its name, or its name and the names by which others call it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ServiceEntry {
    Name(Name),
    Named(NamedService),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NamedService {
    /// Its name in policies.
    name: Name,
    /// Its identities, in place of its name: service accounts, `NAMESPACE/ACCOUNT`, or SPIFFE IDs.
    #[schemars(length(min = 1), extend("examples" = [["bookinfo-reviews"]]))]
    identities: Option<Vec<String>>,
    /// Other hosts that lead to it: `NAME`, `NAME.NAMESPACE`, full DNS names, names of clusters.
    #[schemars(extend("examples" = [["reviews.bookinfo"]]))]
    hosts: Option<Vec<String>>,
    /// Other names that its proxies use for themselves.
    #[schemars(extend("examples" = [["reviews-v1", "reviews-v2"]]))]
    workloads: Option<Vec<Name>>,
    /// The regions in which it runs. Default: the region of its domain. Which of them a proxy is in is the region of its
    /// locality (`node.locality.region`).
    #[schemars(extend("examples" = [["eu", "us"]]))]
    regions: Option<Vec<Name>>,
}

/// What happens to requests to a workload without an allow rule.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase", inline)]
enum Default {
    /// They are allowed, unless a rule denies them.
    Allow,
    /// They are denied.
    Deny,
}

/// What the routes of the proxies see of the context.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Routing {
    /// The fields whose headers routes match. The filter writes them before the router, and removes them after it.
    #[schemars(extend("examples" = [["tenant_id"]]))]
    fields: Vec<Name>,
}

/// How a new version of the policies reaches the proxies.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Rollout {
    /// The longest duration of a rollout. For that long, a new word of the lock file is sent as text. Default: 24h.
    window: Option<Duration>,
}

/// A domain: a team or a part of the business, which owns services, fields and policies.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Domain {
    /// Its services. A service belongs to one domain.
    services: Option<Vec<ServiceEntry>>,
    /// Where it runs. Fields with `residency` are only sent to services of the listed regions.
    #[schemars(example = &"eu-west-1")]
    region: Option<Name>,
    /// The regulatory frameworks that apply to it, which policies can read.
    #[schemars(extend("examples" = [["gdpr", "sox"]]), length(max = 64))]
    frameworks: Option<Vec<Name>>,
    /// What happens to requests to its workloads without an allow rule. Default: the mesh's setting.
    default: Option<Default>,
    /// The namespaces in which its services are trusted. Required if `identity` has a `{namespace}`, as it has by
    /// default.
    #[schemars(length(min = 1), extend("examples" = [["shop"]]))]
    namespaces: Option<Vec<Name>>,
}

/// How the context is shown to applications.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Carriers {
    /// The carriers. Default: `[headers, baggage]`.
    present: Option<Vec<Carrier>>,
    /// The version of `x-mesh-context` that is written; all are read. Default: 1 until the first word of the lock file has been
    /// released for the rollout window, then 2.
    #[schemars(range(min = 1, max = 2), example = 2)]
    version: Option<u8>,
    /// The JSON envelope; it cannot be switched on yet.
    envelope: Option<shape::False>,
}

/// A carrier of the context.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Carrier {
    /// The headers of fields that name one.
    Headers,
    /// Members of the W3C `baggage` header.
    Baggage,
    /// The header `x-mesh-context`.
    Mesh,
}

/// What is trusted.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Trust {
    /// Who may send a context. Default: `mtls`.
    peers: Option<Peers>,
    /// What happens when the context names another caller than the peer. Default: `replace`.
    caller_mismatch: Option<CallerMismatch>,
    /// Services without a filter: their headers and `baggage` count too; from others, only `x-mesh-context` does.
    /// Default: every peer that attaches no `x-mesh-context`.
    peers_without_filter: Option<Vec<Name>>,
}

/// Who may send a context.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Peers {
    /// Peers with a certificate of the trust domain.
    Mtls,
    /// Anyone: for a mesh without mTLS.
    Any,
}

/// What happens if the claimed caller is not the peer.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum CallerMismatch {
    /// The peer replaces the claimed caller.
    Replace,
    /// The request is denied with 403.
    Deny,
}

/// What happens if a carrier or field is invalid.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum OnInvalid {
    /// It is left out, counted and reported.
    Ignore,
    /// The request is denied with 400.
    Deny,
}

/// What gateways do with traces.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Gateway {
    /// What happens to the client's trace. Default: `keep`.
    traces: Option<Traces>,
    /// Whether a trace that the gateway starts is sampled. Default: false.
    sampled: Option<bool>,
}

/// What happens to the client's trace.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Traces {
    /// It is continued; if there is none, the gateway starts none.
    Keep,
    /// Every request gets a new trace id, with the client's flags.
    New,
    /// It is continued; if there is none, the gateway starts one.
    Start,
}

/// What a call receives if its id belongs to several requests with different contexts.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AmbiguousRecall {
    /// The fields on which all of them agree.
    Agree,
    /// Nothing.
    None,
    /// It is denied with 409.
    Deny,
}

/// What happens to a call for a request whose context could not be remembered.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum LostRecall {
    /// It is sent without the context, counted and reported.
    Ignore,
    /// It is denied with 503.
    Deny,
}

/// What a proxy remembers of the requests in flight.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Memory {
    /// Most requests. Default: 131072.
    #[schemars(range(min = 1, max = 1_048_576), example = 131_072)]
    slots: Option<u32>,
    /// Most bytes for all of them. Default: 67108864 (64 MiB).
    #[schemars(range(min = 8_388_608, max = 4_294_967_296_u64), example = 67_108_864)]
    bytes: Option<u64>,
    /// How long a worker's records stay after the worker is gone. Default: 60s.
    ttl: Option<Duration>,
    /// How long a request is remembered after its end, for calls in the background. Default: 5s.
    grace: Option<Duration>,
}
