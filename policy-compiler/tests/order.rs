//! The layers of the crate: no module uses one above it.

#[path = "../../core/tests/layers/mod.rs"]
mod layers;

use std::path::Path;

/// From the bottom to the top. Modules of one line do not use each other.
const ORDER: &[&[&str]] = &[
    &["source", "near", "progress", "style"],
    &["cel"],
    &["diagnostic"],
    &["ir", "yaml"],
    &["codegen", "document"],
    &["simulate"],
    &["model"],
    &["data_flow", "lock"],
    &["programs"],
    &["artifact", "analysis", "inspect"],
    &["slice", "compatibility", "explain", "emit", "graph", "json_schema"],
    &["budget", "eval", "routes", "testing"],
    &["diff"],
    &["cli"],
];

#[test]
fn no_module_uses_one_above_it() {
    layers::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), ORDER);
}
