//! Which policies hold for a workload.

use super::policy::{Policy, Resources, Workload};

/// Returns the policies of the root namespace and of the workload's own that select it, in the order of the text.
pub fn policies_of<'r>(resources: &'r Resources, workload: &Workload) -> Vec<&'r Policy> {
    let holds = |policy: &&Policy| {
        let near = policy.namespace == workload.namespace || policy.namespace == resources.mesh.root_namespace;
        let labels = policy.spec.selector.iter().flat_map(|selector| &selector.match_labels);
        near && labels.into_iter().all(|(name, value)| workload.labels.get(name) == Some(value))
    };
    resources.policies.iter().filter(holds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::policy::read;

    #[test]
    fn namespace_and_labels_select() {
        let policy = |name: &str, namespace: &str, labels: &str| {
            format!(
                "---\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{labels}}}\n"
            )
        };
        let text = [
            policy("a", "shop", ""),
            policy("b", "other", ""),
            policy("c", "istio-system", ""),
            policy("d", "shop", "selector: {matchLabels: {app: cart}}"),
            policy("e", "istio-system", "selector: {matchLabels: {app: cart, version: v2}}"),
        ];
        let resources = read("text", &text.concat()).unwrap();
        let labels = [("app".to_owned(), "cart".to_owned())].into();
        let workload = Workload { name: "cart".to_owned(), namespace: "shop".to_owned(), labels };
        let names: Vec<_> = policies_of(&resources, &workload).iter().map(|policy| policy.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "d"]);
    }
}
