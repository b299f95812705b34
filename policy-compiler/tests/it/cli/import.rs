//! `policyc import authorizationpolicy`: exit codes, what is written, and the report.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{policyc, scratch, text};
use crate::support::{golden, repository};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")
}

/// Runs the command in the folder of the manifests.
fn import(arguments: &[&str], output: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policyc"));
    command.args(["import", "authorizationpolicy"]).args(arguments).arg("-o").arg(output).current_dir(folder());
    command.output().unwrap()
}

/// Returns a part of a file with several documents: those that contain a text.
fn documents(name: &str, with: &str) -> String {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let kept: Vec<&str> = text.split("---\n").filter(|document| document.contains(with)).collect();
    assert!(!kept.is_empty(), "{with}");
    kept.join("---\n")
}

/// Returns the files below a folder with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = below.join(entry.file_name());
            if entry.path().is_dir() {
                open.push(path);
            } else {
                found.push((path.to_str().unwrap().to_owned(), fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

const ALL: [&str; 3] = ["authorization.yaml", "workloads.yaml", "mesh-config.yaml"];

#[test]
fn what_is_imported_checks_and_passes_its_tests() {
    let target = scratch("import").join("new/tree");
    let output = import(&ALL, &target);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{}", text(&output.stdout));
    let report = text(&output.stdout).replace(target.to_str().unwrap(), "tree");
    golden::check(&folder().join("report.txt"), &report);
    let target = target.to_str().unwrap();
    let checked = policyc(&["check", target, "--deny-warnings"]);
    assert_eq!((checked.status.code(), text(&checked.stderr)), (Some(0), ""));
    let tested = policyc(&["test", target]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stdout));
    assert_eq!(policyc(&["fmt", target, "--check"]).status.code(), Some(0));
}

#[test]
fn each_policy_has_its_reasons_and_nothing_is_written() {
    let target = scratch("import-mixed").join("tree");
    let output = import(&["mixed.yaml", "--workloads", "workloads.yaml"], &target);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    golden::check(&folder().join("mixed.txt"), &format!("{}\n{}", text(&output.stderr), text(&output.stdout)));
    assert!(!target.exists());
}

/// Returns the blocks of code of the page about the import.
fn blocks() -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/authorizationpolicy.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1.to_owned());
    blocks.collect()
}

#[test]
fn the_samples_of_the_page_are_what_comes_out() {
    let place = scratch("import-page");
    let blocks = blocks();
    let block = |with: &str| blocks.iter().find(|block| block.contains(with)).unwrap();
    let report = block("$ policyc import").split_once('\n').unwrap().1;
    let output = import(&["mixed.yaml", "workloads.yaml"], &place.join("none"));
    assert_eq!(text(&output.stdout), report);
    let policy = place.join("policy.yaml");
    fs::write(&policy, block("kind: AuthorizationPolicy")).unwrap();
    let output = import(&[policy.to_str().unwrap(), "workloads.yaml"], &place.join("tree"));
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let rule = block("    - name: cart-callers");
    let found = files(&place.join("tree"));
    assert!(found.iter().any(|(_, text)| text.contains(rule)), "{found:#?}");
}

#[test]
fn the_report_as_json() {
    let target = scratch("import-json").join("tree");
    let output = import(&["mixed.yaml", "workloads.yaml", "--format", "json"], &target);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = ["exact", "stricter", "refused", "unused", "workloads", "warnings"].map(|key| &report[key]);
    assert_eq!(counts, [1, 1, 2, 1, 2, 1]);
    assert_eq!((&report["complete"], &report["written"]), (&json!(false), &json!([])));
    let mesh = json!({"trustDomain": "cluster.local", "trustDomainAliases": [], "rootNamespace": "istio-system"});
    assert_eq!(report["mesh"], mesh);
    let verdicts: Vec<&str> =
        report["policies"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["exact", "stricter", "refused", "refused", "unused"]);
    let stricter = &report["policies"][1];
    assert_eq!((&stricter["name"], &stricter["action"]), (&json!("shop/admin-path"), &json!("DENY")));
    assert_eq!((&stricter["workloads"], &stricter["dryRun"]), (&json!(1), &json!(false)));
    assert!(stricter["reasons"][0]["place"].as_str().unwrap().starts_with("mixed.yaml:"), "{stricter}");
}

