//! The binary: exit codes, and the use of streams.

mod check;
mod complete;
mod emit_all;
mod fmt;
mod format;
mod graph;
mod help;
mod import;
mod links;
mod lock;
mod revision;
mod schema;
mod start;
mod status;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn policyc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_policyc")).args(arguments).output().unwrap()
}

fn tree() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees/shop").to_str().unwrap().to_owned()
}

fn case(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(name).to_str().unwrap().to_owned()
}

/// Creates a new folder for one test.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn check_says_on_stdout_that_all_is_well() {
    let output = policyc(&["check", &tree()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("5 services in 3 domains, 6 fields, 7 rules, no errors"));
    assert!(output.stderr.is_empty());
}

#[test]
fn diagnostics_go_to_stderr_with_exit_code_1() {
    for command in [&["check"] as &[&str], &["build", "-o", "/nonexistent/never-written"]] {
        let output = policyc(&[command, &[&case("cel-in-yaml")]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let errors = text(&output.stderr);
        assert!(errors.contains("policy.yaml:8:49") && errors.ends_with("9 errors\n"), "{errors}");
        assert!(!errors.contains('\u{1b}'), "no colour where there is no terminal");
    }
}

#[test]
fn usage_errors_are_2() {
    let tree = tree();
    let cases: [&[&str]; 8] = [
        &[],
        &["chekc", &tree],
        &["check"],
        &["build", &tree],
        &["check", "/nonexistent"],
        &["inspect", "/nonexistent"],
        &["emit", "envoy", &tree, "--service", "unheard-of", "--role", "inbound"],
        &["emit", "envoy", &tree, "--service", "ledger", "--role", "gateway"],
    ];
    for arguments in cases {
        let output = policyc(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn build_writes_what_inspect_reads() {
    let file = scratch("build").join("policy.cmesh");
    let built = policyc(&["build", &tree(), "-o", file.to_str().unwrap()]);
    assert_eq!(built.status.code(), Some(0), "{}", text(&built.stderr));
    let digest = text(&built.stdout).trim().rsplit(' ').next().unwrap().to_owned();
    let shown = policyc(&["inspect", file.to_str().unwrap()]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(text(&shown.stdout).starts_with(&format!("artifact {digest}\n")));
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn a_changed_artifact_is_not_shown() {
    let file = scratch("changed").join("policy.cmesh");
    policyc(&["build", &tree(), "-o", file.to_str().unwrap()]);
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let output = policyc(&["inspect", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("digest"));
}

#[test]
fn an_empty_folder_is_an_error_of_its_own() {
    let folder = scratch("empty");
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no policy documents found in `"));
}

#[test]
fn a_file_that_is_not_utf8_has_a_place() {
    let folder = scratch("not-utf8");
    fs::write(folder.join("a.yaml"), b"kind: Mesh\nname: \xff\n").unwrap();
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("a.yaml:2:7"));
}

#[cfg(unix)]
#[test]
fn a_file_is_read_once_and_hidden_ones_not_at_all() {
    let folder = scratch("skipped");
    fs::copy(Path::new(&tree()).join("mesh.yaml"), folder.join("mesh.yml")).unwrap();
    fs::write(folder.join(".hidden.yaml"), "{").unwrap();
    fs::write(folder.join("notes.txt"), "{").unwrap();
    fs::create_dir(folder.join(".git")).unwrap();
    fs::write(folder.join(".git/x.yaml"), "{").unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("loop")).unwrap();
    std::os::unix::fs::symlink(folder.join("mesh.yml"), folder.join("link.yaml")).unwrap();
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
