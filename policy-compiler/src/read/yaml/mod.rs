//! YAML: text becomes a tree of nodes with places.
//!
//! Built on the events of `granit-parser` rather than on serde. Serde stops at the first error of a document and does
//! not keep how a scalar was written, which is needed to point into a CEL expression.
//!
//! Supports what policy files need: mappings with string keys, sequences, scalars, anchors, aliases, merge keys, several
//! documents. Tags are rejected with a diagnostic, and the number of values that aliases may add is limited, so that a
//! small file cannot become a large tree.

mod format;
mod node;
mod parse;
mod scalar_text;

pub use format::Left;
pub(crate) use format::format;
pub use granit_parser::ScalarStyle;
pub use node::{Node, Scalar, Value};
pub use parse::parse;
pub use scalar_text::ScalarText;
