//! Compiles sources to an artifact and collects every finding of the run.

use std::fmt;

use context_mesh_core::artifact::tables::Tables;

use crate::{
    check::{
        analysis, compatibility, expiry, lock, model, programs,
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

/// A compiled tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The tables of the artifact.
    pub tables: Tables,
    /// Names of the services that the mesh calls gateways.
    pub gateways: Vec<String>,
    /// The encoded artifact, as the filter loads it.
    pub artifact: Vec<u8>,
    /// The digest of the artifact, in hex.
    pub digest: String,
    /// Warnings; none of them prevents an artifact.
    pub warnings: Diagnostics,
    /// Warnings that the tree silences.
    pub silenced: Vec<Silenced>,
    /// The worst-case cost of the programs; see [`budget`].
    pub costs: Costs,
}

/// The artifact of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The tables of the slice.
    pub tables: Tables,
    /// The encoded artifact, as the filter loads it.
    pub artifact: Vec<u8>,
    /// The digest of the artifact, in hex.
    pub digest: String,
}

/// Why a slice cannot be made.
#[derive(Debug, Clone, PartialEq)]
pub enum SliceError {
    /// The mesh has no such service.
    Unknown(UnknownName),
    /// BUG: the tables of the slice contradict each other.
    Broken,
    /// BUG: the whole artifact is within the limits of the format, but the slice is not.
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
    /// Returns the part of the artifact that one service needs; see [`slice`](mod@slice).
    ///
    /// # Errors
    /// The mesh has no such service.
    pub fn slice(&self, service: &str) -> Result<Slice, SliceError> {
        self.find_service(service)?;
        let tables = slice::slice(&self.tables, service).ok_or(SliceError::Broken)?;
        let (artifact, digest) = artifact::load_bytes(&tables)?;
        Ok(Slice { tables, artifact, digest })
    }

    /// Checks that the mesh has the service.
    ///
    /// # Errors
    /// The mesh has no such service. The message suggests a similar name, or lists a few.
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

/// Like [`compile`], but also returns the model, with the places of the policies and the tests.
///
/// # Errors
/// As for [`compile`].
pub fn compile_with_model(sources: &Sources) -> Result<(Compiled, model::Model), Diagnostics> {
    compile_watched(sources, &mut progress::nobody)
}

/// Like [`compile_with_model`], but also reports progress.
///
/// # Errors
/// As for [`compile`].
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

/// A tree without errors, before it is packed into an artifact. [`analysis`] and [`graph`](crate::show::graph) work on
/// it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The content of the documents.
    pub model: model::Model,
    /// The compiled expressions.
    pub programs: programs::Programs,
    /// The words of the mesh and their numbers.
    pub lock: lock::Lock,
    /// Warnings; none of them prevents an artifact.
    pub warnings: Diagnostics,
    /// Warnings that the tree silences.
    pub silenced: Vec<Silenced>,
}

/// Does what [`compile_watched`] does, except that it does not pack the artifact.
///
/// # Errors
/// Everything that is wrong with the sources, sorted by place. Problems that appear only when the artifact is
/// packed (its size, the cost of decisions) are not included.
pub fn check_watched(sources: &Sources, progress: &mut Watcher<'_>) -> Result<Checked, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let documents = document::read(sources, &mut diagnostics, progress);
    progress(Progress { stage: Stage::Checking, done: 0, total: 0 });
    let model = model::check(documents, sources, &mut diagnostics);
    let lock = lock::read(sources, &mut diagnostics);
    compatibility::report_versions(&model.schemas, &mut diagnostics);
    let programs = programs::compile(&model, &mut diagnostics, progress);
    analysis::check(&model, &programs, &mut diagnostics);
    if let Some(today) = sources.today() {
        expiry::report(&model, today, &mut diagnostics);
    }
    if diagnostics.has_errors() {
        diagnostics.sort();
        return Err(diagnostics);
    }
    diagnostics.sort();
    let mut silenced = Vec::new();
    let warnings = silence::apply(&model.silences, diagnostics, &mut silenced);
    Ok(Checked { model, programs, lock, warnings, silenced })
}
