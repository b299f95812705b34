//! The differences as one JSON document.

use serde_json::{Map, Value, json};

use super::{Change, Decision, Difference, Impact, What};
use crate::run::eval;

/// Returns the differences: `changes` and, if there are recorded requests, `requests`.
pub fn document(changes: &[Change], impact: Option<&Impact>) -> Value {
    let mut document = Map::new();
    document.insert("changes".to_owned(), changes.iter().map(change).collect());
    if let Some(impact) = impact {
        let differences: Vec<Value> = impact.differences.iter().map(difference).collect();
        let requests = json!({"total": impact.total, "different": differences.len(), "differences": differences});
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
    }
}
