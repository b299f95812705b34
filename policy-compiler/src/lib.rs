//! The policy compiler: from YAML documents with CEL expressions to the artifact that the filter loads.
//!
//! ```text
//! sources -> documents -> model -> programs -> tables -> artifact
//! ```
//!
//! Each stage is a module with its own types, and what a later stage holds cannot be invalid. No stage stops
//! at its first error: [`compile`] reports everything that it finds in one run.
//!
//! The library takes sources as values and does no I/O; reading and writing files is the work of the binary
//! `policyc`. So it runs in a browser as well.

pub mod analysis;
mod artifact;
pub mod cel;
pub mod codegen;
pub mod diagnostic;
pub mod document;
pub mod emit;
pub mod inspect;
pub mod ir;
pub mod model;
mod near;
pub mod programs;
pub mod source;
pub mod yaml;

use context_mesh_core::artifact::tables::Tables;

use diagnostic::Diagnostics;
use source::Sources;

/// A tree that was compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// What the artifact says.
    pub tables: Tables,
    /// Names of the services that the mesh calls gateways.
    pub gateways: Vec<String>,
    /// The bytes that the filter loads.
    pub artifact: Vec<u8>,
    /// The digest of the artifact, in hex.
    pub digest: String,
    /// Findings that did not stand in the way.
    pub warnings: Diagnostics,
}

/// Compiles a tree.
///
/// # Errors
/// Everything that is wrong with the sources, sorted by place.
pub fn compile(sources: &Sources) -> Result<Compiled, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let documents = document::read(sources, &mut diagnostics);
    let model = model::check(documents, sources, &mut diagnostics);
    let programs = programs::compile(&model, &mut diagnostics);
    analysis::check(&model, &programs, &mut diagnostics);
    if diagnostics.has_errors() {
        diagnostics.sort();
        return Err(diagnostics);
    }
    let tables = artifact::tables(&model, programs, sources);
    let built = artifact::bytes(&tables, &mut diagnostics);
    diagnostics.sort();
    match built {
        Some((artifact, digest)) => {
            Ok(Compiled { tables, gateways: model.directory.gateways, artifact, digest, warnings: diagnostics })
        }
        None => Err(diagnostics),
    }
}
