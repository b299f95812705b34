//! The RBAC filters of a workload: AUDIT, DENY, ALLOW, in this order.

use serde_json::{Map, Value, json};

use super::policy::{MeshConfig, Policy};
use super::rule;

/// The actions in the order of their filters, with their names in RBAC and the prefixes of what dry-run policies report.
const ACTIONS: [(&str, &str, &str); 3] =
    [("AUDIT", "LOG", ""), ("DENY", "DENY", "istio_dry_run_deny_"), ("ALLOW", "ALLOW", "istio_dry_run_allow_")];

/// Returns the filters for the policies of a workload.
///
/// Policies of the root namespace and of the workload's own are rules of the same filter: a request that any DENY
/// policy matches is rejected, and one that any ALLOW policy matches is allowed.
pub fn filters(policies: &[&Policy], mesh: &MeshConfig) -> Vec<Value> {
    ACTIONS.iter().filter_map(|action| filter(policies, mesh, *action)).collect()
}

fn filter(policies: &[&Policy], mesh: &MeshConfig, (action, name, prefix): (&str, &str, &str)) -> Option<Value> {
    let of_action = |policy: &&&Policy| match policy.spec.action.as_str() {
        "" => action == "ALLOW",
        other => other == action,
    };
    let mut config = Map::new();
    config.insert("@type".to_owned(), "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC".into());
    let (watched, enforced): (Vec<&Policy>, Vec<_>) =
        policies.iter().filter(of_action).copied().partition(|policy| policy.dry_run);
    for (key, policies) in [("rules", &enforced), ("shadowRules", &watched)] {
        if !policies.is_empty() {
            let rules: Map<_, _> = policies.iter().flat_map(|policy| rules_of(policy, mesh)).collect();
            let mut rbac = json!({"policies": rules});
            // The first value of the enumeration is not written.
            if name != "ALLOW" {
                rbac["action"] = name.into();
            }
            config.insert(key.to_owned(), rbac);
        }
    }
    if !watched.is_empty() && !prefix.is_empty() {
        config.insert("shadowRulesStatPrefix".to_owned(), prefix.into());
    }
    (config.len() > 1).then(|| json!({"name": "envoy.filters.http.rbac", "typedConfig": config}))
}

fn rules_of(policy: &Policy, mesh: &MeshConfig) -> Vec<(String, Value)> {
    let name = |at: usize| format!("ns[{}]-policy[{}]-rule[{at}]", policy.namespace, policy.name);
    if policy.spec.rules.is_empty() {
        return vec![(name(0), rule::never())];
    }
    let generated = |(at, rule)| rule::generate(policy, rule, mesh).map(|rule| (name(at), rule));
    policy.spec.rules.iter().enumerate().filter_map(generated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::policy::read;

    fn found(policies: &[(&str, &str, bool)]) -> Vec<Value> {
        let text = policies.iter().map(|(name, spec, dry)| {
            format!(
                "---\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, annotations: {{istio.io/dry-run: '{dry}'}}}}\nspec: {spec}\n"
            )
        });
        let resources = read("text", &text.collect::<String>()).unwrap();
        filters(&resources.policies.iter().collect::<Vec<_>>(), &resources.mesh)
    }

    #[test]
    fn each_action_has_a_filter() {
        let found = found(&[
            ("a", "{action: ALLOW, rules: [{}]}", false),
            ("b", "{}", false),
            ("c", "{action: AUDIT, rules: [{}]}", false),
            ("d", "{action: DENY, rules: [{}, {}]}", false),
        ]);
        let names: Vec<Vec<_>> = found
            .iter()
            .map(|filter| filter["typedConfig"]["rules"]["policies"].as_object().unwrap().keys().cloned().collect())
            .collect();
        let name = |policy: &str, rule: usize| format!("ns[default]-policy[{policy}]-rule[{rule}]");
        assert_eq!(names, [vec![name("c", 0)], vec![name("d", 0), name("d", 1)], vec![name("a", 0), name("b", 0)]]);
        let actions: Vec<_> = found.iter().map(|filter| filter["typedConfig"]["rules"]["action"].clone()).collect();
        assert_eq!(actions, [json!("LOG"), json!("DENY"), Value::Null]);
        assert_eq!(found[2]["typedConfig"]["rules"]["policies"][name("b", 0)], rule::never());
    }

    #[test]
    fn dry_run_policies_are_shadow_rules() {
        let found = found(&[("a", "{action: DENY, rules: [{}]}", true)]);
        let config = &found[0]["typedConfig"];
        assert_eq!(config["shadowRulesStatPrefix"], "istio_dry_run_deny_");
        assert_eq!((config["rules"].clone(), config["shadowRules"]["action"].clone()), (Value::Null, json!("DENY")));
    }
}
