//! Which policies hold for which workload.

use super::istio::Resources;

/// Workloads that the same policies hold for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Indices of the workloads in [`Resources::workloads`], ascending.
    pub workloads: Vec<usize>,
    /// Indices of the policies in [`Resources::policies`] that select these workloads, ascending.
    pub policies: Vec<usize>,
}

/// Returns the groups of workloads that some policy selects, in the order of their first workload.
pub fn groups(_resources: &Resources) -> Vec<Group> {
    Vec::new()
}
