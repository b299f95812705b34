//! Writes a document with rules as a person would.

use std::fmt::Write as _;

use super::condition::Condition;
use super::document::{Document, Effect, Planned};
use super::share;
use super::yaml::{LINE, flow_scalar, list, scalar};
use crate::import::istio::Resources;

/// Returns the text of a document.
pub(super) fn text(document: &Document, resources: &Resources) -> String {
    let mut rules = document.rules.clone();
    let mut variables = document.variables.clone();
    let mut conditions: Vec<&mut Condition> =
        rules.iter_mut().filter(|rule| rule.left_out.is_none()).map(|rule| &mut rule.when).collect();
    share::share(&mut conditions, &mut variables);
    let read: String = conditions.iter().map(|condition| condition.text() + "\n").collect();
    let of_variables: String = variables.iter().map(|(_, text)| text.as_str()).collect();
    variables.retain(|(name, _)| [&read, &of_variables].iter().any(|text| reads(text, name)));
    let mut out = String::new();
    for policy in document.policies.iter().filter_map(|index| resources.policies.get(*index)) {
        let _ = writeln!(out, "# AuthorizationPolicy {}/{}", policy.namespace, policy.name.value);
    }
    out.push_str("apiVersion: contextmesh.io/v1\nkind: ContextPolicy\n");
    let owner = document.domain.as_ref().map_or(String::new(), |domain| format!(", domain: {}", flow_scalar(domain)));
    let _ = writeln!(out, "metadata: {{name: {}{owner}}}", flow_scalar(&document.name));
    let _ = writeln!(out, "spec:\n  workloads: {}", list(document.workloads.iter().map(String::as_str)));
    if !variables.is_empty() {
        out.push_str("  variables:\n");
        for (name, expression) in &variables {
            let _ = writeln!(out, "    - name: {name}\n      expression: {}", scalar(expression));
        }
    }
    if rules.iter().any(|rule| rule.left_out.is_none()) {
        out.push_str("  rules:\n");
    } else {
        out.push_str("  rules: []\n");
    }
    rules.iter().for_each(|rule| self::rule(rule, document, resources, &mut out));
    out
}

/// Whether a text reads a variable.
fn reads(text: &str, name: &str) -> bool {
    let wanted = format!("variables.{name}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(&wanted).any(|(at, _)| text.get(at + wanted.len()..).is_some_and(ends))
}

fn rule(rule: &Planned, document: &Document, resources: &Resources, out: &mut String) {
    let Some(policy) = resources.policies.get(rule.policy) else { return };
    let several = document.policies.len() > 1;
    let source = match rule.rule {
        Some(number) if policy.rules.len() > 1 => {
            format!("{}/{}, rule {}", policy.namespace, policy.name.value, number + 1)
        }
        _ => format!("{}/{}", policy.namespace, policy.name.value),
    };
    if let Some(why) = &rule.left_out {
        let _ = writeln!(out, "    # {source} is left out: {why}.");
        return;
    }
    if rule.name == "allow-nothing" && rule.rule.is_none() {
        out.push_str("    # There are ALLOW policies, and none of them lets anything through.\n");
    } else if several || policy.rules.len() > 1 {
        let _ = writeln!(out, "    # from {source}");
    }
    let _ = writeln!(out, "    - name: {}", flow_scalar(&rule.name));
    if rule.when != Condition::Always(true) {
        let text = rule.when.text();
        let lines = rule.when.lines(LINE);
        if text.len() <= LINE || lines.len() == 1 {
            let _ = writeln!(out, "      when: {}", scalar(&text));
        } else {
            let _ = writeln!(out, "      when: >-\n        {}", lines.join("\n        "));
        }
    }
    if rule.shadow {
        out.push_str("      enforcement: shadow\n");
    }
    out.push_str(match rule.effect {
        Effect::Deny => "      deny: {}\n",
        Effect::Allow => "      allow: {}\n",
        Effect::Audit => "      audit: {}\n",
    });
    if !rule.silence.is_empty() {
        let entry = |(code, reason): &(&str, String)| format!("{{code: {code}, reason: {}}}", flow_scalar(reason));
        let entries: Vec<String> = rule.silence.iter().map(entry).collect();
        let _ = writeln!(out, "      silence: [{}]", entries.join(", "));
    }
}
