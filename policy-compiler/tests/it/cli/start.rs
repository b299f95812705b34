//! First steps: `policyc init` and `policyc completions`.

use std::{fs, process::Command};

use super::{policyc, scratch, text};

fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const FILES: [&str; 6] = ["README.md", "enterprise.yaml", "mesh.yaml", "payments.yaml", "schema.yaml", "tests.yaml"];

#[test]
fn what_init_writes_checks_and_builds() {
    let folder = scratch("init").join("new/tree");
    let folder = folder.to_str().unwrap();
    let output = policyc(&["init", folder]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).ends_with(&format!("next: policyc check {folder}\n")));
    assert_eq!(names(folder), FILES);
    let checked = policyc(&["check", folder, "--deny-warnings"]);
    assert_eq!((checked.status.code(), text(&checked.stderr)), (Some(0), ""));
    assert!(text(&checked.stdout).contains("4 services in 3 domains, 3 fields, 5 rules, no errors\n"));
    let file = format!("{folder}/policy.cmx");
    assert_eq!(policyc(&["build", folder, "-o", &file]).status.code(), Some(0));
}

#[test]
fn what_init_writes_passes_its_tests() {
    let folder = scratch("init-tests").join("tree");
    let folder = folder.to_str().unwrap();
    assert_eq!(policyc(&["init", folder]).status.code(), Some(0));
    let tested = policyc(&["test", folder, "--coverage"]);
    assert_eq!((tested.status.code(), text(&tested.stderr)), (Some(0), ""), "{}", text(&tested.stdout));
    assert!(text(&tested.stdout).contains("6 tests passed\n"), "{}", text(&tested.stdout));
}

#[test]
fn init_never_changes_a_file() {
    let folder = scratch("init-again");
    fs::write(folder.join("mesh.yaml"), "mine").unwrap();
    let name = folder.to_str().unwrap();
    let refused = policyc(&["init", name]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is not empty; `--force` adds what is missing there"));
    assert_eq!(names(name), ["mesh.yaml"]);
    let forced = policyc(&["init", name, "--force", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&forced.stdout).unwrap();
    assert_eq!(document["kept"], serde_json::json!(["mesh.yaml"]));
    assert_eq!(document["written"].as_array().unwrap().len(), FILES.len() - 1);
    assert_eq!(fs::read_to_string(folder.join("mesh.yaml")).unwrap(), "mine");
}

#[test]
fn bash_takes_the_completions() {
    let folder = scratch("completions");
    let script = folder.join("policyc.bash");
    fs::write(&script, policyc(&["completions", "bash"]).stdout).unwrap();
    // What bash would suggest after `policyc`, `policyc ch` and `policyc check --`.
    let line = r#"
        set -eu
        source "$1"
        complete -p policyc
        offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _policyc policyc "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[*]}"; }
        offer policyc ch
        offer policyc emit env
        offer policyc check --cos
    "#;
    let output = Command::new("bash").args(["-c", line, "bash"]).arg(&script).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("complete ") && lines[0].ends_with(" policyc"), "{lines:?}");
    assert_eq!(lines[1..], ["check", "envoy envoyfilter", "--costs"]);
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = policyc(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("policyc"), "{shell}");
    }
    assert_eq!(policyc(&["completions", "cmd"]).status.code(), Some(2));
}
