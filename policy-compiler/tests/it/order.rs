//! Checks the layers of the crate: no module uses one above it.

#[path = "../../../core/tests/layers/mod.rs"]
mod layers;

use std::path::Path;

/// The folders, from the bottom to the top. Those on one line do not use each other.
const FOLDERS: &[&[&str]] = &[
    &["report"],
    &["expression"],
    &["read"],
    &["check"],
    &["pack"],
    &["compile"],
    &["run", "routes", "status"],
    &["import"],
    &["show"],
    &["cli"],
];

/// The modules of each folder, in the same way.
const MODULES: &[(&str, &[&[&str]])] = &[
    ("report", &[&["source", "near", "progress", "style"], &["diagnostic"], &["explanation"], &["sarif"]]),
    ("expression", &[&["cel"], &["ir"], &["codegen"]]),
    ("read", &[&["yaml"], &["document", "foreign"]]),
    (
        "check",
        &[&["model"], &["data_flow", "expiry", "lock", "compatibility", "silence"], &["programs"], &["analysis"]],
    ),
    ("pack", &[&["artifact", "slice", "emit"], &["budget"]]),
    ("run", &[&["truth"], &["recorded"], &["simulate", "explain"], &["replay"], &["eval"], &["testing"]]),
    ("import", &[&["istio"], &["select"], &["derive", "findings"], &["read"], &["convert"], &["shadow"]]),
    ("show", &[&["graph", "diff", "inspect", "json_schema"]]),
];

#[test]
fn no_module_uses_one_above_it() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    layers::check(&sources, "", FOLDERS);
    for (folder, order) in MODULES {
        layers::check(&sources, folder, order);
    }
}
