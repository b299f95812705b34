//! Loads compiled programs as the filter does: through the bytes of an artifact and its verification.

use std::fmt;

use context_mesh_core::artifact::tables::{MeshTable, ProgramTable, Tables};
use context_mesh_core::artifact::{EncodeError, LoadError, VerifiedProgram, encode, load};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::vm::{Destination, Machine, MeshView, Peer, Snapshot, Value};

/// Loads what a [`Builder`](super::Builder) collected: programs with their pools, and regexes.
///
/// # Errors
/// The programs exceed a limit of the artifact's format.
pub fn load_programs((program, regexes): (ProgramTable, Vec<Vec<u8>>)) -> Result<VerifiedProgram, PackError> {
    let mesh = MeshTable::of_programs();
    Ok(load(&encode(&Tables { mesh, program, regexes, ..Tables::default() })?)?)
}

/// Runs a program that reads nothing of a request, and returns what `read` makes of its value.
pub fn run_alone<R>(verified: &VerifiedProgram, program: ProgramIndex, read: impl FnOnce(Value<'_>) -> R) -> R {
    let snapshot = Snapshot {
        headers: &Headers::default(),
        context: &Context::new(),
        peer: &Peer::default(),
        mesh: MeshView::default(),
        destination: Destination::default(),
        attributes: &|_: &[&str]| None,
    };
    // The machine's arena, whose type is private to it.
    let arena = Default::default();
    read(Machine::new(verified.code(), snapshot, &arena).run(program))
}

/// Why tables cannot become an artifact that loads.
#[derive(Debug, Clone, PartialEq)]
pub enum PackError {
    /// A limit of the format.
    Encode(EncodeError),
    /// The error that a filter would report.
    Load(LoadError),
}

impl From<EncodeError> for PackError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<LoadError> for PackError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Load(error) => write!(f, "the artifact that was built does not load: {error}"),
        }
    }
}

impl std::error::Error for PackError {}
