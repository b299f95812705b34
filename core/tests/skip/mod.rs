//! What a test does where something is missing that it needs. Shared by the tests of several crates.

/// Variable of the environment under which nothing is skipped: what is missing fails the test. CI sets it.
pub(crate) const SKIP_NOTHING: &str = "CONTEXT_MESH_SKIP_NOTHING";

/// Says that a test was skipped, and why.
///
/// # Panics
/// Where nothing may be skipped.
pub(crate) fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os(SKIP_NOTHING).is_none(), "{what}: {reason}, and {SKIP_NOTHING} is set");
    eprintln!("skipped: {what} ({reason})");
}
