//! Helpers that several tests share.

#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod golden;
pub(crate) mod many_policies;
pub(crate) mod markdown;
pub(crate) mod rules;
pub(crate) mod schema;

use std::path::{Path, PathBuf};

use policy_compiler::{
    Compiled,
    check::model::Model,
    compile_with_model,
    read::yaml::{self, Node},
    report::{diagnostic::Diagnostics, source::Sources},
    run::testing,
};
use serde_json::{Map, Value};

/// Returns the root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns a tree of one file.
pub(crate) fn tree(text: impl Into<Vec<u8>>) -> Sources {
    let mut sources = Sources::new("policy");
    sources.add("policy.yaml", text);
    sources
}

/// Compiles a tree. Panics with what is wrong with it.
pub(crate) fn compiled(sources: &Sources) -> (Compiled, Model) {
    compile_with_model(sources).unwrap_or_else(|found| panic!("{}", found.to_text(sources)))
}

/// Runs the tests of a tree. Returns those that fail.
pub(crate) fn failed_tests(sources: &Sources) -> Vec<String> {
    let (compiled, model) = compiled(sources);
    let report = testing::run(&compiled, &model, &[]).unwrap();
    report.failed().map(|result| format!("{result:?}")).collect()
}

/// Returns the documents of a YAML text as JSON, by the compiler's own reader. Empty documents are left out.
pub(crate) fn read_documents(text: &str) -> Vec<Value> {
    let mut sources = Sources::new("t");
    let id = sources.add("a.yaml", text);
    let mut diagnostics = Diagnostics::new();
    let documents = yaml::parse(id, sources.file(id).unwrap(), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.to_text(&sources));
    documents.iter().map(value).filter(|document| !document.is_null()).collect()
}

/// Returns the only document of a YAML text.
pub(crate) fn read_yaml(text: &str) -> Value {
    read_documents(text).remove(0)
}

fn value(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Mapping(entries) => {
            entries.iter().map(|(key, node)| (key.value.clone(), value(node))).collect::<Map<_, _>>().into()
        }
        yaml::Value::Sequence(nodes) => nodes.iter().map(value).collect(),
        yaml::Value::Scalar(scalar) if scalar.is_null() => Value::Null,
        yaml::Value::Scalar(scalar) if scalar.is_string() => scalar.text.as_str().into(),
        yaml::Value::Scalar(scalar) => match (scalar.as_bool(), scalar.as_int()) {
            (Some(bool), _) => bool.into(),
            (_, Some(int)) => int.into(),
            _ => serde_json::from_str(&scalar.text).unwrap_or_else(|_| scalar.text.as_str().into()),
        },
        yaml::Value::Refused => panic!("refused"),
    }
}

/// Returns all YAML files below a folder, sorted.
pub(crate) fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
    found.sort();
    found
}
