//! Skips tests whose requirements are missing. Shared by the tests of several crates.

/// Environment variable with which nothing is skipped: a missing requirement then fails the test. CI sets it.
pub(crate) const SKIP_NOTHING: &str = "CONTEXT_MESH_SKIP_NOTHING";

/// Reports that a test was skipped, and why.
///
/// # Panics
/// If nothing may be skipped.
pub(crate) fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os(SKIP_NOTHING).is_none(), "{what}: {reason}, and {SKIP_NOTHING} is set");
    eprintln!("skipped: {what} ({reason})");
}
