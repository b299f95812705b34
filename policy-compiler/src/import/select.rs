//! Which policies hold for which workload.
//!
//! A policy holds in its namespace, and in every namespace if its own is the root namespace, for the workloads that have
//! all labels of its selector. A policy with targets holds for the gateways that they name. Targets that are no gateway
//! are enforced by waypoints, where a filter does not see who calls: they select nothing here, and the conversion
//! refuses such a policy.

use std::collections::HashMap;

use super::istio::{AuthorizationPolicy, GATEWAY_LABEL, MeshConfig, Resources, TargetRef, Workload};

/// The label of gateways that Istio runs itself, and its value for waypoints.
const WAYPOINT: (&str, &str) = ("gateway.istio.io/managed", "istio.io-mesh-controller");

/// Workloads that the same policies hold for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Indices of the workloads in [`Resources::workloads`], ascending.
    pub workloads: Vec<usize>,
    /// Indices of the policies in [`Resources::policies`] that select these workloads, ascending.
    pub policies: Vec<usize>,
}

/// Returns the groups of workloads that some policy selects, in the order of their first workload.
pub fn groups(resources: &Resources) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
    for (index, workload) in resources.workloads.iter().enumerate() {
        let policies = resources.policies.iter().enumerate();
        let of_it = policies.filter(|(_, policy)| holds(policy, workload, &resources.mesh)).map(|(index, _)| index);
        let policies: Vec<usize> = of_it.collect();
        if policies.is_empty() {
            continue;
        }
        let group = *known.entry(policies).or_insert_with_key(|policies| {
            groups.push(Group { workloads: Vec::new(), policies: policies.clone() });
            groups.len() - 1
        });
        groups.get_mut(group).into_iter().for_each(|group| group.workloads.push(index));
    }
    groups
}

/// Returns the first target of a policy that is enforced by a waypoint: a Service, a ServiceEntry or a GatewayClass.
pub fn waypoint_target(policy: &AuthorizationPolicy) -> Option<&TargetRef> {
    policy.target_refs.iter().find(|target| target.kind != "Gateway")
}

/// Whether a policy holds for a workload.
pub(super) fn holds(policy: &AuthorizationPolicy, workload: &Workload, mesh: &MeshConfig) -> bool {
    let in_namespace = policy.namespace == workload.namespace;
    // A waypoint takes its policies from targets only.
    if workload.labels.get(WAYPOINT.0).is_some_and(|value| value == WAYPOINT.1) {
        return false;
    }
    if !policy.target_refs.is_empty() {
        let gateway = workload.labels.get(GATEWAY_LABEL);
        let is_it = |target: &TargetRef| target.kind == "Gateway" && Some(&target.name.value) == gateway;
        return in_namespace && policy.target_refs.iter().any(is_it);
    }
    (in_namespace || policy.namespace == mesh.root_namespace) && has_labels(policy, workload)
}

/// Whether a workload has all labels of a policy's selector.
fn has_labels(policy: &AuthorizationPolicy, workload: &Workload) -> bool {
    policy.selector.iter().flatten().all(|(key, value)| workload.labels.get(key) == Some(value))
}
