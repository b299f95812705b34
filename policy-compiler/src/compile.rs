//! The whole way: from sources to an artifact, with all findings of one run.

use std::fmt;

use context_mesh_core::artifact::tables::Tables;

use crate::{
    check::{
        analysis, compatibility, lock, model, programs,
        silence::{self, Silenced},
    },
    expression::codegen::Costs,
    pack::{
        artifact::{self, PackError},
        budget, slice,
    },
    read::document,
    report::{
        diagnostic::Diagnostics,
        near::UnknownName,
        progress::{self, Progress, Stage, Watcher},
        source::Sources,
    },
};

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
    /// Warnings that rules silence.
    pub silenced: Vec<Silenced>,
    /// What the programs cost at worst; see [`budget`].
    pub costs: Costs,
}

/// The artifact of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// What it says.
    pub tables: Tables,
    /// The bytes that the filter loads.
    pub artifact: Vec<u8>,
    /// The digest of the artifact, in hex.
    pub digest: String,
}

/// Why a slice cannot be made.
#[derive(Debug, Clone, PartialEq)]
pub enum SliceError {
    /// The mesh does not have the service.
    Unknown(UnknownName),
    /// BUG: the tables of the slice do not fit together.
    Broken,
    /// BUG: what fits as a whole does not fit in part.
    Pack(PackError),
}

impl From<UnknownName> for SliceError {
    fn from(unknown: UnknownName) -> Self {
        Self::Unknown(unknown)
    }
}

impl From<PackError> for SliceError {
    fn from(error: PackError) -> Self {
        Self::Pack(error)
    }
}

impl fmt::Display for SliceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(unknown) => unknown.fmt(f),
            Self::Broken => f.write_str("BUG: the tables of the slice do not fit together"),
            Self::Pack(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SliceError {}

impl Compiled {
    /// What one service needs of the artifact; see [`slice`](mod@slice).
    ///
    /// # Errors
    /// The mesh does not have the service.
    pub fn slice(&self, service: &str) -> Result<Slice, SliceError> {
        self.find_service(service)?;
        let tables = slice::slice(&self.tables, service).ok_or(SliceError::Broken)?;
        let (artifact, digest) = artifact::load_bytes(&tables)?;
        Ok(Slice { tables, artifact, digest })
    }

    /// Says that the mesh has the service.
    ///
    /// # Errors
    /// The mesh does not have it. The message suggests a near name, or lists a few.
    pub fn find_service(&self, service: &str) -> Result<(), UnknownName> {
        let mut names = self.tables.services.iter().map(|known| known.name.as_str());
        if names.any(|known| known == service) {
            return Ok(());
        }
        let names = self.tables.services.iter().map(|known| known.name.as_str());
        Err(UnknownName::new("the mesh has no service", service, names))
    }
}

/// Compiles a tree.
///
/// # Errors
/// Everything that is wrong with the sources, sorted by place.
pub fn compile(sources: &Sources) -> Result<Compiled, Diagnostics> {
    compile_with_model(sources).map(|(compiled, _)| compiled)
}

/// As [`compile`], and gives with the artifact what it was made from: policies with their places, and tests.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_model(sources: &Sources) -> Result<(Compiled, model::Model), Diagnostics> {
    compile_watched(sources, &mut progress::nobody)
}

/// As [`compile_with_model`], and says how far it is.
///
/// # Errors
/// As [`compile`].
pub fn compile_watched(sources: &Sources, progress: &mut Watcher<'_>) -> Result<(Compiled, model::Model), Diagnostics> {
    let Checked { model, mut programs, lock, warnings: mut diagnostics, mut silenced } =
        check_watched(sources, progress)?;
    progress(Progress { stage: Stage::Packing, done: 0, total: 0 });
    let costs = std::mem::take(&mut programs.costs);
    let tables = artifact::tables(&model, programs, sources, &lock);
    budget::warn(&tables, &costs, &model, &mut diagnostics);
    let mut diagnostics = silence::apply(&model.silences, diagnostics, &mut silenced);
    silence::report_unused(&model.silences, &silenced, &mut diagnostics);
    let built = artifact::bytes(&tables, &mut diagnostics);
    diagnostics.sort();
    match built {
        Some((artifact, digest)) => {
            let gateways = model.directory.gateways.clone();
            Ok((Compiled { tables, gateways, artifact, digest, warnings: diagnostics, silenced, costs }, model))
        }
        None => Err(diagnostics),
    }
}

/// A tree without errors, before it is packed into an artifact: what [`analysis`] and [`graph`](crate::show::graph) ask.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What the documents say.
    pub model: model::Model,
    /// What the expressions compute.
    pub programs: programs::Programs,
    /// The words of the mesh and their numbers.
    pub lock: lock::Lock,
    /// Findings that did not stand in the way.
    pub warnings: Diagnostics,
    /// Warnings that rules silence.
    pub silenced: Vec<Silenced>,
}

/// Does everything that [`compile_watched`] does, but for packing the artifact.
///
/// # Errors
/// Everything that is wrong with the sources, sorted by place. What only shows when the artifact is packed (its size, and what
/// decisions cost) is not among it.
pub fn check_watched(sources: &Sources, progress: &mut Watcher<'_>) -> Result<Checked, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let documents = document::read(sources, &mut diagnostics, progress);
    progress(Progress { stage: Stage::Checking, done: 0, total: 0 });
    let model = model::check(documents, sources, &mut diagnostics);
    let lock = lock::read(sources, &mut diagnostics);
    compatibility::report_versions(&model.schemas, &mut diagnostics);
    let programs = programs::compile(&model, &mut diagnostics, progress);
    analysis::check(&model, &programs, &mut diagnostics);
    if diagnostics.has_errors() {
        diagnostics.sort();
        return Err(diagnostics);
    }
    diagnostics.sort();
    let mut silenced = Vec::new();
    let warnings = silence::apply(&model.silences, diagnostics, &mut silenced);
    Ok(Checked { model, programs, lock, warnings, silenced })
}
