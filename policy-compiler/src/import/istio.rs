//! The resources of Istio and Kubernetes from which a tree is made, as types with places.
//!
//! The names are those of Istio's API (`security.istio.io/v1`). Values are kept as written: their meaning (`*`, prefixes,
//! templates) belongs to the conversion.

use std::collections::BTreeMap;

use crate::report::source::{Span, Spanned};

/// The label of the pods of a gateway (`gateway.networking.k8s.io`): the name of the `Gateway`.
pub const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// Everything that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// The policies, in the order of the files.
    pub policies: Vec<AuthorizationPolicy>,
    /// The workloads, in the order of the files.
    pub workloads: Vec<Workload>,
    /// Where tokens lie.
    pub authentications: Vec<RequestAuthentication>,
    /// The settings of the mesh.
    pub mesh: MeshConfig,
}

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// The settings of a mesh that change what a policy means (`MeshConfig`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshConfig {
    /// `trustDomain`.
    pub trust_domain: String,
    /// `trustDomainAliases`.
    pub trust_domain_aliases: Vec<String>,
    /// `rootNamespace`: policies there hold for every namespace.
    pub root_namespace: String,
}

impl Default for MeshConfig {
    /// Returns Istio's defaults.
    fn default() -> Self {
        Self {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            root_namespace: "istio-system".to_owned(),
        }
    }
}

/// A workload: what a selector selects, and what one proxy serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The name of the Deployment (or StatefulSet, DaemonSet, Pod).
    pub name: Spanned<String>,
    /// Its namespace.
    pub namespace: String,
    /// The labels of its pods.
    pub labels: Labels,
    /// The service account of its pods; `default` if none is named.
    pub service_account: String,
    /// The Services that select its pods.
    pub services: Vec<String>,
}

/// A `RequestAuthentication`, as far as it says where a verified token lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestAuthentication {
    /// Its name.
    pub name: Spanned<String>,
    /// Its namespace.
    pub namespace: String,
    /// The workloads that it holds for; none is all of the namespace.
    pub selector: Option<Labels>,
    /// The issuers of its `jwtRules`.
    pub issuers: Vec<Spanned<String>>,
}

/// An `AuthorizationPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// Its name.
    pub name: Spanned<String>,
    /// Its namespace.
    pub namespace: String,
    /// The whole resource.
    pub span: Span,
    /// `spec.selector.matchLabels`; none is all workloads of the namespace, or of the mesh in the root namespace.
    pub selector: Option<Labels>,
    /// `spec.targetRefs` and `spec.targetRef`: gateways, waypoints and Services.
    pub target_refs: Vec<TargetRef>,
    /// What it does.
    pub action: Action,
    /// Whether the annotation `istio.io/dry-run` is `"true"`.
    pub dry_run: bool,
    /// The rules; none at all matches nothing.
    pub rules: Vec<Rule>,
}

/// A resource that a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRef {
    /// The group; empty for Kubernetes' own.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: Spanned<String>,
}

/// What a policy does with the requests that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Lets them pass.
    Allow,
    /// Rejects them.
    Deny,
    /// Marks them for the audit.
    Audit,
    /// Asks the named provider.
    Custom(String),
}

/// A rule: it matches if one of `from`, one of `to` and all of `when` match. An empty list matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The rule.
    pub span: Span,
    /// The callers; one of them matches.
    pub from: Vec<Source>,
    /// The operations; one of them matches.
    pub to: Vec<Operation>,
    /// The further conditions; all of them match.
    pub when: Vec<Condition>,
}

/// Values of which one matches. An empty list asks nothing.
pub type Values = Vec<Spanned<String>>;

/// Who calls: every list that is not empty matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// `principals`
    pub principals: Values,
    /// `notPrincipals`
    pub not_principals: Values,
    /// `requestPrincipals`
    pub request_principals: Values,
    /// `notRequestPrincipals`
    pub not_request_principals: Values,
    /// `namespaces`
    pub namespaces: Values,
    /// `notNamespaces`
    pub not_namespaces: Values,
    /// `serviceAccounts`: `NAMESPACE/NAME`, or `NAME` in the namespace of the policy.
    pub service_accounts: Values,
    /// `notServiceAccounts`
    pub not_service_accounts: Values,
    /// `ipBlocks`: the address of the connection.
    pub ip_blocks: Values,
    /// `notIpBlocks`
    pub not_ip_blocks: Values,
    /// `remoteIpBlocks`: the client's address behind trusted hops.
    pub remote_ip_blocks: Values,
    /// `notRemoteIpBlocks`
    pub not_remote_ip_blocks: Values,
}

/// What is called: every list that is not empty matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// `hosts`
    pub hosts: Values,
    /// `notHosts`
    pub not_hosts: Values,
    /// `ports`
    pub ports: Values,
    /// `notPorts`
    pub not_ports: Values,
    /// `methods`
    pub methods: Values,
    /// `notMethods`
    pub not_methods: Values,
    /// `paths`
    pub paths: Values,
    /// `notPaths`
    pub not_paths: Values,
}

/// A condition of `when`: one of `values` matches, if there are any, and none of `not_values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The attribute: `request.headers[NAME]`, `source.ip`, ...
    pub key: Spanned<String>,
    /// `values`
    pub values: Values,
    /// `notValues`
    pub not_values: Values,
}
