//! The resources of Istio and Kubernetes that decide which requests a workload accepts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::yaml::documents;
use crate::error::{Context as _, Result};

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// Everything that a text says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// The policies, in the order of the text.
    pub policies: Vec<Policy>,
    /// The settings of the mesh.
    pub mesh: MeshConfig,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// The specs of the `RequestAuthentication` resources.
    pub authentications: Vec<Value>,
}

/// The settings of a mesh that change what a policy means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MeshConfig {
    /// The trust domain.
    pub trust_domain: String,
    /// Trust domains that count as the same.
    pub trust_domain_aliases: Vec<String>,
    /// Policies in this namespace hold for every namespace.
    pub root_namespace: String,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            root_namespace: "istio-system".to_owned(),
        }
    }
}

/// What a selector selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The labels of its pods.
    pub labels: Labels,
}

/// An `AuthorizationPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// Whether it is only watched.
    pub dry_run: bool,
    /// What it says.
    pub spec: Spec,
}

/// What a policy says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Spec {
    /// The workloads of the namespace that it holds for; all without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// `ALLOW`, `DENY`, `AUDIT` or `CUSTOM`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// The rules; one of them matches.
    pub rules: Vec<Rule>,
}

/// Selects workloads by their labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Selector {
    /// Labels that a workload must have.
    pub match_labels: Labels,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The callers; one of them matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<From>,
    /// The operations; one of them matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<To>,
    /// The further conditions; all of them match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
}

/// An entry of `from`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct From {
    /// The caller.
    pub source: Source,
}

/// An entry of `to`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct To {
    /// The operation.
    pub operation: Operation,
}

/// Declares a struct of lists of texts.
macro_rules! lists {
    ($(#[$about:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = concat!("The list `", stringify!($field), "` of the API, there in camelCase.")]
                #[serde(skip_serializing_if = "Vec::is_empty")]
                pub $field: Vec<String>,
            )*
        }
    };
}

lists! {
    /// Who calls: every list that is not empty matches.
    Source {
        principals, not_principals, request_principals, not_request_principals, namespaces, not_namespaces,
        service_accounts, not_service_accounts, ip_blocks, not_ip_blocks, remote_ip_blocks, not_remote_ip_blocks,
    }
}

lists! {
    /// What is called: every list that is not empty matches.
    Operation { hosts, not_hosts, ports, not_ports, methods, not_methods, paths, not_paths }
}

/// A condition on an attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Condition {
    /// The attribute.
    pub key: String,
    /// One of them matches, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// None of them matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_values: Vec<String>,
}

/// Reads the resources of a text.
///
/// # Errors
/// It is not YAML, or a policy has a key or a type that the API does not have.
pub fn read(name: &str, text: &str) -> Result<Resources> {
    let mut resources = Resources::default();
    for document in documents(name, text)? {
        let what = format!("`{name}` has a resource that cannot be read: {document}");
        match document["kind"].as_str() {
            Some("AuthorizationPolicy") => resources.policies.push(Policy {
                name: text_of(&document["metadata"]["name"]),
                namespace: namespace(&document),
                dry_run: document["metadata"]["annotations"]["istio.io/dry-run"] == "true",
                spec: match &document["spec"] {
                    Value::Null => Spec::default(),
                    spec => serde_json::from_value(spec.clone()).context(&what)?,
                },
            }),
            Some("Deployment") => resources.workloads.push(Workload {
                name: text_of(&document["metadata"]["name"]),
                namespace: namespace(&document),
                labels: serde_json::from_value(document["spec"]["template"]["metadata"]["labels"].clone())
                    .context(&what)?,
            }),
            Some("ConfigMap") => {
                let mesh = documents("mesh", &text_of(&document["data"]["mesh"]))?;
                if let Some(mesh) = mesh.into_iter().next() {
                    resources.mesh = serde_json::from_value(mesh).context(&what)?;
                }
            }
            Some("RequestAuthentication") => resources.authentications.push(document["spec"].clone()),
            _ => {}
        }
    }
    Ok(resources)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn namespace(document: &Value) -> String {
    document["metadata"]["namespace"].as_str().unwrap_or("default").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_with_all_its_lists() {
        let text = "kind: AuthorizationPolicy\nmetadata: {name: a, namespace: n, annotations: {istio.io/dry-run: 'true'}}\nspec:\n  action: DENY\n  rules:\n    - from: [{source: {notRemoteIpBlocks: [1.2.3.4]}}]\n      when: [{key: k, notValues: [v]}]\n";
        let resources = read("a", text).unwrap();
        let policy = &resources.policies[0];
        assert_eq!((policy.namespace.as_str(), policy.dry_run, policy.spec.action.as_str()), ("n", true, "DENY"));
        assert_eq!(policy.spec.rules[0].from[0].source.not_remote_ip_blocks, ["1.2.3.4"]);
        assert_eq!(policy.spec.rules[0].when[0].not_values, ["v"]);
    }

    #[test]
    fn a_key_that_the_api_does_not_have_is_an_error() {
        let error = read("a", "kind: AuthorizationPolicy\nspec: {rules: [{form: []}]}\n").unwrap_err().to_string();
        assert!(error.contains("unknown field `form`"), "{error}");
    }
}
