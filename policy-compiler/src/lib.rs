//! The policy compiler: from YAML documents with CEL expressions to the artifact that the filter loads.
//!
//! Each folder is a stage, and no stage uses a later one; `ARCHITECTURE.md`, "The path of a policy", draws them. The
//! output of a stage is always valid input for the next. No stage stops at its first error: [`compile()`] reports
//! everything that it finds in one run.
//!
//! The library takes sources as values and does no I/O, so it also runs in a browser. The binary `policyc` reads and
//! writes the files.

pub mod check;
mod compile;
pub mod expression;
pub mod import;
pub mod pack;
pub mod read;
pub mod report;
pub mod routes;
pub mod run;
pub mod show;
pub mod status;

pub use compile::{Checked, Compiled, Slice, SliceError, check_watched, compile, compile_watched, compile_with_model};
