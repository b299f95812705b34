//! The policy compiler: from YAML documents with CEL expressions to the artifact that the filter loads.
//!
//! ```text
//! sources -> documents -> model -> programs -> tables -> artifact
//!            read         check                pack
//! ```
//!
//! Each folder is a stage, and no stage uses a later one. What a stage returns cannot be invalid for the next. No stage
//! stops at its first error: [`compile()`] reports everything that it finds in one run.
//!
//! The library takes sources as values and does no I/O; reading and writing files is the work of the binary
//! `policyc`. So it runs in a browser as well.

pub mod check;
mod compile;
pub mod expression;
pub mod pack;
pub mod read;
pub mod report;
pub mod routes;
pub mod run;
pub mod show;

pub use compile::{Checked, Compiled, Slice, SliceError, check_watched, compile, compile_watched, compile_with_model};
