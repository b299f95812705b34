//! The shape of `ContextPolicy` documents.
#![allow(dead_code, reason = "the types describe a shape; no values of them are created")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    common::{ApiVersion, Classification, Expression, GrpcStatus, Metadata, Name},
    shape,
};

#[derive(JsonSchema)]
#[schemars(inline)]
enum Kind {
    ContextPolicy,
}

/// Rules for requests of workloads.
#[derive(JsonSchema)]
#[schemars(title = "ContextPolicy", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: ApiVersion,
    /// What the document is.
    kind: Kind,
    metadata: Metadata,
    spec: PolicySpec,
}

/// Workloads and rules.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["workloads", "rules"]}, {"required": ["sharedVariables"]}]))]
struct PolicySpec {
    /// The services to which the rules apply; `"*"` means all: of the domain, or of the mesh in an enterprise document.
    #[schemars(length(min = 1), extend("examples" = [["payment-service"], ["*"]]))]
    workloads: Option<Vec<String>>,
    /// The requests to which the rules apply. Default: `inbound`.
    direction: Option<Direction>,
    /// Named expressions, used as `variables.<name>`. Each may use the ones before it.
    variables: Option<Vec<Variable>>,
    /// Variables that all policies of the same domain see, or all of the enterprise. Each may use the ones before it in
    /// this list. A document with them needs no rules.
    shared_variables: Option<Vec<Variable>>,
    /// The rules. Their order does not matter.
    rules: Option<Vec<Rule>>,
}

/// The requests to which the rules apply.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Direction {
    /// Requests that arrive at the workload.
    Inbound,
    /// Requests that the workload makes.
    Outbound,
}

/// A named expression.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Variable {
    /// Its name.
    name: String,
    expression: Expression,
}

/// A rule: when it applies, and its one effect.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["deny"]}, {"required": ["allow"]}, {"required": ["require"]}, {"required": ["redact"]},
    {"required": ["mask"]}, {"required": ["set"]}, {"required": ["audit"]},
]))]
struct Rule {
    /// Its name, unique in the document.
    #[schemars(example = &"known-callers")]
    name: Name,
    /// When it applies. Default: always.
    when: Option<Expression>,
    /// What a condition that fails with an error means. Default: `deny`.
    on_error: Option<OnError>,
    /// Whether it is enforced. Default: `enforce`.
    enforcement: Option<Enforcement>,
    /// Why the rule is there. Not part of artifacts.
    #[schemars(length(min = 1, max = 1024))]
    description: Option<String>,
    /// Who answers questions about the rule. Not part of artifacts.
    #[schemars(length(min = 1, max = 253), example = &"team-payments")]
    owner: Option<String>,
    /// The last day for which the rule is meant. `policyc check` warns after it; the rule still applies.
    #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2026-12-31")]
    expires: Option<String>,
    /// Warnings of the compiler about this rule that are known and intended. Not for rules of the enterprise.
    silence: Option<Vec<Silence>>,
    /// Denies the request.
    deny: Option<Reply>,
    /// Allows the request. Once a layer has an allow rule for a workload, one of them must match.
    allow: Option<shape::PlainEffect>,
    /// Denies the request if a field is missing.
    require: Option<Require>,
    /// Removes fields; nothing downstream restores them.
    redact: Option<Redact>,
    /// Replaces the fields' values with less informative ones.
    mask: Option<Mask>,
    /// Sets fields to values.
    #[schemars(extend("minProperties" = 1, "examples" = [{"environment": "'prod'"}]))]
    set: Option<BTreeMap<String, Expression>>,
    /// Names the rule in reports of requests, and changes nothing.
    audit: Option<shape::PlainEffect>,
}

/// A warning that is known and intended.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Silence {
    /// The code of the warning.
    #[schemars(example = &"CM0602")]
    code: String,
    /// Why it is intended.
    #[schemars(length(min = 1))]
    reason: String,
}

/// What a failing condition means.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum OnError {
    /// A deny rule fires, an allow rule does not match.
    Deny,
    /// The rule does not match.
    Ignore,
}

/// Whether the rule is enforced.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Enforcement {
    /// It is enforced.
    Enforce,
    /// It is only evaluated and reported.
    Shadow,
}

/// The response in place of the service's.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Reply {
    /// HTTP status. Default: 403.
    #[schemars(range(min = 400, max = 599), example = 403)]
    status: Option<u16>,
    /// gRPC status, for gRPC requests. Default: the one that corresponds to the HTTP status.
    grpc_status: Option<GrpcStatus>,
    /// Text for the caller.
    #[schemars(length(max = 1024), example = &"only checkout may charge")]
    message: Option<String>,
}

/// The fields that must be present.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Require {
    List(FieldNames),
    Reply(RequireFields),
}

/// Names of fields.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct FieldNames(#[schemars(length(min = 1))] Vec<String>);

/// The fields that must be present, and the response if one is missing.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct RequireFields {
    /// The fields.
    fields: FieldNames,
    /// HTTP status. Default: 403.
    #[schemars(range(min = 400, max = 599), example = 403)]
    status: Option<u16>,
    /// gRPC status, for gRPC requests. Default: the one that corresponds to the HTTP status.
    grpc_status: Option<GrpcStatus>,
    /// Text for the caller.
    #[schemars(length(max = 1024))]
    message: Option<String>,
}

/// The fields that are removed: by name, or all of some kinds of data.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Redact {
    List(FieldNames),
    Choice(FieldChoice),
}

/// Fields by name, by the kind of data that they hold, or both.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["fields"]}, {"required": ["classification"]}]))]
struct FieldChoice {
    /// Fields by name.
    fields: Option<FieldNames>,
    /// All fields of these kinds of data.
    classification: Option<Classes>,
}

/// One kind of data, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Classes {
    One(Classification),
    Several(#[schemars(length(min = 1))] Vec<Classification>),
}

/// Which fields, and what replaces their values: `keepLast` or `with`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{"required": ["fields"]}, {"required": ["classification"]}],
    "oneOf" = [{"required": ["keepLast"]}, {"required": ["with"]}],
))]
struct Mask {
    /// Fields by name.
    fields: Option<FieldNames>,
    /// All fields of these kinds of data.
    classification: Option<Classes>,
    /// How many characters stay at the end; the others become `*`.
    #[schemars(range(min = 0, max = 64), example = 4)]
    keep_last: Option<u16>,
    /// What replaces a value.
    with: Option<MaskWith>,
}

/// What replaces a value.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum MaskWith {
    /// A hash of it: whoever guesses a value can check the guess.
    Hash,
    /// A pseudonym, the same in a domain for the same value; needs a secret in the proxies.
    Pseudonym,
}
