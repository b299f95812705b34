//! An evaluation as JSON.

use context_mesh_core::{
    artifact::tables::{Layer, Tables},
    context::Context,
};
use serde_json::{Map, Value, json};

use super::{Evaluation, Partly};
use crate::{
    check::model::Request,
    run::{
        explain::{PartValue, ReadValue, RuleRun},
        recorded::{Earlier, Recorded},
        replay::Applies,
        simulate::{Outcome, Refusal},
    },
};

/// Returns the evaluation as JSON. `explain` includes every rule that was run.
pub fn value(recorded: &Recorded, evaluation: &Evaluation<'_>, tables: &Tables, explain: bool) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(recorded.name));
    object.insert("request".to_owned(), request(&recorded.request));
    object.insert("notes".to_owned(), json!(recorded.notes));
    if let Some(recorded) = &recorded.earlier {
        object.insert("recorded".to_owned(), earlier(recorded));
    }
    match &evaluation.partly {
        None => {
            object.extend(outcome(&evaluation.outcome));
            object.insert("why".to_owned(), json!(evaluation.why));
        }
        Some(partly) => object.extend(possible(partly, tables)),
    }
    if explain {
        let partly = evaluation.partly.as_ref();
        let rules: Vec<Value> = evaluation.runs.iter().filter_map(|run| rule(run, partly, tables)).collect();
        object.insert("explain".to_owned(), Value::Array(rules));
    }
    Value::Object(object)
}

/// Returns the decision when a request was recorded.
pub fn earlier(earlier: &Earlier) -> Value {
    let word = if earlier.refused_by.is_some() { "deny" } else { "allow" };
    json!({"decision": word, "rule": earlier.refused_by, "status": earlier.status})
}

/// Returns a summary of the request.
pub fn request(request: &Request) -> Value {
    json!({
        "workload": request.workload,
        "role": request.role.as_str(),
        "principal": request.principal,
        "line": request.line(),
        "destination": request.destination,
    })
}

/// Returns a context as an object.
pub fn context(context: &Context) -> Value {
    let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    Value::Object(context.iter().map(|(name, text)| (name.to_owned(), value(text))).collect())
}

/// Returns what is known of a request with gaps.
fn possible(partly: &Partly, tables: &Tables) -> Map<String, Value> {
    let one = |decision: &Option<Refusal>| match decision {
        None => json!({"decision": "allow"}),
        Some(refusal) => json!({
            "decision": "deny",
            "rule": refusal.rule,
            "status": refusal.status,
            "grpcStatus": refusal.grpc_status,
            "message": refusal.message,
        }),
    };
    let known = match partly.possible.known() {
        Some(decision) => one(decision),
        None => json!({"decision": "unknown"}),
    };
    let mut members = known.as_object().cloned().unwrap_or_default();
    members.insert("possible".to_owned(), partly.possible.decisions.iter().map(one).collect());
    members.insert("dependsOn".to_owned(), json!(partly.possible.depends));
    members.insert("rules".to_owned(), json!(partly.names(tables, true)));
    members.insert("mayApply".to_owned(), json!(partly.names(tables, false)));
    members
}

fn outcome(outcome: &Outcome) -> Map<String, Value> {
    let header = |(name, value): &(String, Option<Vec<u8>>)| json!({"name": name, "value": value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())});
    let refusal = outcome.refusal.as_ref();
    let errors = outcome.errors.iter().map(|(rule, error)| json!({"rule": rule, "error": error}));
    let members = [
        ("decision", json!(if refusal.is_some() { "deny" } else { "allow" })),
        ("rule", json!(refusal.map(|refusal| &refusal.rule))),
        ("status", json!(refusal.map(|refusal| refusal.status))),
        ("grpcStatus", json!(refusal.map(|refusal| refusal.grpc_status))),
        ("message", json!(refusal.map(|refusal| &refusal.message))),
        ("context", context(&outcome.context)),
        ("headers", outcome.edits.iter().map(header).collect()),
        ("rules", json!(outcome.rules)),
        ("audited", json!(outcome.audited)),
        ("shadow", json!(outcome.shadow)),
        ("set", json!(outcome.set)),
        ("redacted", json!(outcome.redacted)),
        ("masked", json!(outcome.masked)),
        ("by", Value::Object(outcome.by.iter().map(|(field, rule)| (field.clone(), json!(rule))).collect())),
        ("keptInRegion", json!(outcome.kept_in_region)),
        ("problems", json!(outcome.problems)),
        ("errors", errors.collect()),
    ];
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Returns a rule that was run, with the parts of its condition.
pub(in crate::run) fn rule(run: &RuleRun<'_>, partly: Option<&Partly>, tables: &Tables) -> Option<Value> {
    let rule = run.rule.get(&tables.rules)?;
    let layer = if rule.layer == Layer::Enterprise { "enterprise" } else { "domain" };
    let (verdict, applied, error) = match partly {
        None => (super::text::verdict(run, rule).to_owned(), json!(run.applied), run.error),
        Some(partly) => {
            let unknown = matches!(partly.applies(run.rule), Some(Applies::Unknown(_)));
            let (verdict, applied) = super::partly_text::verdict(partly, run, rule);
            (verdict, if unknown { Value::Null } else { json!(applied) }, None)
        }
    };
    let values = run.values.iter().map(|(field, value)| json!({"field": field, "value": part(value)}));
    Some(json!({
        "rule": rule.name,
        "layer": layer,
        "effect": super::text::effect(rule),
        "place": rule.place,
        "shadow": rule.shadow,
        "applied": applied,
        "verdict": verdict,
        "error": error,
        "condition": run.condition.as_ref().map(part),
        "values": values.collect::<Vec<_>>(),
    }))
}

fn part(value: &PartValue<'_>) -> Value {
    let read = |read: &ReadValue<'_>| {
        json!({
            "text": read.read.text,
            "value": read.value.to_string(),
            "variable": read.variable.as_ref().map(part),
        })
    };
    json!({
        "text": value.part.text,
        "value": value.value.to_string(),
        "parts": value.parts.iter().map(part).collect::<Vec<_>>(),
        "reads": value.reads.iter().map(read).collect::<Vec<_>>(),
    })
}
