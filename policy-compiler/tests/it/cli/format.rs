//! `--format`, `--diagnostics` and `--color`, which every command has.

use serde_json::Value;

use super::{case, policyc, scratch, text, tree};

/// Returns the lines of standard error, each of them JSON.
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

/// Checks what the schema of SARIF 2.1.0 requires of the objects in use, and what GitHub additionally requires.
fn assert_sarif(document: &Value) -> Vec<(String, String, String)> {
    assert_eq!(document["version"], "2.1.0");
    let [run] = &document["runs"].as_array().unwrap()[..] else { panic!("{document:#}") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "policyc");
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap()));
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule:#}");
    }
    let place = |physical: &Value| {
        let uri = physical["artifactLocation"]["uri"].as_str().unwrap().to_owned();
        assert!(!uri.is_empty() && !uri.contains([' ', '\\']), "{uri}");
        let number = |key: &str| physical["region"].get(key).map(|value| value.as_u64().unwrap());
        assert!(number("startLine") >= Some(1), "{physical:#}");
        for key in ["startColumn", "endLine", "endColumn"] {
            assert!(number(key).is_none_or(|number| number >= 1), "{physical:#}");
        }
        uri
    };
    let results = run["results"].as_array().unwrap();
    let shown = results.iter().map(|result| {
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let level = result["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level), "{level}");
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        for related in result["relatedLocations"].as_array().into_iter().flatten() {
            place(&related["physicalLocation"]);
        }
        let [location] = &result["locations"].as_array().unwrap()[..] else { panic!("{result:#}") };
        (result["ruleId"].as_str().unwrap().to_owned(), level.to_owned(), place(&location["physicalLocation"]))
    });
    shown.collect()
}

#[test]
fn findings_are_sarif() {
    let sarif = |arguments: &[&str], code: i32| {
        let output = policyc(&[arguments, &["--format", "sarif"]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        (assert_sarif(&serde_json::from_slice(&output.stdout).unwrap()), text(&output.stderr).to_owned())
    };
    let (clean, said) = sarif(&["check", &tree()], 0);
    assert!(clean.is_empty() && said.is_empty(), "{clean:?} {said}");
    for command in ["check", "test"] {
        let (found, said) = sarif(&[command, &case("foreign")], 1);
        assert_eq!(found.len(), 6);
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("CM0307", "error"));
        assert!(found[0].2.ends_with("/policy.yaml"), "{found:?}");
        assert!(said.ends_with("6 errors\n"), "people read along: {said}");
    }
    let (found, _) = sarif(&["check", &case("analysis")], 0);
    assert!(found.iter().all(|(_, level, _)| level == "warning") && found.len() > 5, "{found:?}");
    let (found, _) = sarif(&["check", &case("no-mesh")], 1);
    assert!(found.iter().any(|(code, _, _)| code == "CM0301"), "a finding without a place has the folder: {found:?}");
}

#[test]
fn findings_are_workflow_commands() {
    let output = policyc(&["check", &case("foreign"), "--format", "github"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty());
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 6);
    for line in lines {
        assert!(line.starts_with("::error file=") && line.contains(",title=CM03") && line.contains("::"), "{line}");
    }
}

#[test]
fn tests_that_fail_are_findings() {
    let folder = scratch("failing-test");
    for (name, text) in policy_compiler::report::explanation::TREE {
        std::fs::write(
            folder.join(name),
            text.replace("decision: deny, rule: enterprise", "decision: allow, rule: enterprise"),
        )
        .unwrap();
    }
    let folder = folder.to_str().unwrap();
    std::fs::write(
        format!("{folder}/tests.yaml"),
        std::fs::read_to_string(format!("{folder}/tests.yaml"))
            .unwrap()
            .replace(", rule: enterprise/guardrails/tenant-required, status: 401", ""),
    )
    .unwrap();
    let output = policyc(&["test", folder, "--format", "github"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let line = text(&output.stdout);
    assert!(
        line.contains("title=test-failed::`everything/nobody comes in without a tenant`: decision: expected allow"),
        "{line}"
    );
    let output = policyc(&["test", folder, "--format", "sarif"]);
    let found = assert_sarif(&serde_json::from_slice(&output.stdout).unwrap());
    assert_eq!(found[0].0, "test-failed");
}

#[test]
fn what_is_no_finding_is_refused_or_said() {
    for format in ["sarif", "github"] {
        let output = policyc(&["graph", &tree(), "--format", format]);
        assert_eq!(output.status.code(), Some(2));
        let said = [text(&output.stdout), text(&output.stderr)].concat();
        assert!(said.contains("are for `check`, `build` and `test`"), "{said}");
    }
    let output = policyc(&["check", "/nonexistent", "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("cannot read"));
    let output = policyc(&["check", "/nonexistent", "--format", "github"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("::error::cannot read"), "{}", text(&output.stdout));
}
