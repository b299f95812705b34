//! Parts that documents of several kinds share.
#![allow(dead_code, reason = "the types describe a shape; no values of them are created")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::read::document::GRPC_NAMES;

pub(super) const API_VERSION: &str = "contextmesh.io/v1";

/// The version of the document's format.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) enum ApiVersion {
    #[schemars(rename = "contextmesh.io/v1")]
    V1,
}

/// Letters, digits, `-`, `_` and `.`; at most 253.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Name(#[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,253}$"))] String);

/// Name and owner of the document.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Metadata {
    /// Name of the document; with its domain, rules are named after it: `domain/document/rule`.
    #[schemars(example = &"payments-guard")]
    name: Name,
    /// The domain that owns the document. Without it, the enterprise owns it, and its rules come first.
    #[schemars(example = &"payments")]
    domain: Option<Name>,
    /// For people and other tools.
    labels: Option<BTreeMap<String, String>>,
    /// For people and other tools.
    annotations: Option<BTreeMap<String, String>>,
}

/// A number and a unit: `ms`, `s`, `m` or `h`.
pub(super) struct Duration;

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number and a unit: `ms`, `s`, `m` or `h`.",
            "examples": ["500ms", "60s", "5m", "2h"],
            "anyOf": [{"type": "string", "pattern": "^([0-9]+(ms|s|m|h)|0)$"}, {"const": 0}],
        })
    }
}

/// The status of a gRPC answer that refuses a request, by number or by name.
pub(super) struct GrpcStatus;

impl JsonSchema for GrpcStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GrpcStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = GRPC_NAMES.get(1..).unwrap_or_default();
        json_schema!({
            "description": "A gRPC status, by number or by name.",
            "examples": [7, "PERMISSION_DENIED"],
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": 16}, {"enum": names}],
        })
    }
}

/// A CEL expression.
pub(super) struct Expression;

impl JsonSchema for Expression {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            // `true` and `1` are expressions too, although they are not strings in YAML.
            "type": ["string", "boolean", "number"],
            "pattern": "[^ \t\r\n]",
            "description": "A CEL expression over `context.<field>`, `peer.*`, `mesh.*`, `destination.*`, `request.*`, \
                `source.*`, `connection.*`, `metadata` and `variables.<name>`.",
            "examples": ["peer.service != 'checkout-service'", "context.tenant_id.startsWith('tenant_')"],
        })
    }
}

/// What kind of data a field holds.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum Classification {
    /// For everyone.
    Public,
    /// For everyone in the enterprise.
    Internal,
    /// For those who need it.
    Confidential,
    /// Personal data.
    Pii,
    /// Personal health data.
    Phi,
    /// Financial data.
    Financial,
}
