//! The JSON Schemas of the documents: the checked-in file, and agreement with the compiler about valid documents. A
//! unit test of `json_schema` checks that both know the same keys.

use std::{fs, path::Path, process::Command};

use policy_compiler::{
    compile,
    report::source::Sources,
    show::json_schema::{Kind, of_all_kinds, of_kind, to_text},
};
use serde_json::Value;

use crate::support::{
    golden, read_documents, repository,
    schema::{Dialect, problems},
    yaml_files,
};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the problems of a document under the schema of all kinds.
fn found(document: &Value) -> Vec<String> {
    problems(&of_all_kinds(), document, Dialect::Draft07)
}

#[test]
fn the_file_is_what_the_types_give() {
    golden::check(&package().join("schemas/contextmesh.io-v1.json"), &to_text(&of_all_kinds()));
}

#[test]
fn the_command_prints_them() {
    let cases: [(&[&str], Value); 5] = [
        (&[], of_all_kinds()),
        (&["Mesh"], of_kind(Kind::Mesh)),
        (&["ContextSchema"], of_kind(Kind::ContextSchema)),
        (&["context-policy"], of_kind(Kind::ContextPolicy)),
        (&["PolicyTest"], of_kind(Kind::PolicyTest)),
    ];
    for (arguments, schema) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_policyc")).arg("json-schema").args(arguments).output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), to_text(&schema), "{arguments:?}");
    }
}

/// The schema of all kinds keeps the definitions of all four under their names.
#[test]
fn a_definition_means_the_same_in_all_kinds() {
    let all = of_all_kinds();
    for kind in Kind::ALL {
        for (name, definition) in of_kind(kind)["definitions"].as_object().unwrap() {
            assert_eq!(&all["definitions"][name], definition, "{name} of {}", kind.as_str());
        }
    }
}

#[test]
fn every_key_has_a_text_for_people() {
    let all = of_all_kinds();
    for (name, definition) in all["definitions"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let target = property["$ref"].as_str().and_then(|reference| all.pointer(&reference[1..]));
            let text = property["description"].as_str().or_else(|| target?["description"].as_str());
            assert!(text.is_some_and(|text| !text.is_empty()), "{name}.{key}");
        }
    }
}

