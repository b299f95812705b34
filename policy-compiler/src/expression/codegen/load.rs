//! What was compiled, as the filter has it: through the bytes of an artifact and its verification.

use context_mesh_core::artifact::tables::{MeshTable, ProgramTable, Tables};
use context_mesh_core::artifact::{VerifiedProgram, encode, load};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::vm::{Destination, Machine, MeshView, Peer, Snapshot, Value};

/// Loads what a [`Builder`](super::Builder) collected: programs with their pools, and regexes.
///
/// # Errors
/// The programs exceed a limit of the artifact's format; the text says which.
pub fn load_programs((program, regexes): (ProgramTable, Vec<Vec<u8>>)) -> Result<VerifiedProgram, String> {
    let mesh = MeshTable::of_programs();
    let bytes = encode(&Tables { mesh, program, regexes, ..Tables::default() }).map_err(|error| error.to_string())?;
    load(&bytes).map_err(|error| error.to_string())
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
    // The machine's arena, whose type is its own affair.
    let arena = Default::default();
    read(Machine::new(verified.code(), snapshot, &arena).run(program))
}
