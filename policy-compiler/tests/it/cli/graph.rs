//! `policyc graph`: forms, files and exit codes. `src/show/graph/tests.rs` tests the content of the forms.

use std::fs;

use super::{case, policyc, scratch, text, tree};

#[test]
fn every_form_can_be_printed() {
    let tree = tree();
    let cases = [
        ("text", "mesh acme\n"),
        ("mermaid", "flowchart LR\n"),
        ("dot", "digraph \"acme\" {\n"),
        ("svg", "<svg "),
        ("html", "<!DOCTYPE html>\n"),
    ];
    for (form, expected) in cases {
        let output = policyc(&["graph", &tree, "--as", form]);
        assert_eq!(output.status.code(), Some(0), "{form}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(expected), "{form}: {}", text(&output.stdout));
    }
}

#[test]
fn the_name_of_the_file_says_the_form() {
    let (tree, folder) = (tree(), scratch("graph-files"));
    for (name, expected) in [("a.svg", "<svg "), ("a.html", "<!DOCTYPE"), ("a.dot", "digraph"), ("a.txt", "mesh acme")]
    {
        let file = folder.join(name);
        let output = policyc(&["graph", &tree, "-o", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("5 services in 3 domains"), "{}", text(&output.stdout));
        assert!(fs::read_to_string(&file).unwrap().starts_with(expected), "{name}");
    }
}

#[test]
fn the_document_has_every_pair() {
    let output = policyc(&["graph", &tree(), "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["calls"].as_array().unwrap().len(), 5 * 4);
    let one = policyc(&["graph", &tree(), "--format", "json", "--service", "ledger", "--field", "user_id"]);
    let document: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(document["calls"].as_array().unwrap().len(), 2 * 4);
    assert_eq!(document["fields"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_tree_does_not_have_is_a_usage_error() {
    let tree = tree();
    let cases = [
        ("--service", "ledgr", "the mesh has no service `ledgr`; did you mean `ledger`?"),
        ("--domain", "paymnts", "the mesh has no domain `paymnts`; did you mean `payments`?"),
        ("--field", "user-id", "no schema declares a field `user-id`; did you mean `user_id`?"),
    ];
    for (option, name, expected) in cases {
        let output = policyc(&["graph", &tree, option, name]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
    assert_eq!(policyc(&["graph", &case("cel-in-yaml")]).status.code(), Some(1));
}
