//! Workloads that stand in for those that are not given.
//!
//! A first try needs only the policies: each distinct selector becomes a workload with these labels. Real workloads may
//! have more labels, so that more policies hold for them, other names, and other service accounts.

use std::collections::BTreeSet;

use super::{
    istio::{AuthorizationPolicy, GATEWAY_LABEL, Labels, Resources, Workload},
    select::holds,
};
use crate::report::source::Spanned;

/// Returns a workload for each distinct selector, and for each namespace whose policies all have none.
pub(super) fn workloads(resources: &Resources) -> Vec<Workload> {
    let mut found = Derived::default();
    for policy in &resources.policies {
        selectors(policy).into_iter().filter(|labels| !labels.is_empty()).for_each(|labels| found.add(policy, labels));
    }
    for policy in &resources.policies {
        let none = policy.target_refs.is_empty() && policy.selector.iter().all(Labels::is_empty);
        let held = found.workloads.iter().any(|workload| holds(policy, workload, &resources.mesh));
        if none && !held {
            found.add(policy, Labels::new());
        }
    }
    found.workloads
}

/// Returns the labels of the workloads that a policy selects.
fn selectors(policy: &AuthorizationPolicy) -> Vec<Labels> {
    let gateways = policy.target_refs.iter().filter(|target| target.kind == "Gateway");
    let gateways = gateways.map(|target| Labels::from([(GATEWAY_LABEL.to_owned(), target.name.value.clone())]));
    gateways.chain(policy.selector.clone()).collect()
}

#[derive(Default)]
struct Derived {
    workloads: Vec<Workload>,
    /// The namespaces and labels that have a workload.
    known: BTreeSet<(String, Labels)>,
    /// The namespaces and names that are in use.
    names: BTreeSet<(String, String)>,
}

impl Derived {
    fn add(&mut self, policy: &AuthorizationPolicy, labels: Labels) {
        let namespace = &policy.namespace;
        if !self.known.insert((namespace.clone(), labels.clone())) {
            return;
        }
        let name = self.name(namespace, &labels);
        self.workloads.push(Workload {
            name: Spanned::new(name.clone(), policy.name.span),
            namespace: namespace.clone(),
            labels,
            service_account: name,
            services: Vec::new(),
        });
    }

    /// Returns a free name: the label `app`, all values, or these with a number.
    fn name(&mut self, namespace: &str, labels: &Labels) -> String {
        let all = match labels.values().map(|value| dns(value)).collect::<Vec<_>>().join("-") {
            all if all.is_empty() => namespace.to_owned(),
            all => all,
        };
        let app = labels.get("app").map(|app| dns(app)).filter(|app| !app.is_empty());
        let numbered = (2..).map(|number| format!("{all}-{number}"));
        let mut names = app.into_iter().chain([all.clone()]).chain(numbered);
        let free = names.find(|name| self.names.insert((namespace.to_owned(), name.clone())));
        free.unwrap_or(all)
    }
}

/// Returns the value of a label as the name of a resource.
fn dns(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let name: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::{import::read, report::source::Sources};

    #[test]
    fn each_selector_becomes_a_workload_with_a_free_name() {
        let policy = |index: usize, (namespace, spec): &(&str, &str)| {
            format!(
                "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, \
                 metadata: {{name: p{index}, namespace: {namespace}}}, spec: {{{spec}}}}}\n---\n"
            )
        };
        let cases = [
            ("shop", "selector: {matchLabels: {app: cart}}"),
            ("shop", "selector: {matchLabels: {app: cart}}, action: DENY, rules: [{to: [{operation: {ports: [1]}}]}]"),
            ("shop", "selector: {matchLabels: {app: cart, version: v1}}"),
            ("shop", "selector: {matchLabels: {version: V.2, tier: web}}"),
            ("pay", "selector: {matchLabels: {app: cart}}"),
            ("shop", "selector: {matchLabels: {}}"),
            ("bank", ""),
            ("istio-system", ""),
            ("edge", "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}]"),
            ("edge", "targetRefs: [{kind: Service, name: s}]"),
        ];
        let text: String = cases.iter().enumerate().map(|(index, case)| policy(index, case)).collect();
        let mut sources = Sources::new("");
        sources.add("a.yaml", text);
        let (resources, found) = read(&sources);
        assert!(!found.has_errors(), "{}", found.to_text(&sources));
        let names: Vec<_> = resources.workloads.iter().map(|w| format!("{}/{}", w.namespace, w.name.value)).collect();
        let expected = ["shop/cart", "shop/cart-v1", "shop/web-v-2", "pay/cart", "edge/public", "bank/bank"];
        assert_eq!(names, expected);
    }
}
