//! `policyc fmt`

use std::fs;

use super::{policyc, scratch, text};

const WRONG: &str = "kind: Mesh\napiVersion: contextmesh.io/v1 # ours\nmetadata: {name: m}\nspec:\n    domains: {}\n    trustDomain: a.b\n";
const RIGHT: &str =
    "apiVersion: contextmesh.io/v1 # ours\nkind: Mesh\nmetadata: {name: m}\nspec:\n  trustDomain: a.b\n  domains: {}\n";

#[test]
fn files_are_written_once_and_checked_without() {
    let folder = scratch("fmt");
    let file = folder.join("mesh.yaml");
    fs::write(&file, WRONG).unwrap();
    fs::write(folder.join("anchors.yaml"), "a: &x 1\nb: *x\n").unwrap();
    let tree = folder.to_str().unwrap();
    let checked = policyc(&["fmt", tree, "--check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).contains("would change mesh.yaml\nleft as it is: anchors.yaml: it has anchors"));
    assert_eq!(fs::read_to_string(&file).unwrap(), WRONG);
    let written = policyc(&["fmt", tree]);
    assert_eq!((written.status.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(0), RIGHT));
    assert!(text(&written.stdout).ends_with("changed 1 of 2 files\n"), "{}", text(&written.stdout));
    let again = policyc(&["fmt", tree, "--check", "--format", "json"]);
    assert_eq!(again.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(document["changed"], serde_json::json!([]));
    assert_eq!(document["left"][0]["file"], "anchors.yaml");
}
