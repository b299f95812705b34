//! The services of the mesh: one for each workload. A namespace is a domain.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use crate::import::istio::{Resources, Workload};

/// The name of enterprise documents in reports, which no domain can have.
const ENTERPRISE: &str = "enterprise";

/// The names of services and domains.
#[derive(Debug, Clone, Default)]
pub(super) struct Services {
    /// The service of each workload, in the order of the resources.
    names: Vec<String>,
    /// Names that several workloads have: a proxy that only knows this name is none of them.
    shared: BTreeSet<String>,
}

/// A domain with the indices of its workloads.
pub(super) type Domain<'r> = (&'r str, Vec<usize>);

impl Services {
    /// Names the workloads.
    pub(super) fn new(resources: &Resources) -> Self {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for workload in &resources.workloads {
            *count.entry(&workload.name.value).or_default() += 1;
        }
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut services = Self::default();
        for Workload { name, namespace, .. } in &resources.workloads {
            let is_shared = count.get(name.value.as_str()).is_some_and(|count| *count > 1);
            let wanted = if is_shared { format!("{}-{namespace}", name.value) } else { name.value.clone() };
            // The name of another workload stays free for it.
            let used = |name: &str| taken.contains(name) || (is_shared && count.contains_key(name));
            let unique = names::unique(&wanted, used);
            if is_shared {
                services.shared.insert(name.value.clone());
            }
            taken.insert(unique.clone());
            services.names.push(unique);
        }
        services
    }

    /// Returns the service of a workload.
    pub(super) fn name(&self, workload: usize) -> &str {
        self.names.get(workload).map_or("", String::as_str)
    }

    /// Returns the names that several workloads have.
    pub(super) fn shared(&self) -> &BTreeSet<String> {
        &self.shared
    }
}

/// Returns the name of the domain of a namespace.
pub(super) fn domain(namespace: &str) -> String {
    if namespace == ENTERPRISE { format!("{ENTERPRISE}-namespace") } else { namespace.to_owned() }
}

/// Returns the namespaces with their workloads, sorted by name.
pub(super) fn domains(resources: &Resources) -> Vec<Domain<'_>> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, workload) in resources.workloads.iter().enumerate() {
        found.entry(&workload.namespace).or_default().push(index);
    }
    found.into_iter().collect()
}
