//! The differences as one JSON document.

use serde_json::{Map, Value, json};

use super::{Change, Decision, Difference, Impact, Undecided, What, Why};
use crate::run::eval;

/// Returns the differences: `changes` and, if there are recorded requests, `requests`.
pub fn document(changes: &[Change], impact: Option<&Impact>) -> Value {
    let mut document = Map::new();
    document.insert("changes".to_owned(), changes.iter().map(change).collect());
    if let Some(impact) = impact {
        let differences: Vec<Value> = impact.differences.iter().map(difference).collect();
        let undecided: Vec<Value> = impact.undecided.iter().map(undecided).collect();
        let not_replayed = impact.not_replayed();
        let requests = json!({
            "total": impact.total,
            "same": impact.same(),
            "different": differences.len(),
            "unknown": undecided.len().saturating_sub(not_replayed),
            "notReplayed": not_replayed,
            "differences": differences,
            "undecided": undecided,
        });
        document.insert("requests".to_owned(), requests);
    }
    Value::Object(document)
}

fn change(change: &Change) -> Value {
    let properties = |of: &[(String, String)]| of.iter().cloned().map(|(name, value)| (name, json!(value))).collect();
    let (how, properties): (&str, Map<String, Value>) = match &change.what {
        What::Added(of) => ("added", properties(of)),
        What::Removed(of) => ("removed", properties(of)),
        What::Changed(of) => {
            ("changed", of.iter().map(|(name, old, new)| (name.clone(), json!({"old": old, "new": new}))).collect())
        }
    };
    json!({"kind": change.kind.as_str(), "name": change.name, "change": how, "properties": properties})
}

fn difference(difference: &Difference) -> Value {
    let values = |of: &[(String, Option<String>, Option<String>)]| -> Map<String, Value> {
        of.iter().map(|(name, old, new)| (name.clone(), json!({"old": old, "new": new}))).collect()
    };
    json!({
        "name": difference.recorded.name,
        "request": eval::json::request(&difference.recorded.request),
        "notes": difference.recorded.notes,
        "old": decision(&difference.old),
        "new": decision(&difference.new),
        "context": values(&difference.context),
        "headers": values(&difference.headers),
    })
}

fn undecided(undecided: &Undecided) -> Value {
    let recorded = undecided.recorded.earlier.as_ref().map(eval::json::earlier);
    let mut object = json!({
        "name": undecided.recorded.name,
        "request": eval::json::request(&undecided.recorded.request),
        "notes": undecided.recorded.notes,
        "recorded": recorded,
        "old": decision(&undecided.old),
        "new": decision(&undecided.new),
    });
    let (key, value) = match &undecided.why {
        Why::Unknown(depends) => ("dependsOn", json!(depends)),
        Why::NotReplayed(reason) => ("notReplayed", json!(reason)),
    };
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
    object
}

fn decision(decision: &Decision) -> Value {
    match decision {
        Decision::GoesOn => json!({"decision": "allow"}),
        Decision::Refused(refusal) => json!({
            "decision": "deny",
            "rule": refusal.rule,
            "status": refusal.status,
            "grpcStatus": refusal.grpc_status,
            "message": refusal.message,
        }),
        Decision::Failed(error) => json!({"decision": "error", "error": error}),
        Decision::OneOf(decisions) => {
            json!({"decision": "unknown", "possible": decisions.iter().map(self::decision).collect::<Vec<_>>()})
        }
    }
}
