//! Code that the fuzz targets share. `docs/fuzzing.md` describes each target and how to run it.

pub mod artifact;
pub mod differential;
pub mod header_map;
pub mod machine;
pub mod parse;
pub mod programs;
pub mod request;
pub mod tables;
pub mod text;
