//! Comparisons as JSON.

use semver::Version;
use serde_json::{Value, json};

use super::{Advice, Matrix, Reason, SchemaChange};

/// Returns the changes of all schemas as one document.
pub fn check_json(changes: &[SchemaChange]) -> Value {
    let schemas: Vec<Value> = changes.iter().map(schema).collect();
    json!({ "schemas": schemas })
}

fn schema(change: &SchemaChange) -> Value {
    let SchemaChange { domain, name, old, new, comparison, advice } = change;
    let changes: Vec<Value> = comparison
        .changes
        .iter()
        .map(|change| {
            json!({
                "field": change.field,
                "option": change.option,
                "change": change.text,
                "backward": change.backward.as_ref().map(reason),
                "forward": change.forward.as_ref().map(reason),
            })
        })
        .collect();
    let needed = match advice {
        Advice::Raise(version) => Some(version.to_string()),
        Advice::Fits | Advice::Unversioned => None,
    };
    json!({
        "domain": domain,
        "name": name,
        "old": text(old.as_ref()),
        "new": text(new.as_ref()),
        "compatible": comparison.verdict().as_str(),
        "changes": changes,
        "neededVersion": needed,
    })
}

fn text(version: Option<&Version>) -> Option<String> {
    version.map(ToString::to_string)
}

fn reason(reason: &Reason) -> Value {
    json!({ "aspect": reason.aspect.as_str(), "reason": reason.text })
}

/// Returns the matrices of all schemas as one document.
pub fn matrix_json(matrices: &[Matrix]) -> Value {
    let schemas: Vec<Value> = matrices.iter().map(one_matrix).collect();
    json!({ "schemas": schemas })
}

fn one_matrix(matrix: &Matrix) -> Value {
    let Matrix { domain, name, versions, cells } = matrix;
    let mut pairs = Vec::new();
    for (writer, row) in versions.iter().zip(cells) {
        for (reader, reasons) in versions.iter().zip(row) {
            let reasons: Vec<Value> = reasons
                .iter()
                .map(|(field, reason)| json!({ "field": field, "aspect": reason.aspect.as_str(), "reason": reason.text }))
                .collect();
            pairs.push(json!({ "writer": writer, "reader": reader, "ok": reasons.is_empty(), "reasons": reasons }));
        }
    }
    json!({ "domain": domain, "name": name, "versions": versions, "pairs": pairs })
}
