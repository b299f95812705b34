//! One request, the same for every execution: what programs see of it.

use std::sync::LazyLock;

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::testing::{Request, pools};
use context_mesh_core::vm::{Machine, Snapshot};

/// The time of the request, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_800_000_000_000;

static REQUEST: LazyLock<Request<'static>> = LazyLock::new(pools::request);

/// What programs see of the request.
pub fn snapshot() -> Snapshot<'static> {
    REQUEST.snapshot(&pools::attribute)
}

/// A machine for the request.
pub fn with_machine<R>(verified: &VerifiedProgram, read: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    // The machine's arena, whose type is its own affair.
    let arena = Default::default();
    read(&mut Machine::new(verified.code(), snapshot(), &arena))
}
