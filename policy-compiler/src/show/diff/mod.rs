//! Differences between two versions of the policies: what changed, and which recorded requests are decided differently.

mod aspects;
mod changes;
mod code;
mod impact;
pub mod json;
mod partial;
pub mod text;
mod unchanged;
mod undecided;

use context_mesh_core::artifact::{Decoded, LoadError, load, tables::Tables};

use crate::{
    check::model::{Model, World},
    compile::Compiled,
};

pub use changes::{Change, Kind, What, changes};
pub use impact::{Decision, Difference, Impact, Undecided, Why, impact};

/// A version of the policies: a compiled tree, or an artifact.
#[derive(Debug)]
pub struct Version {
    artifact: Vec<u8>,
    /// The decoded tables, with the instructions.
    tables: Tables,
    /// Names of the gateways. An artifact does not contain them.
    gateways: Vec<String>,
    /// The expressions of each rule of a tree, in the order of the artifact.
    expressions: Option<Vec<Expressions>>,
}

/// The expressions of a rule as in its source, with the variables that they use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Expressions {
    condition: Option<String>,
    values: Vec<(String, String)>,
}

impl Version {
    /// Creates a version from a compiled tree.
    pub fn of_tree(compiled: Compiled, model: &Model) -> Self {
        let expressions = Some(aspects::expressions(&compiled.tables, model));
        let Compiled { tables, gateways, artifact, .. } = compiled;
        Self { artifact, tables, gateways, expressions }
    }

    /// Creates a version from an artifact.
    ///
    /// # Errors
    /// What is wrong with the artifact.
    pub fn of_artifact(bytes: Vec<u8>) -> Result<Self, LoadError> {
        // Loading it as a filter does proves that the decoded tables are sound. Those still have the code.
        load(&bytes)?;
        let tables = Decoded::decode(&bytes)?.tables;
        Ok(Self { artifact: bytes, tables, gateways: Vec::new(), expressions: None })
    }

    /// Returns the names that recorded requests can use: everything that one of the versions has, with the identities
    /// of the first.
    pub fn world<'w>(&'w self, other: &'w Self) -> World<'w> {
        World::new(&self.tables, &self.gateways).and(World::new(&other.tables, &other.gateways))
    }
}
