//! The resources as JSON.

use serde_json::{Map, Value, json};

use super::{
    Target,
    clause::{Clause, Clauses, Constraint, Key},
    rules::{Decisions, Group},
};
use crate::pack::emit::kubernetes;

const API_VERSION: &str = "security.istio.io/v1";

/// Annotation with the names of the rules of the tree: one for each rule of the resource, in their order; for ALLOW those
/// of all allow rules.
const RULES: &str = "contextmesh.io/rules";

/// Annotation of a resource that Istio only reports about.
const DRY_RUN: &str = "istio.io/dry-run";

/// Returns the resources of a service.
pub(super) fn all(service: &str, target: Target<'_>, decisions: &Decisions) -> Vec<Value> {
    let mut found = Vec::new();
    for (group, shadow) in [(&decisions.enforced, false), (&decisions.shadow, true)] {
        let Group { deny, allow, audit } = group;
        let resource = |action: &str, rules: &[(String, Clauses)]| resource(service, target, action, shadow, rules);
        found.extend(has_rules(deny).then(|| resource("DENY", deny)));
        found.extend(allow.as_ref().map(|allow| resource("ALLOW", std::slice::from_ref(allow))));
        found.extend(has_rules(audit).then(|| resource("AUDIT", audit)));
    }
    found
}

/// Whether any of the rules can match. Without rules a resource denies nothing, but an ALLOW denies everything.
fn has_rules(rules: &[(String, Clauses)]) -> bool {
    rules.iter().any(|(_, clauses)| !clauses.is_empty())
}

fn resource(service: &str, target: Target<'_>, action: &str, shadow: bool, rules: &[(String, Clauses)]) -> Value {
    let mut metadata = kubernetes::metadata(Some(service), target.namespace, target.artifact);
    let suffix = if shadow { "-dry-run" } else { "" };
    let name = format!("{}-{}{suffix}", kubernetes::resource_name(Some(service)), action.to_ascii_lowercase());
    metadata["name"] = name.into();
    // Allow rules are combined, so their names are those of all of them.
    let of_each = |clauses: &Clauses| if action == "ALLOW" { 1 } else { clauses.len() };
    let names = rules.iter().flat_map(|(name, clauses)| std::iter::repeat_n(name.as_str(), of_each(clauses)));
    metadata["annotations"][RULES] = names.collect::<Vec<_>>().join(", ").into();
    if shadow {
        metadata["annotations"][DRY_RUN] = "true".into();
    }
    let labels: Map<String, Value> =
        target.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let mut spec = json!({"selector": {"matchLabels": labels}, "action": action});
    let rules: Vec<Value> = rules.iter().flat_map(|(_, clauses)| clauses).map(rule).collect();
    if !rules.is_empty() {
        spec["rules"] = rules.into();
    }
    json!({"apiVersion": API_VERSION, "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec})
}

/// Returns a rule of Istio.
fn rule(clause: &Clause) -> Value {
    let (mut source, mut operation, mut when) = (Map::new(), Map::new(), Vec::new());
    for Constraint { key, negated, values } in &clause.0 {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let (list, name, condition) = match key {
            Key::Principal => (Some(&mut source), ["principals", "notPrincipals"], "source.principal".to_owned()),
            Key::DirectIp => (Some(&mut source), ["ipBlocks", "notIpBlocks"], "source.ip".to_owned()),
            Key::RemoteIp => (Some(&mut source), ["remoteIpBlocks", "notRemoteIpBlocks"], "remote.ip".to_owned()),
            Key::Host => (Some(&mut operation), ["hosts", "notHosts"], String::new()),
            Key::Method => (Some(&mut operation), ["methods", "notMethods"], String::new()),
            Key::Path => (Some(&mut operation), ["paths", "notPaths"], String::new()),
            Key::Port => (Some(&mut operation), ["ports", "notPorts"], "destination.port".to_owned()),
            Key::Sni => (None, [""; 2], "connection.sni".to_owned()),
            Key::Header(name) => (None, [""; 2], format!("request.headers[{name}]")),
            Key::Claim(path) => (None, [""; 2], format!("request.auth.claims{path}")),
            // They have been replaced by principals.
            Key::Namespace => (None, [""; 2], "source.namespace".to_owned()),
            Key::Account => (None, [""; 2], "source.serviceAccount".to_owned()),
        };
        let name = name[usize::from(*negated)];
        match list {
            Some(list) if !list.contains_key(name) => {
                list.insert(name.to_owned(), json!(values));
            }
            _ => when.push(json!({"key": condition, (if *negated { "notValues" } else { "values" }): values})),
        }
    }
    let mut rule = Map::new();
    if !source.is_empty() {
        rule.insert("from".to_owned(), json!([{"source": source}]));
    }
    if !operation.is_empty() {
        rule.insert("to".to_owned(), json!([{"operation": operation}]));
    }
    if !when.is_empty() {
        rule.insert("when".to_owned(), when.into());
    }
    rule.into()
}
