//! Model and programs become what proxies load: tables, artifacts, slices of them, and the manifests around them.

pub mod artifact;
pub mod budget;
pub mod emit;
pub mod slice;
