//! JSON Schemas (draft 07) of the documents, for editors that complete and check while people write.
//!
//! [`crate::read::document`] reads the documents; it finds all mistakes at once and points at each. The types here
//! describe the same shape a second time, and nothing else uses them. Tests compare the two, key by key. A schema knows
//! less than the compiler: only `policyc check` can check what depends on other documents (fields, services, types of
//! expressions).
//!
//! Editors support draft 07 best: the language servers for YAML support newer drafts only in part.

mod common;
mod mesh;
mod policy;
mod policy_test;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Mesh`
    Mesh,
    /// `ContextSchema`
    ContextSchema,
    /// `ContextPolicy`
    ContextPolicy,
    /// `PolicyTest`
    PolicyTest,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Mesh, Self::ContextSchema, Self::ContextPolicy, Self::PolicyTest];

    /// Returns the value of `kind` in documents of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mesh => "Mesh",
            Self::ContextSchema => "ContextSchema",
            Self::ContextPolicy => "ContextPolicy",
            Self::PolicyTest => "PolicyTest",
        }
    }
}

/// Returns the schema of the documents of one kind.
pub fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Mesh => schema_for::<mesh::Document>(),
        Kind::ContextSchema => schema_for::<schema::Document>(),
        Kind::ContextPolicy => schema_for::<policy::Document>(),
        Kind::PolicyTest => schema_for::<policy_test::Document>(),
    }
}

/// Returns the schema of the documents of all kinds. `kind` selects the one that applies.
pub fn of_all_kinds() -> Value {
    let mut definitions = Map::new();
    let mut branches = Vec::new();
    for kind in Kind::ALL {
        let Value::Object(mut root) = of_kind(kind) else { continue };
        root.shift_remove("$schema");
        if let Some(Value::Object(shared)) = root.shift_remove("definitions") {
            definitions.extend(shared);
        }
        definitions.insert(kind.as_str().to_owned(), root.into());
        branches.push(json!({
            "if": {"properties": {"kind": {"const": kind.as_str()}}, "required": ["kind"]},
            "then": {"$ref": format!("#/definitions/{}", kind.as_str())},
        }));
    }
    json!({
        "$schema": DRAFT,
        "title": "Context Mesh",
        "description": "A document of a policy tree.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": common::API_VERSION, "description": "The version of the document's format."},
            "kind": {
                "enum": Kind::ALL.map(Kind::as_str),
                "description": "What the document is: the Mesh, fields, rules, or tests of rules.",
            },
        },
        "allOf": branches,
        "definitions": definitions,
    })
}

/// Formats a schema as stored in a file.
pub fn to_text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

fn schema_for<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with_transform(shape::Tidy);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