#[test]
fn what_is_not_exact_must_be_accepted() {
    let folder = scratch("import-accept");
    let write = |name: &str, text: String| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name).to_str().unwrap().to_owned()
    };
    let stricter = write("stricter.yaml", documents("mixed.yaml", "name: admin-path"));
    let unused = write("unused.yaml", documents("mixed.yaml", "name: ledger"));
    let exact = write("exact.yaml", documents("mixed.yaml", "name: callers"));
    let refused = write("refused.yaml", documents("mixed.yaml", "name: external"));
    let cases: [(&[&str], &[&str], i32); 9] = [
        (&[&exact], &[], 0),
        (&[&exact, &stricter], &[], 3),
        (&[&exact, &stricter], &["--accept", "unused"], 3),
        (&[&exact, &stricter], &["--accept", "stricter"], 0),
        (&[&exact, &unused], &[], 3),
        (&[&exact, &unused], &["--accept", "unused"], 0),
        (&[&exact, &stricter, &unused], &["--accept", "stricter,unused"], 0),
        (&[&exact, &stricter, &unused], &["--accept", "stricter", "--accept", "unused"], 0),
        (&[&exact, &refused], &["--accept", "stricter,unused"], 3),
    ];
    for (files, options, expected) in cases {
        let target = folder.join("tree");
        let _ = fs::remove_dir_all(&target);
        let output = import(&[files, options, &["--workloads", "workloads.yaml"]].concat(), &target);
        let shown = format!("{files:?} {options:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(expected), "{shown}");
        assert_eq!(target.join("mesh.yaml").exists(), expected == 0, "{shown}");
        assert_eq!(text(&output.stdout).contains("nothing is written"), expected == 3, "{shown}");
    }
}

#[test]
fn in_shadow_no_rule_is_enforced() {
    let target = scratch("import-shadow").join("tree");
    let output = import(&[&ALL as &[&str], &["--shadow"]].concat(), &target);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let found = files(&target);
    let (mut rules, mut shadowed) = (0, 0);
    for (path, text) in &found {
        assert!(!text.contains("kind: PolicyTest"), "{path}");
        rules += text.matches("    - name: ").count();
        shadowed += text.matches("enforcement: shadow\n").count();
    }
    // The services of the Mesh have names too.
    let services = found.iter().find(|(path, _)| path == "mesh.yaml").unwrap().1.matches("    - name: ").count();
    assert!(rules > services && rules - services == shadowed, "{rules} {services} {shadowed}");
    let name = target.to_str().unwrap();
    assert_eq!(policyc(&["check", name]).status.code(), Some(0));
    assert_eq!(policyc(&["fmt", name, "--check"]).status.code(), Some(0));
    let request = json!({"workload": "cart-v1", "request": {"method": "DELETE"}}).to_string();
    let file = target.parent().unwrap().join("request.json");
    fs::write(&file, request).unwrap();
    let decided = policyc(&["eval", name, "--request", file.to_str().unwrap(), "--format", "json"]);
    let decided: Value = serde_json::from_slice(&decided.stdout).unwrap();
    let decided = &decided["requests"][0];
    assert_eq!(decided["decision"], "allow");
    assert!(!decided["shadow"].as_array().unwrap().is_empty(), "{decided:#}");
}

#[test]
fn without_workloads_each_selector_stands_for_one() {
    let target = scratch("import-derived").join("tree");
    let output = import(&["authorization.yaml"], &target);
    let errors = text(&output.stderr);
    assert!(errors.contains("warning[CM0805]") && errors.contains("`shop/web`"), "{errors}");
    assert_eq!(output.status.code(), Some(0), "{errors}{}", text(&output.stdout));
    assert_eq!(policyc(&["test", target.to_str().unwrap()]).status.code(), Some(0));
}

