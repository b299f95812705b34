//! Why conditions come out as they do: every part of a condition, with its place in the text and its value.
//!
//! The parts are compiled as programs of an artifact of their own, which is encoded, loaded and verified like any other.
//! The same machine runs them under the snapshot that the rules saw. So a part has the value that it has in the filter.
//! The operands of `&&`, `||`, `!` and `?:` are parts; the body of a macro is not taken apart.

mod build;
mod parts;
mod record;

use context_mesh_core::artifact::{VerifiedProgram, encode, load, tables::Tables};

use crate::{codegen::Builder, model::Model};

pub use parts::{Kind, Part, Read};
pub use record::{PartValue, ReadValue, Recorder, RuleRun, Seen};

/// The parts of all conditions of a tree.
#[derive(Debug)]
pub struct Explainer {
    program: VerifiedProgram,
    /// In the order of the artifact's rules.
    rules: Vec<RuleParts>,
}

/// The parts of one rule.
#[derive(Debug, Clone, Default)]
pub struct RuleParts {
    /// Those of its condition; `None` for a rule without one.
    pub condition: Option<Part>,
    /// The fields that it sets, with their values.
    pub values: Vec<(String, Part)>,
}

impl Explainer {
    /// Compiles the parts of all rules of a tree that compiled to these tables.
    ///
    /// # Errors
    /// The parts exceed a limit of the artifact's format, which a tree of many thousand rules can.
    pub fn new(model: &Model, tables: &Tables) -> Result<Self, String> {
        let (builder, mut by_name) = build::all(model);
        let rules = tables.rules.iter().map(|rule| by_name.remove(rule.name.as_str()).unwrap_or_default()).collect();
        Ok(Self { program: verified(builder, tables)?, rules })
    }

    /// The parts of each rule, in the order of the artifact's rules.
    pub fn rules(&self) -> &[RuleParts] {
        &self.rules
    }
}

fn verified(builder: Builder, tables: &Tables) -> Result<VerifiedProgram, String> {
    let (program, regexes) = builder.finish_as_it_is();
    let parts = Tables { mesh: tables.mesh.clone(), program, regexes, ..Tables::default() };
    let bytes = encode(&parts).map_err(|error| error.to_string())?;
    load(&bytes).map_err(|error| error.to_string())
}
