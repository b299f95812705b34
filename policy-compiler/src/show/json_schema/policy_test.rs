//! The shape of `PolicyTest` documents.
#![allow(dead_code, reason = "the types describe a shape; nobody makes values of them")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    common::{ApiVersion, Duration, Metadata},
    shape,
};

#[derive(JsonSchema)]
#[schemars(inline)]
enum Kind {
    PolicyTest,
}

/// Requests and the decisions that are expected for them.
#[derive(JsonSchema)]
#[schemars(title = "PolicyTest", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: ApiVersion,
    /// What the document is.
    kind: Kind,
    metadata: Metadata,
    spec: TestSpec,
}

/// The shared fixtures, and the tests.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TestSpec {
    /// The default time of the tests.
    #[schemars(extend("format" = "date-time"), example = &"2026-01-15T12:00:00Z")]
    now: Option<String>,
    /// The peers of requests, by name.
    principals: Option<BTreeMap<String, Principal>>,
    /// Requests by name.
    requests: Option<BTreeMap<String, Request>>,
    /// Contexts by name.
    contexts: Option<BTreeMap<String, ContextFields>>,
    /// The tests.
    tests: Vec<Test>,
}

/// The peer: a service of the mesh, a SPIFFE ID, or with `{}` nobody.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("maxProperties" = 1))]
struct Principal {
    /// A service of the mesh. Its SPIFFE ID follows from the mesh's trust domain and identity.
    #[schemars(example = &"checkout-service")]
    service: Option<String>,
    /// The SPIFFE ID of a client certificate.
    #[schemars(example = &"spiffe://evil.example/ns/x/sa/y")]
    principal: Option<String>,
}

/// An HTTP request.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Request {
    /// Default: `GET`.
    #[schemars(example = &"POST")]
    method: Option<String>,
    /// The path with its query. Default: `/`.
    #[schemars(example = &"/charge")]
    path: Option<String>,
    /// The host. Default: the service that is called.
    host: Option<String>,
    /// Default: `http`.
    #[schemars(example = &"https")]
    scheme: Option<String>,
    /// Other headers. A list of texts is a header that is sent several times.
    headers: Option<shape::SentHeaders>,
    /// Other attributes of the proxy, for example `source.address`.
    #[schemars(extend("examples" = [{"source.address": "10.0.0.1:80"}]))]
    attributes: Option<shape::Attributes>,
    /// The metadata of other filters, by the name of the filter.
    #[schemars(extend("examples" = [{"envoy.filters.http.jwt_authn": {"jwt_payload": {"sub": "u1"}}}]))]
    metadata: Option<shape::Mapping>,
}

/// Fields of a context with their values.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct ContextFields(shape::Mapping);

/// A name from `principals`, or an inline principal.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SomePrincipal {
    Named(String),
    Here(Principal),
}

/// A name from `requests`, or an inline request.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SomeRequest {
    Named(String),
    Here(Request),
}

/// A name from `contexts`, or inline fields.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SomeContext {
    Named(String),
    Here(ContextFields),
}

/// A test.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Test {
    /// What the test shows.
    #[schemars(length(min = 1), example = &"only checkout may charge")]
    name: String,
    /// The service whose proxy decides.
    workload: Option<String>,
    /// The role of the filter. Default: `gateway` if the mesh lists the workload as one, otherwise `inbound`.
    role: Option<Role>,
    /// The peer.
    principal: Option<SomePrincipal>,
    /// The request.
    request: Option<SomeRequest>,
    /// The context that it carries.
    context: Option<SomeContext>,
    /// Outbound: the service that is called.
    destination: Option<String>,
    /// Outbound: the context that is remembered for the trace.
    remembered: Option<SomeContext>,
    /// The time of the request.
    #[schemars(extend("format" = "date-time"), example = &"2026-01-15T12:00:00Z")]
    now: Option<String>,
    /// The region of the proxy's locality, for a service with several regions.
    region: Option<String>,
    /// How long ago the context was made, the one that it carries and the one that is remembered. Default: just now.
    age: Option<Duration>,
    /// A table: each case specifies what differs from the test.
    cases: Option<Vec<Case>>,
    /// What is expected.
    expect: Option<Expect>,
}

/// A case of a test. It inherits from the test what it does not specify.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    #[schemars(length(min = 1), example = &"a stranger")]
    name: String,
    /// The service whose proxy decides.
    workload: Option<String>,
    /// The role of the filter.
    role: Option<Role>,
    /// The peer.
    principal: Option<SomePrincipal>,
    /// The request.
    request: Option<SomeRequest>,
    /// The context that it carries.
    context: Option<SomeContext>,
    /// Outbound: the service that is called.
    destination: Option<String>,
    /// Outbound: the context that is remembered for the trace.
    remembered: Option<SomeContext>,
    /// The time of the request.
    #[schemars(extend("format" = "date-time"))]
    now: Option<String>,
    /// The region of the proxy's locality, for a service with several regions.
    region: Option<String>,
    /// How long ago the context was made, the one that it carries and the one that is remembered. Default: just now.
    age: Option<Duration>,
    /// What is expected.
    expect: Option<Expect>,
}

/// The role of the filter.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Role {
    /// Before the service, for requests that arrive.
    Inbound,
    /// After the service, for the calls that it makes.
    Outbound,
    /// At the edge, for requests of clients.
    Gateway,
    /// At the exit of the mesh.
    Egress,
}

/// The expectations. What they do not mention is not checked, except that a denied request needs `decision: deny`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Expect {
    /// Whether the request is denied.
    decision: Option<Decision>,
    /// The rule that denied it.
    #[schemars(example = &"payments/payments-guard/known-callers")]
    rule: Option<String>,
    /// The HTTP status of the response.
    #[schemars(range(min = 100, max = 599), example = 403)]
    status: Option<u16>,
    /// The text of the response.
    message: Option<String>,
    /// The rules that applied, exactly, in any order.
    rules: Option<Vec<String>>,
    /// The audit rules that applied, exactly.
    audited: Option<Vec<String>>,
    /// The shadow rules that would have applied, exactly.
    shadow: Option<Vec<String>>,
    /// The fields that were removed, exactly.
    redacted: Option<Vec<String>>,
    /// The fields whose values were masked, exactly.
    masked: Option<Vec<String>>,
    /// Fields that are forwarded, with these values.
    context: Option<ContextFields>,
    /// Fields that are not forwarded.
    absent: Option<Vec<String>>,
    /// Request headers after the decision; a null value means that the header is absent.
    #[schemars(extend("examples" = [{"x-tenant-id": "tenant_acme", "x-user-id": null}]))]
    headers: Option<shape::Headers>,
}

/// Whether a request is denied.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Decision {
    /// It is allowed.
    Allow,
    /// It is denied.
    Deny,
}
