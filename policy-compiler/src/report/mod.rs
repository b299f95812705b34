//! What went wrong and how it is shown: sources with places, findings, near names, colours, progress.

pub mod diagnostic;
pub mod explanation;
pub mod near;
pub mod progress;
pub mod sarif;
pub mod source;
pub mod style;
