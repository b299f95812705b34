//! The graph as one JSON document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Graph, Passage, fold::fold};
use crate::read::document::About;

/// Returns the whole graph: domains with their services, fields, and calls with the fates of the fields.
/// `docs/policyc.md` describes each key.
pub fn document(graph: &Graph) -> Value {
    let domains = graph.domains.iter().map(|domain| {
        let services = domain.services.iter().filter_map(|service| graph.services.get(*service));
        let services = services.map(|service| json!({"name": service.name, "gateway": service.gateway}));
        json!({
            "name": domain.name,
            "region": domain.region,
            "frameworks": domain.frameworks,
            "services": services.collect::<Value>(),
        })
    });
    let fields = graph.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "owner": field.owner,
            "classification": field.classification.name(),
            "residency": field.residency,
        })
    });
    let calls = graph.calls.iter().map(|call| {
        let (passes, rules) = passage(&call.passage);
        let limits = call.limits.iter().filter_map(|limit| {
            let field = graph.fields.get(limit.field)?;
            Some(json!({"field": field.name, "fate": limit.fate.name(), "rules": limit.rules}))
        });
        json!({
            "from": graph.service_name(call.from),
            "to": graph.service_name(call.to),
            "passes": passes,
            "rules": rules,
            "fields": limits.collect::<Value>(),
        })
    });
    let statements = fold(graph.calls.iter().map(|call| (call.from, call.to, passage(&call.passage))));
    let statements = statements.into_iter().map(|statement| {
        let (passes, rules) = statement.holds;
        let names = |set: &BTreeSet<usize>| set.iter().map(|at| graph.service_name(*at)).collect::<Vec<_>>();
        json!({"passes": passes, "rules": rules, "from": names(&statement.from), "to": names(&statement.to)})
    });
    json!({
        "mesh": graph.mesh,
        "domains": domains.collect::<Value>(),
        "fields": fields.collect::<Value>(),
        "rulesOfEveryCall": graph.everywhere,
        "rules": graph.about.iter().map(rule).collect::<Value>(),
        "statements": statements.collect::<Value>(),
        "calls": calls.collect::<Value>(),
    })
}

/// Returns what people know of a rule.
fn rule((name, about): &(String, About)) -> Value {
    let expires = about.expires.map(|expires| expires.value.to_string());
    json!({"name": name, "description": about.description, "owner": about.owner, "expires": expires})
}

fn passage(passage: &Passage) -> (&'static str, &[String]) {
    match passage {
        Passage::Always => ("always", &[]),
        Passage::OnCondition(rules) => ("onCondition", rules),
        Passage::Never(rules) => ("never", rules),
    }
}
