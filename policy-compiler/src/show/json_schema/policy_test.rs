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

/// Requests, and what the policies are expected to make of them.
#[derive(JsonSchema)]
#[schemars(title = "PolicyTest", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: ApiVersion,
    /// What the document is.
    kind: Kind,
    metadata: Metadata,
    spec: TestSpec,
}

/// What the tests share, and the tests.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TestSpec {
    /// The time of all tests that say no other.
    #[schemars(extend("format" = "date-time"), example = &"2026-01-15T12:00:00Z")]
    now: Option<String>,
    /// Who can be on the other side of a request, by name.
    principals: Option<BTreeMap<String, Principal>>,
    /// Requests by name.
    requests: Option<BTreeMap<String, Request>>,
    /// Contexts by name.
    contexts: Option<BTreeMap<String, ContextFields>>,
    /// The tests.
    tests: Vec<Test>,
}

/// Who is on the other side: a service of the mesh, a SPIFFE ID, or with `{}` nobody.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("maxProperties" = 1))]
struct Principal {
    /// A service of the mesh; its SPIFFE ID follows from the mesh's trust domain and identity.
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
    /// The host. Default: the service that is asked.
    host: Option<String>,
    /// Default: `http`.
    #[schemars(example = &"https")]
    scheme: Option<String>,
    /// Other headers.
    headers: Option<shape::Headers>,
    /// What the proxy knows besides, for example `source.address`.
    #[schemars(extend("examples" = [{"source.address": "10.0.0.1:80"}]))]
    attributes: Option<shape::Attributes>,
    /// What other filters said, by the name of the filter.
    #[schemars(extend("examples" = [{"envoy.filters.http.jwt_authn": {"jwt_payload": {"sub": "u1"}}}]))]
    metadata: Option<shape::Mapping>,
}

/// Fields of a context with their values.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct ContextFields(shape::Mapping);

/// A name from `principals`, or a principal in place.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SomePrincipal {
    Named(String),
    Here(Principal),
}

/// A name from `requests`, or a request in place.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SomeRequest {
    Named(String),
    Here(Request),
}

/// A name from `contexts`, or the fields in place.
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
    /// Where the filter stands. Default: `gateway` where the mesh lists the workload as one, else `inbound`.
    role: Option<Role>,
    /// Who is on the other side.
    principal: Option<SomePrincipal>,
    /// The request.
    request: Option<SomeRequest>,
    /// The context that it carries.
    context: Option<SomeContext>,
    /// Outbound: the service that is called.
    destination: Option<String>,
    /// Outbound: what is remembered for the trace.
    remembered: Option<SomeContext>,
    /// The time of the request.
    #[schemars(extend("format" = "date-time"), example = &"2026-01-15T12:00:00Z")]
    now: Option<String>,
    /// How long ago the context was made, the one that it carries and the one that is remembered. Default: just now.
    age: Option<Duration>,
    /// A table: each case says what is different in it.
    cases: Option<Vec<Case>>,
    /// What is expected.
    expect: Option<Expect>,
}

/// A case of a test: what it does not say is as in the test.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    #[schemars(length(min = 1), example = &"a stranger")]
    name: String,
    /// The service whose proxy decides.
    workload: Option<String>,
    /// Where the filter stands.
    role: Option<Role>,
    /// Who is on the other side.
    principal: Option<SomePrincipal>,
    /// The request.
    request: Option<SomeRequest>,
    /// The context that it carries.
    context: Option<SomeContext>,
    /// Outbound: the service that is called.
    destination: Option<String>,
    /// Outbound: what is remembered for the trace.
    remembered: Option<SomeContext>,
    /// The time of the request.
    #[schemars(extend("format" = "date-time"))]
    now: Option<String>,
    /// How long ago the context was made, the one that it carries and the one that is remembered. Default: just now.
    age: Option<Duration>,
    /// What is expected.
    expect: Option<Expect>,
}

/// Where the filter stands.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Role {
    /// In front of the service, for requests that arrive.
    Inbound,
    /// Behind the service, for the calls that it makes.
    Outbound,
    /// At the edge, for requests of clients.
    Gateway,
    /// At the way out of the mesh.
    Egress,
}

/// What is expected. What it does not mention is not looked at, except that a request that is refused needs `decision:
/// deny`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Expect {
    /// Whether the request is refused.
    decision: Option<Decision>,
    /// What refused it.
    #[schemars(example = &"payments/payments-guard/known-callers")]
    rule: Option<String>,
    /// The HTTP status of the answer.
    #[schemars(range(min = 100, max = 599), example = 403)]
    status: Option<u16>,
    /// The text of the answer.
    message: Option<String>,
    /// The rules that applied, exactly, in any order.
    rules: Option<Vec<String>>,
    /// The audit rules that applied, exactly.
    audited: Option<Vec<String>>,
    /// The shadow rules that would have applied, exactly.
    shadow: Option<Vec<String>>,
    /// The fields that were taken out, exactly.
    redacted: Option<Vec<String>>,
    /// The fields whose values were masked, exactly.
    masked: Option<Vec<String>>,
    /// Fields that go on, with these values.
    context: Option<ContextFields>,
    /// Fields that do not go on.
    absent: Option<Vec<String>>,
    /// Request headers afterwards; nothing as the value means that the header is not there.
    #[schemars(extend("examples" = [{"x-tenant-id": "tenant_acme", "x-user-id": null}]))]
    headers: Option<shape::Headers>,
}

/// Whether a request is refused.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Decision {
    /// It goes on.
    Allow,
    /// It is refused.
    Deny,
}
