//! Packing: turns the model and the programs into what proxies load: tables, artifacts, slices, and the manifests
//! around them.

pub mod artifact;
pub mod budget;
pub mod emit;
pub mod slice;
