//! Many AuthorizationPolicies for many workloads, as a large mesh has them. The benches use this module too.

use std::fmt::Write as _;

/// How many there are of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) policies: usize,
    pub(crate) workloads: usize,
    /// At least 1.
    pub(crate) namespaces: usize,
}

/// Returns the manifests: file names with texts.
pub(crate) fn manifests(size: Size) -> [(&'static str, String); 2] {
    let mut workloads = String::new();
    for index in 0..size.workloads {
        let namespace = index % size.namespaces;
        write!(
            workloads,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: service-{index}, namespace: team-{namespace}}}\n\
             spec:\n  template:\n    metadata: {{labels: {{app: service-{index}, tier: tier-{}}}}}\n    \
             spec: {{serviceAccountName: service-{index}}}\n---\n",
            index % 3
        )
        .unwrap();
    }
    let policies = (0..size.policies).map(|index| policy(index, size)).collect();
    [("workloads.yaml", workloads), ("policies.yaml", policies)]
}

/// Returns a policy: most for one workload, some for a tier, a namespace, or the mesh.
fn policy(index: usize, size: Size) -> String {
    let workload = index % size.workloads;
    // Each namespace has as many policies for all of it.
    let namespace = if index % 50 == 48 { index / 50 } else { workload } % size.namespaces;
    let (namespace, selector) = match index % 50 {
        47 => (format!("team-{namespace}"), format!("selector: {{matchLabels: {{tier: tier-{}}}}}", workload % 3)),
        48 => (format!("team-{namespace}"), "selector: {}".to_owned()),
        49 => ("istio-system".to_owned(), format!("selector: {{matchLabels: {{app: service-{workload}}}}}")),
        _ => (format!("team-{namespace}"), format!("selector: {{matchLabels: {{app: service-{workload}}}}}")),
    };
    let action = if index % 5 == 4 { "DENY" } else { "ALLOW" };
    let (caller, other) = ((index * 7 + 1) % size.workloads, (index * 13 + 5) % size.workloads);
    let (team, foreign) = (caller % size.namespaces, (other + 1) % size.namespaces);
    let rules = match index % 4 {
        0 => format!(
            "    - from: [{{source: {{principals: [cluster.local/ns/team-{team}/sa/service-{caller}]}}}}]\n      \
             to: [{{operation: {{methods: [GET, HEAD], paths: ['/api/v{index}/*', /healthz]}}}}]\n"
        ),
        1 => format!(
            "    - from: [{{source: {{namespaces: [team-{foreign}], notPrincipals: \
             ['cluster.local/ns/team-{team}/sa/service-{other}']}}}}]\n    \
             - from: [{{source: {{ipBlocks: [10.{}.0.0/16]}}}}]\n      to: [{{operation: {{ports: [8080]}}}}]\n",
            index % 256
        ),
        2 => format!(
            "    - to: [{{operation: {{hosts: ['service-{workload}.example', '*.internal-{index}.example'], \
             methods: [POST]}}}}]\n      when: [{{key: 'request.headers[x-tier]', values: [gold, 'silver-*']}}]\n"
        ),
        _ => format!(
            "    - from: [{{source: {{serviceAccounts: [team-{team}/service-{caller}]}}}}]\n      \
             to: [{{operation: {{paths: ['/items/{index}/*'], notMethods: [DELETE]}}}}]\n"
        ),
    };
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: policy-{index}, namespace: {namespace}}}\nspec:\n  {selector}\n  action: {action}\n  \
         rules:\n{rules}---\n"
    )
}
