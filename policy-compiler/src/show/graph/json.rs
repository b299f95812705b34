//! The graph as one JSON document.

use serde_json::{Value, json};

use super::{Graph, Passage};

/// The whole graph: domains with their services, fields, and calls with what becomes of the fields. `docs/policyc.md` says what
/// each key holds.
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
        let none = Vec::new();
        let (passes, rules) = match &call.passage {
            Passage::Always => ("always", &none),
            Passage::OnCondition(rules) => ("onCondition", rules),
            Passage::Never(rules) => ("never", rules),
        };
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
    json!({
        "mesh": graph.mesh,
        "domains": domains.collect::<Value>(),
        "fields": fields.collect::<Value>(),
        "rulesOfEveryCall": graph.everywhere,
        "calls": calls.collect::<Value>(),
    })
}
