//! Reading: sources become YAML nodes with places, then typed documents.

pub mod document;
pub(crate) mod foreign;
pub mod yaml;
