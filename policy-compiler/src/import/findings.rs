//! Warnings about policies that hold for none of the given workloads: what they protect is not in the tree.

use std::collections::BTreeSet;

use super::{
    istio::{AuthorizationPolicy, GATEWAY_LABEL, Resources, Workload},
    select::{Group, groups, waypoint_target},
};
use crate::report::{
    diagnostic::{Diagnostic, Diagnostics, code},
    near,
};

/// Most labels that a misspelt one is compared with.
const COMPARED: usize = 200;

/// Returns the warnings. A policy for waypoints has none, because its conversion is refused.
pub fn findings(resources: &Resources, groups: &[Group]) -> Diagnostics {
    let held = held(groups);
    let mut found = Diagnostics::new();
    for (index, policy) in resources.policies.iter().enumerate() {
        if !held.contains(&index) && waypoint_target(policy).is_none() {
            found.push(holds_for_none(policy, resources));
        }
    }
    found.sort();
    found
}

/// Removes the policies that hold for no workload, and returns them. Those for waypoints stay.
pub fn take_unused(resources: &mut Resources) -> Vec<AuthorizationPolicy> {
    let held = held(&groups(resources));
    let policies = std::mem::take(&mut resources.policies).into_iter().enumerate();
    let is_used =
        |(index, policy): &(usize, AuthorizationPolicy)| held.contains(index) || waypoint_target(policy).is_some();
    let (used, unused): (Vec<_>, Vec<_>) = policies.partition(is_used);
    resources.policies = used.into_iter().map(|(_, policy)| policy).collect();
    unused.into_iter().map(|(_, policy)| policy).collect()
}

/// Returns the policies of the groups.
fn held(groups: &[Group]) -> BTreeSet<usize> {
    groups.iter().flat_map(|group| group.policies.iter().copied()).collect()
}

fn holds_for_none(policy: &AuthorizationPolicy, resources: &Resources) -> Diagnostic {
    let (name, namespace) = (&policy.name.value, &policy.namespace);
    let everywhere = *namespace == resources.mesh.root_namespace && policy.target_refs.is_empty();
    let reached = |workload: &&Workload| everywhere || workload.namespace == *namespace;
    let workloads: Vec<&Workload> = resources.workloads.iter().filter(reached).collect();
    let labels: Vec<(&str, &str)> = match policy.target_refs.first() {
        Some(target) => vec![(GATEWAY_LABEL, &target.name.value)],
        None => policy.selector.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
    };
    let (why, help) = if workloads.is_empty() {
        let help = "give the workloads of the namespace too, or leave the policy out".to_owned();
        (format!("none is in the namespace `{namespace}`"), Some(help))
    } else {
        // The first label that no workload has is the likely mistake.
        let lacks =
            |key: &str, value: &str| workloads.iter().all(|one| one.labels.get(key).is_none_or(|it| it != value));
        let near = labels.iter().find(|(key, value)| lacks(key, value)).and_then(|(key, value)| {
            near::suggestion(
                value,
                workloads.iter().filter_map(|workload| workload.labels.get(*key).map(String::as_str)).take(COMPARED),
            )
        });
        let shown: Vec<String> = labels.iter().map(|(key, value)| format!("`{key}: {value}`")).collect();
        (format!("none has {}", shown.join(" and ")), near)
    };
    let message = format!("the policy `{name}` holds for none of the given workloads: {why}");
    Diagnostic::warning(code::SELECTS_NOTHING, policy.name.span, message)
        .note("what it protects is not in the tree")
        .maybe_help(help.or_else(|| Some("give these workloads too, or leave the policy out".to_owned())))
}
