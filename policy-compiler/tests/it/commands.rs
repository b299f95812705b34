//! `policyc test`, `eval` and `diff` as a pipeline calls them: exit codes, streams and files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn policyc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_policyc")).args(arguments).current_dir(package()).output().unwrap()
}

fn code(arguments: &[&str]) -> i32 {
    policyc(arguments).status.code().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&policyc(arguments).stdout).unwrap()
}

/// Creates a new folder for one test.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

const SHOP: &str = "../examples/shop";
const FAILING: &str = "tests/policy_tests/failing";
const REQUESTS: &str = "tests/policy_tests/eval/requests.jsonl";
const ACCESS: &str = "tests/policy_tests/eval/access.log";

#[test]
fn test_ends_with_1_when_a_test_fails_or_too_little_is_covered() {
    let cases: [(&[&str], i32); 8] = [
        (&["test", SHOP], 0),
        (&["test", SHOP, "--min-coverage", "100"], 0),
        (&["test", SHOP, "tier/silver", "--min-coverage", "50"], 1),
        (&["test", FAILING], 1),
        (&["test", FAILING, "passing/"], 0),
        (&["test", FAILING, "no such test"], 2),
        (&["test", "tests/trees/shop"], 2),
        (&["test", "tests/diagnostics/policy-tests"], 1),
    ];
    for (arguments, expected) in cases {
        assert_eq!(code(arguments), expected, "{arguments:?}");
    }
    let output = policyc(&["test", SHOP, "tier/silver"]);
    let shown = text(&output.stdout);
    assert!(shown.starts_with("1 test passed, ") && shown.contains(" left out by the filter\ncoverage: "), "{shown}");
    assert!(!shown.contains('\u{1b}') && output.stderr.is_empty());
}

#[test]
fn test_gives_json_and_junit() {
    let file = scratch("junit").join("results.xml");
    let output = policyc(&["test", FAILING, "--format", "json", "--junit", file.to_str().unwrap()]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["passed"], &document["failed"]), (&3.into(), &4.into()));
    assert_eq!(document["coverage"]["rules"]["total"], 7);
    assert_eq!(fs::read_to_string(file).unwrap().matches("<testcase ").count(), 7);
}

#[test]
fn check_reports_what_is_wrong_with_tests() {
    let output = policyc(&["check", "tests/diagnostics/policy-tests"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the document has no principal `chekout`"));
}

#[test]
fn eval_ends_with_0_whatever_is_decided() {
    assert_eq!(code(&["eval", SHOP, "--request", REQUESTS]), 0);
    assert_eq!(code(&["eval", SHOP, "--access-log", ACCESS, "--explain"]), 0);
    assert_eq!(code(&["eval", SHOP, "--request", "tests/policy_tests/eval/mistakes.jsonl"]), 1);
    assert_eq!(code(&["eval", SHOP, "--request", "/nonexistent"]), 2);
    assert_eq!(code(&["eval", SHOP]), 2);
    let document = json(&["eval", SHOP, "--access-log", ACCESS, "--format", "json"]);
    assert_eq!(document["requests"][0]["recorded"]["rule"], "payments/payments-guard/refunds-for-gold");
    assert_eq!(document["requests"][0].get("explain"), None);
}

#[test]
fn diff_ends_with_3_only_for_requests_that_are_decided_differently() {
    let folder = scratch("diff");
    let artifact = folder.join("shop.cmx");
    let artifact = artifact.to_str().unwrap();
    assert_eq!(code(&["build", SHOP, "-o", artifact]), 0);
    assert_eq!(text(&policyc(&["diff", artifact, SHOP]).stdout), "nothing changed\n");
    assert_eq!(code(&["diff", artifact, SHOP, "--requests", ACCESS]), 0);
    assert_eq!(code(&["diff", artifact, "/nonexistent"]), 2);
    assert_eq!(code(&["diff", SHOP, "tests/diagnostics/foreign"]), 1);
    assert_eq!(code(&["diff", "Cargo.toml", SHOP]), 1);
    let output = policyc(&["diff", SHOP, "tests/trees/shop"]);
    assert_eq!(output.status.code(), Some(0), "changed rules alone are no failure");
    assert!(text(&output.stdout).contains("- rule payments/payments-guard/refunds-for-gold"));
    let arguments = ["diff", SHOP, "tests/trees/shop", "--requests", REQUESTS];
    assert_eq!(code(&arguments), 3);
    let document = json(&[&arguments as &[&str], &["--format", "json"]].concat());
    assert_eq!(document["requests"]["total"], 8);
    assert_eq!(document["requests"]["different"], document["requests"]["differences"].as_array().unwrap().len());
}

#[test]
fn diff_ends_with_4_for_requests_that_could_not_be_compared() {
    const LOG: &str = "tests/policy_tests/diff/access.log";
    // Lines that this version did not decide.
    let arguments = ["diff", SHOP, SHOP, "--requests", LOG];
    let output = policyc(&arguments);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stdout));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("cannot be replayed: when it was recorded, `mesh onInvalid` refused it with 400"),
        "{shown}"
    );
    assert!(
        shown.ends_with("0 of 11 recorded requests are decided differently, 9 alike; 2 cannot be replayed\n"),
        "{shown}"
    );
    let document = json(&[&arguments as &[&str], &["--format", "json"]].concat());
    let counts = ["total", "same", "different", "unknown", "notReplayed"].map(|key| &document["requests"][key]);
    assert_eq!(counts, [11, 9, 0, 0, 2]);
    // A difference is a difference, whatever could not be compared.
    assert_eq!(code(&["diff", SHOP, "tests/trees/shop", "--requests", LOG]), 3);
    // A slice is no version of other workloads.
    let slice = scratch("slice").join("ledger.cmx");
    let slice = slice.to_str().unwrap();
    assert_eq!(code(&["build", SHOP, "--service", "ledger", "-o", slice]), 0);
    assert_eq!(code(&["diff", slice, slice, "--requests", REQUESTS]), 4);
}
