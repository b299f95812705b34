//! A rule of a policy as one policy of RBAC.

use serde_json::{Value, json};

use super::policy::{Condition, MeshConfig, Operation, Policy, Rule, Source};
use super::{matcher, permission, principal, trust_domain};

/// What a text with a value becomes: nothing if Envoy cannot match it.
type Generate<'g> = &'g dyn Fn(&str) -> Option<Value>;
/// What all values together become.
type GenerateAll<'g> = &'g dyn Fn(&[String]) -> Option<Value>;

/// How the parts of principals or permissions are combined.
struct Kind {
    any: fn() -> Value,
    and: fn(Vec<Value>) -> Value,
    or: fn(Vec<Value>) -> Value,
    not: fn(&Value) -> Value,
}

const PRINCIPAL: Kind = Kind { any: principal::any, and: principal::and, or: principal::or, not: principal::not };
const PERMISSION: Kind = Kind { any: permission::any, and: permission::and, or: permission::or, not: permission::not };

/// Parts that all match.
struct Parts {
    kind: Kind,
    /// Whether a part that Envoy cannot match makes the rule void. In an ALLOW policy it does: a rule without the part
    /// would allow more. In others the part is left out, and the rule matches more.
    strict: bool,
    parts: Vec<Value>,
    void: bool,
}

impl Parts {
    fn new(kind: Kind, strict: bool) -> Self {
        Self { kind, strict, parts: Vec::new(), void: false }
    }

    /// Adds: one of `values` matches, if there are any, and none of `not_values`.
    fn each(&mut self, values: &[String], not_values: &[String], generate: Generate<'_>) {
        let (or, strict) = (self.kind.or, self.strict);
        self.all(values, not_values, &|texts| {
            let found: Vec<_> = texts.iter().map(|text| generate(text)).collect();
            if strict && found.contains(&None) {
                return None;
            }
            let found: Vec<_> = found.into_iter().flatten().collect();
            (!found.is_empty()).then(|| or(found))
        });
    }

    /// Adds the same for values that one message matches.
    fn all(&mut self, values: &[String], not_values: &[String], generate: GenerateAll<'_>) {
        let one = |texts: &[String]| if texts.is_empty() { Ok(None) } else { generate(texts).map(Some).ok_or(()) };
        let found = [one(values), one(not_values).map(|found| found.map(|found| (self.kind.not)(&found)))];
        self.void |= self.strict && found.contains(&Err(()));
        self.parts.extend(found.into_iter().filter_map(Result::ok).flatten());
    }

    fn finish(self) -> Option<Value> {
        let parts = if self.parts.is_empty() { vec![(self.kind.any)()] } else { self.parts };
        (!self.void).then(|| (self.kind.and)(parts))
    }
}

/// Returns the policy of RBAC for a rule, or `None` if the rule is void.
pub fn generate(policy: &Policy, rule: &Rule, mesh: &MeshConfig) -> Option<Value> {
    if !rule.when.iter().all(|condition| is_known(&condition.key)) {
        return None;
    }
    let strict = matches!(policy.spec.action.as_str(), "" | "ALLOW");
    let caller = |source: Option<&Source>| {
        let mut parts = Parts::new(PRINCIPAL, strict);
        if let Some(source) = source {
            add_source(&mut parts, source, policy, mesh);
        }
        rule.when.iter().for_each(|condition| add_caller_condition(&mut parts, condition, policy, mesh));
        parts.finish()
    };
    let called = |operation: Option<&Operation>| {
        let mut parts = Parts::new(PERMISSION, strict);
        if let Some(operation) = operation {
            add_operation(&mut parts, operation);
        }
        rule.when.iter().for_each(|condition| add_operation_condition(&mut parts, condition));
        parts.finish()
    };
    let principals: Option<Vec<_>> = match rule.from.as_slice() {
        [] => caller(None).map(|one| vec![one]),
        from => from.iter().map(|from| caller(Some(&from.source))).collect(),
    };
    let permissions: Option<Vec<_>> = match rule.to.as_slice() {
        [] => called(None).map(|one| vec![one]),
        to => to.iter().map(|to| called(Some(&to.operation))).collect(),
    };
    Some(json!({"permissions": permissions?, "principals": principals?}))
}

