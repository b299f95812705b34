//! The shape of `Mesh` documents.
#![allow(dead_code, reason = "the types describe a shape; nobody makes values of them")]

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
}

/// The settings, services and domains.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct MeshSpec {
    /// The SPIFFE trust domain: who has no certificate of it is nobody.
    #[schemars(example = &"acme.corp")]
    trust_domain: String,
    /// Trust domains that count as that one, for a mesh that moves from one to another.
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
    /// The services that stand at the edge of the mesh, where clients come in. They drop any context that arrives.
    gateways: Option<Vec<Name>>,
    carriers: Option<Carriers>,
    trust: Option<Trust>,
    /// What becomes of a request whose path has more than one reading (`//`, `.` and `..`, needless escapes, path parameters). Default: it is
    /// refused with 400 by workloads with a rule that reads the path.
    ambiguous_path: Option<OnInvalid>,
    claims: Option<Claims>,
    /// What becomes of requests to a workload without an allow rule. Default: `allow`.
    default: Option<Default>,
    /// What a broken carrier or field does. Default: `ignore`.
    on_invalid: Option<OnInvalid>,
    /// Oldest `x-mesh-context` that is accepted. Default: any.
    max_age: Option<Duration>,
    gateway: Option<Gateway>,
    memory: Option<Memory>,
    /// What a call gets whose id several requests with different contexts have. Default: `agree`.
    ambiguous_recall: Option<AmbiguousRecall>,
    /// What becomes of a call for a request whose context could not be remembered. Default: `ignore`.
    lost_recall: Option<LostRecall>,
    rollout: Option<Rollout>,
    routing: Option<Routing>,
}

/// The claims of verified tokens, for conditions (`claims.NAME`).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Claims {
    /// Where the proxy puts the payload of a verified token: as Envoy with `payload_in_metadata: jwt_payload`, as Istio's
    /// RequestAuthentication, or a name space and keys of dynamic metadata.
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

/// A type, or a type and where the claim is.
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

/// A service: its name, or its name and what others call it.
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
    /// Other hosts that lead to it: `NAME`, `NAME.NAMESPACE`, whole DNS names, names of clusters.
    #[schemars(extend("examples" = [["reviews.bookinfo"]]))]
    hosts: Option<Vec<String>>,
    /// Other names that its proxies have for themselves.
    #[schemars(extend("examples" = [["reviews-v1", "reviews-v2"]]))]
    workloads: Option<Vec<Name>>,
}

/// What becomes of requests to a workload without an allow rule.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase", inline)]
enum Default {
    /// They go on, unless a rule refuses them.
    Allow,
    /// They are refused.
    Deny,
}

/// What the routes of the proxies see of the context.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Routing {
    /// The fields whose headers routes match. The filter writes them in front of the router, and takes them away behind it.
    #[schemars(extend("examples" = [["tenant_id"]]))]
    fields: Vec<Name>,
}

/// How a new version of the policies reaches the proxies.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Rollout {
    /// How long a rollout takes at most: so long a new word of the lock file goes as text. Default: 24h.
    window: Option<Duration>,
}

/// A domain: a team or a part of the business, which owns services, fields and policies.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Domain {
    /// Its services. A service belongs to one domain.
    services: Option<Vec<ServiceEntry>>,
    /// Where it runs. Fields with `residency` are sent to services of the listed regions only.
    #[schemars(example = &"eu-west-1")]
    region: Option<Name>,
    /// The frameworks that it is under, for policies to ask for.
    #[schemars(extend("examples" = [["gdpr", "sox"]]), length(max = 64))]
    frameworks: Option<Vec<Name>>,
    /// What becomes of requests to its workloads without an allow rule. Default: what the mesh says.
    default: Option<Default>,
    /// The namespaces in which its services are believed. Required where `identity` has a `{namespace}`, as it has by default.
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

/// What is believed.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Trust {
    /// Who may send a context. Default: `mtls`.
    peers: Option<Peers>,
    /// What happens when the context names another caller than the peer. Default: `replace`.
    caller_mismatch: Option<CallerMismatch>,
    /// Services without a filter: from them headers and `baggage` count too; from others, only `x-mesh-context` does.
    /// Default: whoever attaches no `x-mesh-context`.
    peers_without_filter: Option<Vec<Name>>,
}

/// Who may send a context.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Peers {
    /// Peers with a certificate of the trust domain.
    Mtls,
    /// Anybody: for a mesh without mTLS.
    Any,
}

/// What a false caller does.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum CallerMismatch {
    /// The peer takes its place.
    Replace,
    /// The request is refused with 403.
    Deny,
}

/// What a broken carrier or field does.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum OnInvalid {
    /// It is left out, counted and reported.
    Ignore,
    /// The request is refused with 400.
    Deny,
}

/// What gateways do with traces.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Gateway {
    /// What becomes of the client's trace. Default: `keep`.
    traces: Option<Traces>,
    /// Whether a trace that the gateway starts is sampled. Default: false.
    sampled: Option<bool>,
}

/// What becomes of the client's trace.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Traces {
    /// It goes on; where there is none, the gateway starts none.
    Keep,
    /// Every request gets a new trace id, with the client's flags.
    New,
    /// It goes on; where there is none, the gateway starts one.
    Start,
}

/// What a call gets whose id several requests with different contexts have.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AmbiguousRecall {
    /// The fields on which all of them agree.
    Agree,
    /// Nothing.
    None,
    /// It is refused with 409.
    Deny,
}

/// What becomes of a call for a request whose context could not be remembered.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum LostRecall {
    /// It goes on without, counted and reported.
    Ignore,
    /// It is refused with 503.
    Deny,
}

/// What a proxy remembers of the requests in flight.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Memory {
    /// How many requests at most. Default: 131072.
    #[schemars(range(min = 1, max = 1_048_576), example = 131_072)]
    slots: Option<u32>,
    /// How many bytes all of them take at most. Default: 67108864 (64 MiB).
    #[schemars(range(min = 8_388_608, max = 4_294_967_296_u64), example = 67_108_864)]
    bytes: Option<u64>,
    /// How long what a worker remembered stays when the worker itself is gone. Default: 60s.
    ttl: Option<Duration>,
    /// How long a request is remembered after its end, for calls in the background. Default: 5s.
    grace: Option<Duration>,
}
