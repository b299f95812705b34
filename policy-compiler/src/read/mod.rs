//! Sources become documents: YAML with places, then documents with types.

pub mod document;
pub mod yaml;
