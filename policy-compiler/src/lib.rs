//! wip
pub mod cel;
pub mod codegen;
pub mod diagnostic;
pub mod document;
mod ir;
pub mod model;
mod near;
pub mod source;
pub mod yaml;