#[test]
fn a_file_is_read_once_and_folders_and_standard_input_as_well() {
    let place = scratch("import-files");
    let manifests = place.join("manifests");
    fs::create_dir(&manifests).unwrap();
    for name in ALL {
        fs::copy(folder().join(name), manifests.join(name)).unwrap();
    }
    fs::write(manifests.join("package.json"), "{\"name\": \"other\"}").unwrap();
    fs::write(manifests.join("notes.txt"), "{").unwrap();
    let name = manifests.to_str().unwrap();
    let first = place.join("first");
    let output = import(&[name, "--workloads", name, "--mesh-config", &format!("{name}/mesh-config.yaml")], &first);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{}", text(&output.stdout));
    let second = place.join("second");
    let mut command = Command::new(env!("CARGO_BIN_EXE_policyc"));
    command.args(["import", "authorizationpolicy", "-", "-o"]).arg(&second).args(["--workloads", "workloads.yaml"]);
    command.current_dir(folder()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = fs::read(folder().join("authorization.yaml")).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(text(&output.stdout).contains("standard input:"), "{}", text(&output.stdout));
    assert_eq!(files(&first), files(&second));
}

#[test]
fn resources_without_a_namespace_are_put_into_one() {
    let place = scratch("import-namespace");
    let text = documents("mixed.yaml", "name: callers").replace(", namespace: shop", "");
    let policy = place.join("policy.yaml");
    fs::write(&policy, text).unwrap();
    let policy = policy.to_str().unwrap();
    let found = |options: &[&str]| {
        let output = import(&[&[policy, "workloads.yaml"], options].concat(), &place.join("tree"));
        let report = text_of(&output);
        (output.status.code(), report.contains("exact     shop/callers"))
    };
    assert_eq!(found(&[]), (Some(3), false));
    assert_eq!(found(&["--namespace", "a_b"]), (Some(2), false));
    assert_eq!(found(&["-n", "shop"]), (Some(0), true));
}

fn text_of(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_folder_with_files_is_left_alone() {
    let target = scratch("import-again");
    fs::write(target.join("mine.txt"), "mine").unwrap();
    let refused = import(&ALL, &target);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is not empty; name a new folder"), "{}", text(&refused.stderr));
    assert_eq!(files(&target).len(), 1);
    let forced = [&ALL as &[&str], &["--force"]].concat();
    assert_eq!(import(&forced, &target).status.code(), Some(0));
    let written = files(&target);
    assert!(written.len() > 2, "{written:?}");
    let again = import(&forced, &target);
    assert_eq!(again.status.code(), Some(0));
    assert!(!text(&again.stdout).contains("written"), "{}", text(&again.stdout));
    // One file of another text keeps all others from being written.
    fs::write(target.join("mesh.yaml"), "mine").unwrap();
    fs::remove_dir_all(target.join("shop")).unwrap();
    let taken = import(&forced, &target);
    assert_eq!(taken.status.code(), Some(2));
    assert!(text(&taken.stderr).contains("mesh.yaml` exists with another text; nothing is written"));
    assert!(!target.join("shop").exists());
}

#[test]
fn what_cannot_be_carried_out() {
    let target = scratch("import-usage").join("tree");
    let cases: [(&[&str], i32, &str); 7] = [
        (&[], 2, "<FILE>"),
        (&["missing.yaml"], 2, "cannot read `missing.yaml`"),
        (&["authorization.yaml", "--mesh-config", "workloads.yaml"], 2, "`workloads.yaml` has no settings of a mesh"),
        (&["authorization.yaml", "--accept", "anything"], 2, "'anything'"),
        (&["mistakes.yaml"], 1, "error[CM0802]"),
        (&["workloads.yaml"], 1, "error[CM0801]"),
        (&["authorization.yaml", "mistakes.yaml", "--format", "json"], 1, "\"CM0807\""),
    ];
    for (arguments, expected, message) in cases {
        let output = import(arguments, &target);
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty() && !target.exists(), "{arguments:?}");
    }
    let unwritable = import(&ALL, Path::new("/dev/null/tree"));
    assert_eq!(unwritable.status.code(), Some(2), "{}", text(&unwritable.stderr));
}
