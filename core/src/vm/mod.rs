//! The virtual machine that runs conditions.
//!
//! [`op`] is the instruction set, [`Value`] is a value on the stack, and [`Machine`] runs verified programs against one
//! immutable [`Snapshot`] of a request. Time, randomness and the network are not accessible from here.

mod attribute;
pub(crate) mod clauses;
#[cfg(test)]
mod clauses_tests;
mod collection;
mod compare;
pub mod cost;
mod cursor;
mod env;
mod error;
mod from_json;
pub mod function;
pub(crate) mod fuse;
mod library;
mod locals;
#[cfg(test)]
mod locals_tests;
mod machine;
mod member;
mod metadata;
mod numeric;
pub mod op;
mod operator;
pub(crate) mod pairs;
mod parsed;
mod program;
#[cfg(test)]
mod random_tests;
mod scratch;
mod select;
mod snapshot;
#[cfg(test)]
mod tests;
mod to_json;
mod value;

pub use crate::destination::Destination;
pub use crate::identity::Peer;
pub use error::{EvalError, EvalErrorKind};
pub(crate) use library::convert::exact_i64;
pub use machine::Machine;
pub use metadata::number_text as metadata_number_text;
pub use program::Program;
pub use scratch::Scratch;
pub use snapshot::{MeshView, Snapshot};
pub use value::{Parsed, Timestamp, Value};
