//! CEL: from the text of an expression to checked trees, to a small intermediate form, to bytecode.

pub mod cel;
pub mod codegen;
pub mod ir;
