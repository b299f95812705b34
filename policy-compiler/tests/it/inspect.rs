//! `policyc inspect --format json`.
//!
//! `tests/trees/shop/expected.json` is its output; `UPDATE_EXPECT=1` updates it.

use std::{fs, path::Path, process::Command};

use policy_compiler::show::inspect;
use serde_json::Value;

use crate::support::golden;

#[test]
fn the_document_says_what_the_artifact_says() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees/shop");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inspect-json.cmx");
    let mut build = Command::new(env!("CARGO_BIN_EXE_policyc"));
    let built = build.args(["build", "--revision", "1.4.0"]).arg(&tree).arg("-o").arg(&file).output();
    assert!(built.unwrap().status.success());
    let bytes = fs::read(&file).unwrap();
    let mut document = inspect::json(&bytes).unwrap();
    // The digest and the size change with every compression library.
    assert_eq!(document["bytes"], bytes.len());
    assert_eq!(document["digest"].as_str().unwrap().len(), 64);
    for key in ["digest", "bytes"] {
        document[key] = Value::Null;
    }
    let found = format!("{document:#}\n");
    golden::check(&tree.join("expected.json"), &found);
}
