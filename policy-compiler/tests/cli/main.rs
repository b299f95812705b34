//! The binary: exit codes, and what goes to which stream.

mod check;
mod format;
mod help;
mod schema;
mod start;

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

/// A new folder for one test.
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
fn links_and_hidden_files_are_not_read() {
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

/// A folder with a mesh and a schema `fields` of this version, whose only field has these options.
fn schema_tree(name: &str, version: &str, options: &str) -> String {
    let folder = scratch(name);
    let mesh = "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: m}\nspec: {trustDomain: a.b, domains: {d: {services: [s]}}}\n";
    fs::write(folder.join("mesh.yaml"), mesh).unwrap();
    let schema = format!(
        "apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: fields, domain: d, version: {version}}}\nspec: {{fields: {{tier: {{{options}}}}}}}\n"
    );
    fs::write(folder.join("schema.yaml"), schema).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn schema_check_says_whether_both_sides_of_a_rollout_understand_each_other() {
    let old = schema_tree("schema-old", "1.0.0", "type: string, enum: [gold]");
    let wider = schema_tree("schema-wider", "1.1.0", "type: string, enum: [gold, silver]");
    let unraised = schema_tree("schema-unraised", "1.0.0", "type: string, enum: [gold, silver]");
    let broken = schema_tree("schema-broken", "1.1.0", "type: int");
    let raised = schema_tree("schema-raised", "2.0.0", "type: int");
    let cases: [(&str, &[&str], i32); 9] = [
        (&old, &[], 0),
        (&wider, &[], 3),
        (&wider, &["--allow", "backward"], 0),
        (&wider, &["--allow", "forward"], 3),
        (&unraised, &["--allow", "backward"], 1),
        (&broken, &["--allow", "backward"], 3),
        (&broken, &["--allow", "incompatible"], 1),
        (&raised, &["--allow", "incompatible"], 0),
        ("/nonexistent", &[], 2),
    ];
    for (new, more, code) in cases {
        let output = policyc(&[&["schema", "check", new, "--against", &old], more].concat());
        assert_eq!(output.status.code(), Some(code), "{new} {more:?}: {}", text(&output.stderr));
    }
    let output = policyc(&["schema", "check", &unraised, "--against", &old]);
    let expected = "\
d/fields 1.0.0 -> 1.0.0: backward compatible only
  tier: enum \"gold\" -> \"gold\", \"silver\"
    new sends to old (value): \"silver\" is sent and not allowed
  version: these changes need 1.1.0 or above
";
    assert_eq!(text(&output.stdout), expected);
    let output = policyc(&["schema", "check", &unraised, "--against", &old, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let schema = &json["schemas"][0];
    assert_eq!((&schema["compatible"], &schema["needed_version"]), (&"backward".into(), &"1.1.0".into()));
    assert_eq!(schema["changes"][0]["forward"]["aspect"], "value");
}

#[test]
fn schema_matrix_takes_any_number_of_trees() {
    let old = schema_tree("matrix-old", "1.0.0", "type: string");
    let new = schema_tree("matrix-new", "1.0.1", "type: string, description: better");
    let output = policyc(&["schema", "matrix", &old, &new]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "\
d/fields
  sends \\ receives  1.0.0  1.0.1
  1.0.0             ok     ok
  1.0.1             ok     ok
";
    assert_eq!(text(&output.stdout), expected);
    let other = schema_tree("matrix-other", "1.0.1", "type: bool");
    let output = policyc(&["schema", "matrix", &old, &new, &other, "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!(json["schemas"][0]["versions"][1], format!("1.0.1 ({new})"), "one version, two contents");
    let output = policyc(&["schema", "matrix", &case("foreign")]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
}
