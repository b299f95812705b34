//! `--format`, `--diagnostics` and `--color`, which every command has.

use serde_json::Value;

use super::{case, policyc, scratch, text, tree};

/// The lines of standard error, each of them JSON.
fn json_lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_command_gives_one_json_document() {
    let file = scratch("json").join("policy.cmx");
    let (tree, file) = (tree(), file.to_str().unwrap());
    let cases: [(&[&str], &str); 7] = [
        (&["check", &tree], "/rules"),
        (&["build", &tree, "-o", file], "/digest"),
        (&["inspect", file], "/rules/0/effect/deny/status"),
        (&["emit", "envoy", &tree, "--service", "ledger", "--role", "inbound"], "/0/typed_config"),
        (&["emit", "envoy", &tree, "--service", "ledger", "--role", "inbound", "--as", "ecds"], "/resources/0/name"),
        (&["emit", "envoy", &tree, "--service", "ledger", "--role", "inbound", "--as", "config"], "/artifact"),
        (&["emit", "envoyfilter", &tree], "/spec/configPatches/1"),
    ];
    for (arguments, pointer) in cases {
        let output = policyc(&[arguments, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(document.pointer(pointer).is_some(), "{arguments:?}: {document:#}");
    }
}

#[test]
fn with_json_results_the_diagnostics_are_json_lines() {
    for arguments in [&["--format", "json"] as &[&str], &["--diagnostics", "json"]] {
        let output = policyc(&[&["check", &case("foreign")], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let lines = json_lines(&output.stderr);
        assert_eq!(lines.len(), 6);
        assert_eq!((&lines[0]["code"], &lines[0]["at"]["line"]), (&"CM0307".into(), &5.into()));
    }
    let output = policyc(&["check", &case("foreign"), "--format", "json", "--diagnostics", "text"]);
    assert!(text(&output.stderr).ends_with("6 errors\n"));
}

#[test]
fn with_json_results_failures_are_json_too() {
    let output = policyc(&["check", "/nonexistent", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = json_lines(&output.stderr);
    assert_eq!(lines[0]["severity"], "error");
    assert!(lines[0]["message"].as_str().unwrap().contains("cannot read `/nonexistent`"));
}

#[test]
fn colours_come_when_they_are_asked_for() {
    let escape = '\u{1b}';
    let never = policyc(&["check", &case("foreign"), "--color", "never"]);
    let auto = policyc(&["check", &case("foreign")]);
    let always = policyc(&["check", &case("foreign"), "--color", "always"]);
    assert!(!text(&never.stderr).contains(escape) && !text(&auto.stderr).contains(escape));
    assert!(text(&always.stderr).contains(escape));
    assert!(text(&policyc(&["check", &tree(), "--color", "always"]).stdout).contains(escape));
    assert!(!text(&policyc(&["check", &tree()]).stdout).contains(escape));
    assert!(text(&policyc(&["--help", "--color", "always"]).stdout).contains(escape));
    assert!(!text(&policyc(&["check", &tree(), "--color", "always", "--format", "json"]).stdout).contains(escape));
}
