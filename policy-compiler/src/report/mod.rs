//! Reporting: sources with places, findings, similar names, colours, progress.

pub mod diagnostic;
pub mod explanation;
pub mod near;
pub mod progress;
pub mod sarif;
pub mod source;
pub mod style;