/// Returns the policy of RBAC that matches nothing, for a policy without rules.
pub fn never() -> Value {
    json!({
        "permissions": [permission::not(&permission::any())],
        "principals": [principal::not(&principal::any())],
    })
}

fn add_source(parts: &mut Parts, source: &Source, policy: &Policy, mesh: &MeshConfig) {
    add_principals(parts, &source.principals, &source.not_principals, mesh);
    let token = |texts: &[String]| Some(principal::request_principals(texts));
    parts.all(&source.request_principals, &source.not_request_principals, &token);
    let account = |text: &str| Some(principal::service_account(&policy.namespace, text));
    parts.each(&source.service_accounts, &source.not_service_accounts, &account);
    parts.each(&source.namespaces, &source.not_namespaces, &|text| Some(principal::namespace(text)));
    parts.each(&source.remote_ip_blocks, &source.not_remote_ip_blocks, &principal::remote_ip);
    parts.each(&source.ip_blocks, &source.not_ip_blocks, &principal::source_ip);
}

fn add_principals(parts: &mut Parts, values: &[String], not_values: &[String], mesh: &MeshConfig) {
    let (values, not_values) = (trust_domain::expand(values, mesh), trust_domain::expand(not_values, mesh));
    parts.each(&values, &not_values, &|text| Some(principal::principal(text)));
}

fn add_operation(parts: &mut Parts, operation: &Operation) {
    parts.each(&operation.hosts, &operation.not_hosts, &|text| Some(permission::host(text)));
    parts.each(&operation.methods, &operation.not_methods, &|text| Some(permission::method(text)));
    parts.each(&operation.paths, &operation.not_paths, &|text| Some(permission::path(text)));
    parts.each(&operation.ports, &operation.not_ports, &permission::port);
}

fn is_known(key: &str) -> bool {
    const EXACT: [&str; 11] = [
        "destination.ip",
        "destination.port",
        "connection.sni",
        "source.ip",
        "remote.ip",
        "source.namespace",
        "source.serviceAccount",
        "source.principal",
        "request.auth.principal",
        "request.auth.audiences",
        "request.auth.presenter",
    ];
    const BEGINNINGS: [&str; 4] = [
        "experimental.envoy.filters.",
        "request.headers",
        "request.experimental.inline.headers",
        "request.auth.claims",
    ];
    EXACT.contains(&key) || BEGINNINGS.iter().any(|start| key.starts_with(start))
}

fn add_caller_condition(parts: &mut Parts, condition: &Condition, policy: &Policy, mesh: &MeshConfig) {
    let Condition { key, values, not_values } = condition;
    let claim =
        |claims: &[&str], texts: &[String]| principal::metadata(&matcher::claim(claims, &matcher::one_of(texts)));
    match key.as_str() {
        "source.ip" => parts.each(values, not_values, &principal::source_ip),
        "remote.ip" => parts.each(values, not_values, &principal::remote_ip),
        "source.namespace" => parts.each(values, not_values, &|text| Some(principal::namespace(text))),
        "source.serviceAccount" => {
            let account = |text: &str| Some(principal::service_account(&policy.namespace, text));
            parts.each(values, not_values, &account);
        }
        "source.principal" => add_principals(parts, values, not_values, mesh),
        "request.auth.principal" => {
            parts.all(values, not_values, &|texts| Some(principal::request_principals(texts)));
        }
        "request.auth.audiences" => parts.all(values, not_values, &|texts| Some(claim(&["aud"], texts))),
        "request.auth.presenter" => parts.all(values, not_values, &|texts| Some(claim(&["azp"], texts))),
        _ => {
            if let Some(rest) = key.strip_prefix("request.headers") {
                let header = |text: &str| Some(principal::header(&matcher::header(in_brackets(rest)?, text)));
                parts.each(values, not_values, &header);
            } else if let Some(rest) = key.strip_prefix("request.experimental.inline.headers") {
                let header = |text: &str| Some(principal::header(&matcher::inline_header(in_brackets(rest)?, text)));
                parts.each(values, not_values, &header);
            } else if let Some(rest) = key.strip_prefix("request.auth.claims") {
                parts.all(values, not_values, &|texts| Some(claim(&nested_brackets(rest)?, texts)));
            }
        }
    }
}

