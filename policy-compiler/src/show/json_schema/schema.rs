//! The shape of `ContextSchema` documents.
#![allow(dead_code, reason = "the types describe a shape; no values of them are created")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    common::{ApiVersion, Classification, Duration, Name},
    shape,
};

#[derive(JsonSchema)]
#[schemars(inline)]
enum Kind {
    ContextSchema,
}

/// Fields that a context may have, and who owns them.
#[derive(JsonSchema)]
#[schemars(title = "ContextSchema", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: ApiVersion,
    /// What the document is.
    kind: Kind,
    metadata: SchemaMetadata,
    spec: SchemaSpec,
}

/// Name, owner and version of the schema.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SchemaMetadata {
    /// Name of the schema.
    #[schemars(example = &"commerce")]
    name: Name,
    /// The domain that owns the fields. Without it, the enterprise owns them.
    #[schemars(example = &"shop")]
    domain: Option<Name>,
    /// Semantic version of the schema.
    #[schemars(
        regex(pattern = "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$"),
        example = &"1.2.0"
    )]
    version: Option<String>,
    /// For people and other tools.
    labels: Option<BTreeMap<String, String>>,
    /// For people and other tools.
    annotations: Option<BTreeMap<String, String>>,
}

/// The fields.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SchemaSpec {
    /// The fields by name. A name has letters, digits and `_`, so that expressions can use it: `context.tenant_id`.
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"}))]
    fields: BTreeMap<String, Field>,
}

/// A field of the context.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Field {
    /// The type of its values: `string`, `int`, `double`, `bool`, `json`, `list<...>` or `map<string, ...>`.
    #[schemars(schema_with = "field_type")]
    r#type: String,
    /// Whether a context without it is invalid. Default: false.
    required: Option<bool>,
    /// A regular expression for the whole string, or for each string of a list or map.
    #[schemars(extend("examples" = ["tenant_[a-z0-9_]+"]))]
    pattern: Option<shape::Scalar>,
    /// The valid values.
    #[schemars(extend("examples" = [["prod", "staging"]]))]
    r#enum: Option<shape::Scalars>,
    /// Longest value, in bytes of its JSON text.
    #[schemars(range(min = 1, max = 32_768))]
    max_bytes: Option<u32>,
    /// Smallest valid number.
    minimum: Option<f64>,
    /// Largest valid number.
    maximum: Option<f64>,
    /// Most elements of a list, or members of a map.
    #[schemars(range(min = 1, max = 32_768))]
    max_items: Option<u32>,
    /// How long the value is valid after its context was made.
    ttl: Option<Duration>,
    /// What happens when two sources disagree about it. Default: `session`.
    consistency: Option<Consistency>,
    /// The regions to which it may be sent. Default: any.
    #[schemars(length(min = 1), extend("examples" = [["eu-west-1"]]))]
    residency: Option<Vec<Name>>,
    /// The services whose applications are a source of it. Without one, a protected field counts only if it came with
    /// the request.
    origin: Option<Vec<Name>>,
    /// Whether applications cannot change it. Default: false.
    immutable: Option<bool>,
    /// What happens when an application sends it too. Default: `replace`.
    merge: Option<Merge>,
    /// The header that shows it to applications, and from which it is read.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,256}$"), example = &"x-tenant-id")]
    header: Option<String>,
    /// Its key in `baggage`, under which it is read and shown: a key other than its name, or `false` for none. Default:
    /// its name.
    baggage: Option<Baggage>,
    /// What kind of data it holds. Default: none of them.
    classification: Option<Classification>,
    /// A text for people.
    description: Option<String>,
}

fn field_type(_: &mut SchemaGenerator) -> Schema {
    const TYPES: [&str; 5] = ["string", "int", "double", "bool", "json"];
    let lists = TYPES.map(|name| format!("list<{name}>"));
    let maps = TYPES.map(|name| format!("map<string, {name}>"));
    let all: Vec<String> = TYPES.map(str::to_owned).into_iter().chain(lists).chain(maps).collect();
    let one = TYPES.join("|");
    json_schema!({
        "type": "string",
        // The list is for completion in editors; people may write spaces.
        "anyOf": [
            {"enum": all},
            {"pattern": format!("^ *({one}|list *< *({one}) *>|map *< *string *, *({one}) *>) *$")},
        ],
    })
}

/// What happens when an application sends the field too.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Merge {
    /// Its value is used.
    Replace,
    /// Its value is dropped.
    Keep,
    /// The elements of both lists are used.
    Union,
}

/// What happens when two sources disagree about the field.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Consistency {
    /// The field is invalid, because no source is known to be right.
    Strong,
    /// The source that takes precedence wins, and the disagreement is counted.
    Session,
    /// The source that takes precedence wins: values may differ for a while.
    Eventual,
}

/// How a field is shown in `baggage`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Baggage {
    Shown(bool),
    Key(#[schemars(regex(pattern = "^[A-Za-z0-9!#$&'*+.^_`|~-]{1,128}$"), example = &"session.id")] String),
}
