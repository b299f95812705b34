//! Output about a tree or an artifact, for people and for tools: pictures, differences, listings, schemas.

pub mod diff;
pub mod graph;
pub mod inspect;
#[cfg(feature = "cli")]
pub mod json_schema;
