//! `cedar-policy`: a `forbid` policy for each rule, and one that permits everything.
//!
//! Cedar has no regular expressions, so a path with a version is compared by `like`.

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use context_mesh_benches::native::request;
use context_mesh_benches::rule_sets::{Condition, Read, Term};
use serde_json::json;

use crate::engine::Decide;

pub fn prepare(conditions: &[Condition]) -> Result<Decide, String> {
    let mut text = "permit(principal, action, resource);\n".to_owned();
    for condition in conditions {
        let terms: Vec<String> = condition.iter().map(term).collect();
        text.push_str(&format!("forbid(principal, action, resource) when {{ {} }};\n", terms.join(" && ")));
    }
    let policies: PolicySet = text.parse().map_err(|error| format!("{error}"))?;
    let named = |text: &str| text.parse::<EntityUid>().map_err(|error| error.to_string());
    let context = Context::from_json_value(context(), None).map_err(|error| error.to_string())?;
    let request =
        Request::new(named("User::\"user_7\"")?, named("Action::\"get\"")?, named("Path::\"it\"")?, context, None)
            .map_err(|error| error.to_string())?;
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    Ok(Box::new(move || {
        let answer = authorizer.is_authorized(&request, &policies, &entities);
        answer.decision() == Decision::Allow && answer.diagnostics().errors().next().is_none()
    }))
}

/// Returns the path and the fields that rules read.
pub fn context() -> serde_json::Value {
    let path = request::HEADERS.iter().find(|(name, _)| *name == ":path").map_or("", |(_, value)| *value);
    let mut context = json!({ "path": path });
    for (name, _, text) in request::FIELDS {
        // Cedar has no numbers with a fraction.
        if name != "risk_score" {
            context[name] = serde_json::from_str(text).unwrap_or_default();
        }
    }
    context
}

fn term(term: &Term) -> String {
    match term {
        Term::Is(read, text) => format!("{} == \"{text}\"", value(*read)),
        Term::IsNot(read, text) => format!("{} != \"{text}\"", value(*read)),
        Term::StartsWith(read, text) => format!("{} like \"{text}*\"", value(*read)),
        Term::IsOneOf(read, texts) => format!("{texts:?}.contains({})", value(*read)),
        Term::PathWithVersion(first) => format!("context.path like \"/{first}/v*/*\""),
        Term::Within(field, low, high) => format!("context.{field} >= {low} && context.{field} < {high}"),
        Term::TwiceIs(field, number) => format!("context.{field} * 2 == {number}"),
    }
}

fn value(read: Read) -> String {
    match read {
        Read::Path => "context.path".to_owned(),
        Read::Field(name) => format!("context.{name}"),
        Read::Header(name) => format!("context[\"{name}\"]"),
    }
}
