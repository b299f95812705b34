//! `policyc json-schema`

use clap::ValueEnum;
use policy_compiler::show::json_schema::{self, Kind};
use serde_json::Value;

use super::output::{Paint, Report};

pub(super) const EXAMPLE: &str = "Example:
  policyc json-schema > contextmesh.json";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The kind of documents. Without it, the schema is for all kinds.
    #[arg(value_enum)]
    kind: Option<KindName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    /// The settings, services and domains of the mesh.
    #[value(name = "Mesh", alias = "mesh")]
    Mesh,
    /// Fields.
    #[value(name = "ContextSchema", alias = "context-schema")]
    ContextSchema,
    /// Rules.
    #[value(name = "ContextPolicy", alias = "context-policy")]
    ContextPolicy,
    /// Tests of policies.
    #[value(name = "PolicyTest", alias = "policy-test")]
    PolicyTest,
}

/// Returns the schema for the arguments.
fn schema(arguments: &Arguments) -> Value {
    match arguments.kind {
        None => json_schema::of_all_kinds(),
        Some(KindName::Mesh) => json_schema::of_kind(Kind::Mesh),
        Some(KindName::ContextSchema) => json_schema::of_kind(Kind::ContextSchema),
        Some(KindName::ContextPolicy) => json_schema::of_kind(Kind::ContextPolicy),
        Some(KindName::PolicyTest) => json_schema::of_kind(Kind::PolicyTest),
    }
}

/// A schema.
struct Schema(Value);

impl Report for Schema {
    fn text(&self, _: Paint) -> String {
        json_schema::to_text(&self.0)
    }

    fn json(&self) -> Value {
        self.0.clone()
    }
}

pub(super) fn run(arguments: &Arguments) -> Box<dyn Report> {
    Box::new(Schema(schema(arguments)))
}
