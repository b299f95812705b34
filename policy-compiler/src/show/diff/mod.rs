//! What changed between two versions of the policies, and which recorded requests are decided differently.

mod aspects;
mod changes;
mod code;
mod impact;
pub mod json;
pub mod text;

use context_mesh_core::artifact::{Decoded, LoadError, load, tables::Tables};

use crate::{
    check::model::{Model, World},
    compile::Compiled,
};

pub use changes::{Change, Kind, What, changes};
pub use impact::{Decision, Difference, Impact, impact};

/// One version of the policies: a tree that compiled, or an artifact.
#[derive(Debug)]
pub struct Version {
    artifact: Vec<u8>,
    /// The decoded tables, with the instructions.
    tables: Tables,
    /// Names of the gateways; an artifact does not say them.
    gateways: Vec<String>,
    /// For each rule of a tree, in the order of the artifact, its expressions.
    expressions: Option<Vec<Expressions>>,
}

/// The expressions of a rule as they stand in its source, with the variables that they use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Expressions {
    condition: Option<String>,
    values: Vec<(String, String)>,
}

impl Version {
    /// A tree that compiled.
    pub fn of_tree(compiled: Compiled, model: &Model) -> Self {
        let expressions = Some(aspects::expressions(&compiled.tables, model));
        let Compiled { tables, gateways, artifact, .. } = compiled;
        Self { artifact, tables, gateways, expressions }
    }

    /// An artifact.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_artifact(bytes: Vec<u8>) -> Result<Self, LoadError> {
        // Loaded as a filter loads it; the decoded tables are then known to be sound and still hold the code.
        load(&bytes)?;
        let tables = Decoded::decode(&bytes)?.tables;
        Ok(Self { artifact: bytes, tables, gateways: Vec::new(), expressions: None })
    }

    /// What recorded requests can speak of: everything that one of the versions has, with the identities of the first.
    pub fn world<'w>(&'w self, other: &'w Self) -> World<'w> {
        World::new(&self.tables, &self.gateways).and(World::new(&other.tables, &other.gateways))
    }
}
