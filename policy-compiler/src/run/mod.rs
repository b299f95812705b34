//! An artifact decides requests outside of a proxy: in tests of policies, and one request at a time, with its reasons.

pub mod eval;
pub mod explain;
pub mod simulate;
pub mod testing;