fn add_operation_condition(parts: &mut Parts, condition: &Condition) {
    let Condition { key, values, not_values } = condition;
    match key.as_str() {
        "destination.ip" => parts.each(values, not_values, &permission::destination_ip),
        "destination.port" => parts.each(values, not_values, &permission::port),
        "connection.sni" => parts.each(values, not_values, &|text| Some(permission::server_name(text))),
        key if key.starts_with("experimental.envoy.filters.") => {
            parts.all(values, not_values, &|texts| permission::envoy_filter(key, texts));
        }
        _ => {}
    }
}

fn in_brackets(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// Returns the names in `[a][b]`. A text of another form in brackets is one name.
fn nested_brackets(text: &str) -> Option<Vec<&str>> {
    let inner = in_brackets(text)?;
    let names: Vec<_> = inner.split("][").collect();
    if names.iter().any(|name| name.contains(['[', ']'])) { Some(vec![inner]) } else { Some(names) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::policy::read;

    fn generated(action: &str, rule: &str) -> Option<Value> {
        let text = format!(
            "kind: AuthorizationPolicy\nmetadata: {{name: p, namespace: foo}}\nspec: {{action: {action}, rules: [{rule}]}}\n"
        );
        let resources = read("text", &text).unwrap();
        let policy = &resources.policies[0];
        generate(policy, &policy.spec.rules[0], &resources.mesh)
    }

    #[test]
    fn the_parts_of_a_rule_stand_in_istios_order() {
        let rule = "{from: [{source: {ipBlocks: [1.2.3.4], principals: [p], notNamespaces: [n]}}], to: [{operation: {ports: ['80'], hosts: [h]}}], when: [{key: 'request.headers[X]', values: [v, '*']}, {key: destination.port, notValues: ['81']}]}";
        let found = generated("ALLOW", rule).unwrap();
        let expected = json!({
            "permissions": [{"andRules": {"rules": [
                {"orRules": {"rules": [{"header": {"name": ":authority", "stringMatch": {"exact": "h", "ignoreCase": true}}}]}},
                {"orRules": {"rules": [{"destinationPort": 80}]}},
                {"notRule": {"orRules": {"rules": [{"destinationPort": 81}]}}},
            ]}}],
            "principals": [{"andIds": {"ids": [
                {"orIds": {"ids": [{"authenticated": {"principalName": {"exact": "spiffe://p"}}}]}},
                {"notId": {"orIds": {"ids": [{"authenticated": {"principalName": {"safeRegex": {"regex": ".*/ns/n/.*"}}}}]}}},
                {"orIds": {"ids": [{"directRemoteIp": {"addressPrefix": "1.2.3.4", "prefixLen": 32}}]}},
                {"orIds": {"ids": [
                    {"header": {"name": "X", "stringMatch": {"exact": "v"}}},
                    {"header": {"name": "X", "presentMatch": true}},
                ]}},
            ]}}],
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn an_empty_rule_matches_everything() {
        let any = json!({
            "permissions": [{"andRules": {"rules": [{"any": true}]}}],
            "principals": [{"andIds": {"ids": [{"any": true}]}}],
        });
        assert_eq!(generated("DENY", "{}"), Some(any));
    }

    #[test]
    fn what_envoy_cannot_match_makes_an_allow_rule_void_and_a_deny_rule_wider() {
        let rule = "{to: [{operation: {ports: ['99999', '80']}}]}";
        assert_eq!(generated("ALLOW", rule), None);
        let found = generated("DENY", rule).unwrap();
        assert_eq!(
            found["permissions"][0]["andRules"]["rules"][0]["orRules"]["rules"],
            json!([{"destinationPort": 80}])
        );
        assert_eq!(generated("DENY", "{when: [{key: request.header, values: [a]}]}"), None);
    }

    #[test]
    fn claims_are_nested_by_brackets() {
        for (text, expected) in [("[a]", vec!["a"]), ("[a][b]", vec!["a", "b"]), ("[a][[b]", vec!["a][[b"])] {
            assert_eq!(nested_brackets(text), Some(expected), "{text}");
        }
        assert_eq!(nested_brackets("a]"), None);
    }
}
