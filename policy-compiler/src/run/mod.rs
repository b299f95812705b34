//! Runs an artifact outside of a proxy: for policy tests, and to explain single requests.

pub mod eval;
pub mod explain;
pub mod recorded;
pub mod replay;
pub mod simulate;
pub mod testing;
pub mod truth;