#[test]
fn documents_that_compile_fit() {
    let mut count = 0;
    for folder in [repository().join("examples"), package().join("tests/trees"), package().join("tests/json_schema")] {
        for path in yaml_files(&folder) {
            let documents = read_documents(&fs::read_to_string(&path).unwrap());
            // A recipe has an object of Istio beside its policies.
            for document in documents.into_iter().filter(|document| document["apiVersion"] != "security.istio.io/v1") {
                assert_eq!(found(&document), [""; 0], "{}", path.display());
                let kind = Kind::ALL.into_iter().find(|kind| document["kind"] == kind.as_str()).unwrap();
                assert_eq!(problems(&of_kind(kind), &document, Dialect::Draft07), [""; 0], "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 15, "the documents are missing");
}

/// Mistakes that both find: the mistake, the compiler's finding, and the schema's.
#[test]
fn mistakes_are_found_by_both() {
    let mesh = "trustDomain: a.b\n  domains: {d: {services: [s], namespaces: [n]}}\n";
    let field = |options: &str| format!("fields: {{f: {{type: string, {options}}}}}\n");
    let rule = |rest: &str| format!("workloads: [s]\n  rules:\n    - {{name: r, {rest}}}\n");
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("Mesh", format!("{mesh}  trust: {{peer: any}}\n"), "CM0201", "$.spec.trust: the key `peer` is not known"),
        ("Mesh", "domains: {d: {services: [s]}}\n".into(), "CM0202", "$.spec: \"trustDomain\" is missing"),
        ("Mesh", format!("{mesh}  onInvalid: drop\n"), "CM0204", "$.spec.onInvalid: "),
        ("Mesh", format!("{mesh}  maxAge: 5\n"), "CM0204", "$.spec.maxAge: fits none of the alternatives"),
        ("Mesh", format!("{mesh}  gateways: s\n"), "CM0203", "$.spec.gateways: is not of type \"array\""),
        ("Mesh", format!("{mesh}  gateways: [a/b]\n"), "CM0204", "$.spec.gateways[0]: \"a/b\" does not match"),
        ("Mesh", format!("{mesh}  memory: {{slots: 0}}\n"), "CM0204", "$.spec.memory.slots: 0 is less than 1"),
        (
            "Mesh",
            format!("{mesh}  carriers: {{envelope: true}}\n"),
            "CM0206",
            "$.spec.carriers.envelope: true is none of [false]",
        ),
        ("Mesh", format!("{mesh}  identity:\n"), "CM0203", "$.spec.identity: is not of type \"string\""),
        ("ContextSchema", field("header: 7"), "CM0203", "$.spec.fields.f.header: is not of type \"string\""),
        ("ContextSchema", field("required: yes"), "CM0203", "$.spec.fields.f.required: is not of type \"boolean\""),
        ("ContextSchema", field("maxBytes: 0"), "CM0204", "$.spec.fields.f.maxBytes: 0 is less than 1"),
        ("ContextSchema", field("enum: []"), "CM0204", "$.spec.fields.f.enum: has too few elements"),
        ("ContextSchema", field("merge: add"), "CM0204", "$.spec.fields.f.merge: "),
        ("ContextSchema", field("classification: secret"), "CM0204", "$.spec.fields.f.classification: "),
        ("ContextSchema", "fields: {f: {type: text}}\n".into(), "CM0204", "$.spec.fields.f.type: fits none"),
        ("ContextSchema", "fields: {f: {type: list<list<int>>}}\n".into(), "CM0204", "$.spec.fields.f.type: fits none"),
        ("ContextSchema", "fields: {f: {}}\n".into(), "CM0202", "$.spec.fields.f: \"type\" is missing"),
        ("ContextPolicy", rule("deny: {}, allow: {}"), "CM0204", "$.spec.rules[0]: fits 2 of the alternatives"),
        ("ContextPolicy", rule("when: true"), "CM0202", "$.spec.rules[0]: fits 0 of the alternatives"),
        ("ContextPolicy", rule("deny: {status: 200}"), "CM0204", "$.spec.rules[0].deny.status: 200 is less than 400"),
        ("ContextPolicy", rule("deny: {code: 403}"), "CM0201", "$.spec.rules[0].deny: the key `code` is not known"),
        ("ContextPolicy", rule("allow: false"), "CM0203", "$.spec.rules[0].allow: fits none of the alternatives"),
        ("ContextPolicy", rule("redact: []"), "CM0204", "$.spec.rules[0].redact: fits none of the alternatives"),
        ("ContextPolicy", rule("redact: {}"), "CM0202", "$.spec.rules[0].redact: fits none of the alternatives"),
        ("ContextPolicy", rule("mask: {fields: [f]}"), "CM0202", "$.spec.rules[0].mask: fits 0 of the alternatives"),
        (
            "ContextPolicy",
            rule("mask: {fields: [f], keepLast: 65}"),
            "CM0204",
            "$.spec.rules[0].mask.keepLast: 65 is more",
        ),
        ("ContextPolicy", rule("set: {}"), "CM0204", "$.spec.rules[0].set: has too few keys"),
        ("ContextPolicy", rule("limit: {}, deny: {}"), "CM0206", "$.spec.rules[0]: the key `limit` is not known"),
        ("ContextPolicy", rule("when: ' ', deny: {}"), "CM0204", "$.spec.rules[0].when: \" \" does not match"),
        ("ContextPolicy", "workloads: []\n  rules: []\n".into(), "CM0204", "$.spec.workloads: has too few elements"),
        ("Policy", "rules: []\n".into(), "CM0205", "$.kind: \"Policy\" is none of"),
    ];
    for (kind, spec, code, expected) in cases {
        let text = format!("apiVersion: contextmesh.io/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n  {spec}");
        let mut sources = Sources::new("t");
        sources.add("a.yaml", text.as_str());
        let diagnostics = compile(&sources).expect_err("the document is wrong");
        assert!(diagnostics.iter().any(|d| d.code == code), "{text}{}", diagnostics.to_text(&sources));
        let problems = found(&read_documents(&text)[0]);
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{text}{problems:?}");
    }
}

/// The documents of `tests/diagnostics`: if the compiler reports a wrong shape, the schema does too.
#[test]
fn the_shape_of_broken_documents_is_wrong_for_both() {
    const SHAPE: [&str; 3] = ["CM0201", "CM0202", "CM0203"];
    // Not YAML, or YAML with unsupported features: an editor's own reader reports these.
    const UNREADABLE: [&str; 5] = ["CM0101", "CM0102", "CM0103", "CM0104", "CM0105"];
    let (mut wrong, mut files) = (0, 0);
    for path in yaml_files(&package().join("tests/diagnostics")) {
        let mut sources = Sources::new("t");
        sources.add("a.yaml", fs::read(&path).unwrap());
        let codes: Vec<&str> = compile(&sources).map_or_else(|d| d.iter().map(|d| d.code).collect(), |_| Vec::new());
        if codes.iter().any(|code| UNREADABLE.contains(code)) {
            continue;
        }
        let documents = read_documents(&fs::read_to_string(&path).unwrap());
        let problems: Vec<String> = documents.iter().flat_map(found).collect();
        let shape = codes.iter().any(|code| SHAPE.contains(code));
        assert!(!shape || !problems.is_empty(), "{}: {codes:?}, and the schema finds nothing", path.display());
        assert!(problems.is_empty() || !codes.is_empty(), "{}: {problems:?}", path.display());
        files += 1;
        wrong += usize::from(shape);
    }
    assert!(files > 20 && wrong > 3, "{wrong} of {files}");
}
