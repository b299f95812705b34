//! Explains a decision in one sentence, by the precedence of rules.

use context_mesh_core::index::RuleIndex;
use context_mesh_core::{
    artifact::tables::{Effect, Layer, RuleTable, Tables},
    cause::{Cause, MeshCause},
    pipeline::Role,
};

use crate::check::model::DEFAULT_RULE;
use crate::run::simulate::{Outcome, Refusal};

/// Returns why the request was allowed or denied. `run` are the rules that were run, as indices into the artifact's
/// rules.
pub fn why(outcome: &Outcome, role: Role, run: &[RuleIndex], tables: &Tables) -> String {
    let rules: Vec<&RuleTable> = run.iter().filter_map(|index| index.get(&tables.rules)).collect();
    match &outcome.refusal {
        None if role == Role::Egress => {
            "the call leaves the mesh: no rule is run, and the context stays inside".to_owned()
        }
        None => goes_on(outcome, &rules),
        Some(refusal) => refused(refusal, outcome, &rules),
    }
}

fn goes_on(outcome: &Outcome, rules: &[&RuleTable]) -> String {
    let allowing: Vec<String> = rules
        .iter()
        .filter(|rule| rule.effect == Effect::Allow && applied(outcome, rule))
        .map(|rule| format!("`{}`", rule.name))
        .collect();
    match allowing.as_slice() {
        [] if rules.is_empty() => "no rule applies to this workload and direction, so the request goes on".to_owned(),
        [] => "no rule refuses the request, and no layer has allow rules that would have to match".to_owned(),
        names => format!("no rule refuses the request, and {} it", verb(names, "allows", "allow")),
    }
}

fn verb(names: &[String], one: &str, many: &str) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { one } else { many })
}

fn refused(refusal: &Refusal, outcome: &Outcome, rules: &[&RuleTable]) -> String {
    let rule = match Cause::of(&refusal.rule) {
        Cause::Mesh(cause) => return by_mesh(cause),
        Cause::NotAllowed(layer) => return no_allow_rule(layer, rules),
        Cause::Rule(DEFAULT_RULE) => {
            return "the mesh says `default: deny`, and no allow rule is for this workload".to_owned();
        }
        Cause::Rule(name) => rules.iter().find(|rule| rule.name == name),
    };
    let Some(rule) = rule else { return format!("`{}` refuses the request", refusal.rule) };
    let cause = match (outcome.errors.iter().find(|(name, _)| *name == rule.name), &rule.effect) {
        (Some((_, error)), _) => format!("its condition ends with error:{error}, which counts as true"),
        (None, Effect::Require { fields, .. }) => format!("not all of {} are there", quoted(fields)),
        (None, _) => "its condition is true".to_owned(),
    };
    let rank = match rule.layer {
        Layer::Enterprise => "nothing undoes what the enterprise refuses",
        Layer::Domain => "no rule of the enterprise refuses it, and no allow rule undoes a refusal of the domain",
    };
    let others: Vec<String> = rules
        .iter()
        .filter(|other| other.name != rule.name && refuses(other) && applied(outcome, other))
        .map(|other| format!("`{}`", other.name))
        .collect();
    let others = match others.as_slice() {
        [] => String::new(),
        names => format!("; {} it too", verb(names, "refuses", "refuse")),
    };
    format!("`{}` refuses the request because {cause}; {rank}{others}", rule.name)
}

fn by_mesh(cause: MeshCause) -> String {
    match cause {
        MeshCause::AmbiguousPath => {
            "the path of the request has more than one reading, so a rule and the application may not see the same; see `ambiguousPath`"
        }
        MeshCause::AmbiguousRecall => {
            "several open requests with other contexts have the call's id, and `ambiguousRecall: deny` refuses it before any rule is run"
        }
        MeshCause::Budget => "the request asks for more work or memory than one may; `policyc check --costs` shows what rules take at worst",
        MeshCause::CallerMismatch => {
            "the context names another caller than the peer, and `trust.callerMismatch: deny` refuses it before any rule is run"
        }
        MeshCause::ContextSize => "a required or protected field does not fit into the context, which may have 16 KiB",
        MeshCause::LostRecall => {
            "the context of the request could not be remembered, and `lostRecall: deny` refuses its calls before any rule is run"
        }
        MeshCause::OnInvalid => {
            "a carrier or a field is broken or required and missing, and `onInvalid: deny` refuses the request before any rule is run"
        }
        MeshCause::Route => "the route of the call may be another one than was decided on; see `policyc emit --routing`",
    }
    .to_owned()
}

fn no_allow_rule(layer: Layer, rules: &[&RuleTable]) -> String {
    let of_layer = rules.iter().filter(|rule| rule.layer == layer && rule.effect == Effect::Allow && !rule.shadow);
    let names: Vec<String> = of_layer.map(|rule| rule.name.clone()).collect();
    let owner = if layer == Layer::Enterprise { "the enterprise" } else { "the domain" };
    format!("{owner} lets through only what one of its allow rules matches, and none does: {}", quoted(&names))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn refuses(rule: &RuleTable) -> bool {
    matches!(rule.effect, Effect::Deny(_) | Effect::Require { .. }) && !rule.shadow
}

fn applied(outcome: &Outcome, rule: &RuleTable) -> bool {
    outcome.rules.contains(&rule.name)
}
