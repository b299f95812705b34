//! The layers of the crate: no module uses a module of a higher layer.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "the test reads the sources")]

mod layers;

use std::path::Path;

/// From the bottom to the top. Modules in the same line do not use each other.
const ORDER: &[&[&str]] = &[
    &["limits", "names", "headers", "host", "index", "percent", "sort"],
    &["address"],
    &["context"],
    &["tables"],
    &["cause"],
    &["number", "identity", "fuel", "mask"],
    &["destination"],
    &["carrier"],
    &["schema", "vm", "trace", "memory"],
    &["artifact", "alias"],
    &["decide"],
    &["pipeline"],
    &["sampling", "plugin_config", "info"],
    &["testing"],
];

#[test]
fn no_module_uses_one_above_it() {
    layers::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", ORDER);
}
