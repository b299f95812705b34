//! The request of every execution, as programs see it.

use std::sync::LazyLock;

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::testing::{Request, pools};
use context_mesh_core::vm::{Machine, Snapshot};

/// The time of the request, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_800_000_000_000;

static REQUEST: LazyLock<Request<'static>> = LazyLock::new(pools::request);

/// Returns the request as programs see it.
pub fn snapshot() -> Snapshot<'static> {
    REQUEST.snapshot(&pools::attribute)
}

/// Calls `read` with a machine for the request.
pub fn with_machine<R>(verified: &VerifiedProgram, read: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    // The machine's arena, whose type is private to it.
    let arena = Default::default();
    read(&mut Machine::new(verified.code(), snapshot(), &arena))
}
