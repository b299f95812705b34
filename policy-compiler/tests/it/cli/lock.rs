//! `policyc lock`, and the commands that read its file.

use std::fs;

use super::{policyc, scratch, text};

const TREE: &str = "\
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s]}}}
";

const AT: &str = "2026-01-31T12:00:00Z";

/// Returns the words of an artifact as `policyc inspect` shows them.
fn words(artifact: &str) -> String {
    let output = policyc(&["inspect", artifact, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document["words"].as_array().unwrap().iter().map(|word| format!("{}={} ", word["number"], word["word"])).collect()
}

#[test]
fn a_word_gets_a_number_then_a_date_and_then_it_is_in_artifacts() {
    let folder = scratch("lock");
    fs::write(folder.join("mesh.yaml"), TREE).unwrap();
    let (tree, file) = (folder.to_str().unwrap(), folder.join("context-mesh.lock"));
    let artifact = folder.join("policy.cmx");
    let build = |arguments: &[&str]| {
        let output = policyc(&[&["build", tree, "-o", artifact.to_str().unwrap()], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        words(artifact.to_str().unwrap())
    };
    let unlocked = policyc(&["check", tree, "--locked"]);
    assert_eq!(unlocked.status.code(), Some(1));
    let said = text(&unlocked.stderr);
    assert!(said.contains("3 words of the tree have no number in `context-mesh.lock`: `caller`, `d`, `s`"), "{said}");
    assert!(said.contains(&format!("policyc lock {tree}")), "{said}");

    assert!(text(&policyc(&["lock", tree]).stdout).contains("caller, d, s"));
    assert_eq!(policyc(&["check", tree, "--locked"]).status.code(), Some(0));
    assert_eq!(build(&[]), "", "a word without a date is in no artifact");
    assert!(text(&policyc(&["lock", tree]).stdout).contains("nothing to do"));

    assert_eq!(policyc(&["lock", tree, "--release", "--at", AT]).status.code(), Some(0));
    assert_eq!(build(&[]), "1=\"caller\" 2=\"d\" 3=\"s\" ");
    let lines = fs::read_to_string(&file).unwrap();
    assert!(lines.ends_with(&format!("\n1 caller {AT}\n2 d {AT}\n3 s {AT}\n")), "{lines}");

    // An older tree is built with the current file, and a retired word keeps its number.
    let present = folder.join("present.lock");
    fs::rename(&file, &present).unwrap();
    assert_eq!(build(&[]), "");
    assert_eq!(build(&["--lock", present.to_str().unwrap()]), "1=\"caller\" 2=\"d\" 3=\"s\" ");
    assert_eq!(policyc(&["build", tree, "-o", "x", "--lock", "/no/such"]).status.code(), Some(2));
    fs::rename(&present, &file).unwrap();
    fs::write(folder.join("mesh.yaml"), TREE.replace("[s]", "[t]")).unwrap();
    policyc(&["lock", tree]);
    let lines = fs::read_to_string(&file).unwrap();
    assert!(lines.ends_with(&format!("3 s {AT} retired\n4 t\n")), "{lines}");
    assert_eq!(build(&[]), "1=\"caller\" 2=\"d\" 3=\"s\" ");
}

#[test]
fn what_was_released_twice_is_for_people_to_decide() {
    let folder = scratch("lock-twice");
    fs::write(folder.join("mesh.yaml"), TREE).unwrap();
    let before = format!("1 caller {AT}\n1 d {AT}\n");
    fs::write(folder.join("context-mesh.lock"), &before).unwrap();
    let output = policyc(&["lock", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`caller` and `d` were released with the number 1"));
    assert_eq!(fs::read_to_string(folder.join("context-mesh.lock")).unwrap(), before);
}

#[test]
fn the_files_of_the_examples_are_up_to_date() {
    for example in ["shop", "bank", "saas"] {
        let folder = scratch(&format!("lock-{example}"));
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
        let copied = std::process::Command::new("cp").arg("-r").arg(from.join(".")).arg(&folder).status().unwrap();
        assert!(copied.success());
        let output = policyc(&["lock", folder.to_str().unwrap()]);
        assert!(text(&output.stdout).contains("nothing to do"), "{example}: {}", text(&output.stdout));
    }
}
