//! Envoy's RBAC filter with the rules of [`Set::Uniform`](crate::rule_sets::Set::Uniform): by the tenant in a header.

use serde_json::{Map, Value, json};

use super::proxies::TENANT_HEADER;

const NAME: &str = "envoy.filters.http.rbac";
const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/// Returns the filter with a policy for each rule, which Envoy evaluates one after the other.
pub fn linear(rules: usize) -> Value {
    let policies: Map<String, Value> = (0..rules)
        .map(|number| {
            let path = json!({"url_path": {"path": {"prefix": format!("/svc{number}/")}}});
            let tenant = json!({"name": TENANT_HEADER, "string_match": {"exact": format!("tenant_{number}")}});
            (format!("rule-{number}"), json!({"permissions": [path], "principals": [{"header": tenant}]}))
        })
        .collect();
    json!({"name": NAME, "typed_config": {"@type": TYPE, "rules": {"action": "DENY", "policies": policies}}})
}

/// Returns the filter with a matcher: it looks the tenant up in a hash map, and then compares the path.
pub fn matcher(rules: usize) -> Value {
    let tenants: Map<String, Value> = (0..rules)
        .map(|number| {
            let path = json!({"name": "path", "typed_config": input(":path")});
            let predicate = json!({"input": path, "value_match": {"prefix": format!("/svc{number}/")}});
            let rule = json!({"predicate": {"single_predicate": predicate}, "on_match": action("DENY")});
            (format!("tenant_{number}"), json!({"matcher": {"matcher_list": {"matchers": [rule]}}}))
        })
        .collect();
    let tree = json!({
        "input": {"name": "tenant", "typed_config": input(TENANT_HEADER)},
        "exact_match_map": {"map": tenants},
    });
    let matcher = json!({"matcher_tree": tree, "on_no_match": action("ALLOW")});
    json!({"name": NAME, "typed_config": {"@type": TYPE, "matcher": matcher}})
}

fn input(header: &str) -> Value {
    let kind = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
    json!({"@type": kind, "header_name": header})
}

fn action(action: &str) -> Value {
    let kind = "type.googleapis.com/envoy.config.rbac.v3.Action";
    json!({"action": {"name": "action", "typed_config": {"@type": kind, "name": action, "action": action}}})
}
