//! YAML: text becomes a tree of nodes that know where they stand.
//!
//! Built on the events of `granit-parser` and not on serde: serde stops at the first error of a document and
//! forgets how a scalar was written, which is needed to point into a CEL expression.
//!
//! Supported is what policy files need: mappings with string keys, sequences, scalars, several documents.
//! Anchors, aliases, merge keys and tags are refused with a diagnostic, so that what a reviewer reads is what
//! is compiled, and so that a small file cannot become a large tree.

mod node;
mod parse;
mod scalar_text;

pub use granit_parser::ScalarStyle;
pub use node::{Node, Scalar, Value};
pub use parse::parse;
pub use scalar_text::ScalarText;
