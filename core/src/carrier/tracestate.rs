//! W3C `tracestate`.

/// The name of the header.
pub const NAME: &str = "tracestate";
