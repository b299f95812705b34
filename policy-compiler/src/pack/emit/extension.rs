//! Istio: `WasmPlugin`, and `TrafficExtension`, which takes its place from Istio 1.30 on. Istio itself puts the filter
//! into the listeners of the proxies and brings the module to them.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{PluginConfig, Role, Routing, http_filter::HOST_VARIABLES, kubernetes};

const API_VERSION: &str = "extensions.istio.io/v1alpha1";

/// What a `WasmPlugin` or a `TrafficExtension` is for.
#[derive(Debug, Clone)]
pub struct Extension<'a> {
    /// The artifact.
    pub artifact: &'a [u8],
    /// The service of the workloads; `None`: each proxy says which it is.
    pub service: Option<&'a str>,
    /// Where the filter stands; `None`: each listener's direction says, so that one resource serves both.
    pub role: Option<Role>,
    /// What is known of the proxies' routes.
    pub routing: Routing,
    /// Namespace of the resource.
    pub namespace: &'a str,
    /// Which proxies load the filter.
    pub target: Target<'a>,
    /// The filter.
    pub module: Module<'a>,
    /// Where the filter stands among Istio's own.
    pub phase: Phase,
    /// Filters of one phase run in descending order of it; `None` is 0.
    pub priority: Option<i32>,
}

/// Which proxies load the filter.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Those of pods with all of these labels; with none, all of the namespace, and all of the mesh in Istio's root
    /// namespace.
    Labels(&'a [(String, String)]),
    /// Those of these resources: Gateways, which waypoints are too, and services behind a waypoint.
    Resources(&'a [TargetRef]),
}

/// A resource whose proxies load the filter. It is in the namespace of the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRef {
    /// Group of the resource; empty for the core group.
    pub group: &'static str,
    /// Kind of the resource.
    pub kind: &'static str,
    /// Name of the resource.
    pub name: String,
}

/// What Istio attaches extensions to, by group and kind.
const TARGET_KINDS: [(&str, &str); 4] = [
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
];

impl TargetRef {
    /// A Gateway of the Kubernetes Gateway API.
    pub fn gateway(name: &str) -> Self {
        Self { group: "gateway.networking.k8s.io", kind: "Gateway", name: name.to_owned() }
    }

    /// Reads `KIND/NAME`.
    ///
    /// # Errors
    /// See [`ParseTargetError`].
    pub fn parse(text: &str) -> Result<Self, ParseTargetError> {
        let (kind, name) = text.split_once('/').ok_or(ParseTargetError::Form)?;
        let found = TARGET_KINDS.iter().find(|(_, known)| *known == kind);
        let (group, kind) = found.ok_or(ParseTargetError::Kind)?;
        if !kubernetes::is_dns_subdomain(name) {
            return Err(ParseTargetError::Name(name.to_owned()));
        }
        Ok(Self { group, kind, name: name.to_owned() })
    }
}

/// Why a text names nothing that an extension can be attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseTargetError {
    /// It is not `KIND/NAME`.
    Form,
    /// Istio does not attach extensions to this kind.
    Kind,
    /// The name is not one that Kubernetes takes.
    Name(String),
}

impl fmt::Display for ParseTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("write KIND/NAME, for example Gateway/shop-gateway"),
            Self::Kind => f.write_str("Istio attaches extensions to a Gateway, GatewayClass, Service or ServiceEntry"),
            Self::Name(name) => write!(f, "`{name}` is not the name of a resource"),
        }
    }
}

impl std::error::Error for ParseTargetError {}

/// The filter's module: where Istio finds it, and how it takes it from there.
#[derive(Debug, Clone)]
pub struct Module<'a> {
    /// `oci://`, `https://`, `http://` or `file://`.
    pub url: &'a str,
    /// SHA-256 in 64 lower-case hex digits: of the module, or of the image.
    pub sha256: Option<&'a str>,
    /// When it is fetched again.
    pub pull: Option<Pull>,
    /// Secret in the namespace of the resource with the credentials of the registry.
    pub pull_secret: Option<&'a str>,
    /// What happens to requests after the filter's VM has failed.
    pub on_failure: OnFailure,
}

/// When a module is fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// When the proxy does not have it.
    IfNotPresent,
    /// Whenever the resource changes.
    Always,
}

impl Pull {
    const fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
        }
    }
}

/// What happens to requests after the filter's VM has failed. They never pass without the filter: that would be a way
/// around every policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// 503 until a fresh VM stands, about a second later.
    #[default]
    Reload,
    /// 503 until the proxy restarts; for an Istio that does not know `FAIL_RELOAD`.
    Close,
}

impl OnFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reload => "FAIL_RELOAD",
            Self::Close => "FAIL_CLOSE",
        }
    }
}

/// Where an extension stands among Istio's filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Before Istio's authentication: a JWT is not verified yet.
    Authn,
    /// After Istio's authentication, before its authorization: the filter reads what the verified JWT says, and an
    /// `AuthorizationPolicy` and the statistics see the context.
    #[default]
    Authz,
    /// After Istio's authorization, before its statistics.
    Stats,
    /// At the end, in front of the router.
    Last,
}

impl Phase {
    /// `None` where Istio's default is meant, whose name differs between the resources.
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Authn => Some("AUTHN"),
            Self::Authz => Some("AUTHZ"),
            Self::Stats => Some("STATS"),
            Self::Last => None,
        }
    }
}

/// The resource as a `WasmPlugin`, which every supported Istio knows.
pub fn wasm_plugin(extension: &Extension<'_>) -> Value {
    let mut spec = placement(extension);
    spec.append(&mut module(extension));
    resource(extension, "WasmPlugin", spec)
}

/// The resource as a `TrafficExtension`, for Istio 1.30 and newer.
pub fn traffic_extension(extension: &Extension<'_>) -> Value {
    let mut spec = placement(extension);
    spec.insert("wasm".to_owned(), module(extension).into());
    resource(extension, "TrafficExtension", spec)
}

fn resource(extension: &Extension<'_>, kind: &str, spec: Map<String, Value>) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": kubernetes::resource_name(extension.service), "namespace": extension.namespace},
        "spec": spec,
    })
}

/// Which proxies and which listeners, and where in their filters.
fn placement(extension: &Extension<'_>) -> Map<String, Value> {
    let mut spec = Map::new();
    match extension.target {
        Target::Labels([]) => {}
        Target::Labels(labels) => {
            let labels: Map<String, Value> =
                labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
            spec.insert("selector".to_owned(), json!({"matchLabels": labels}));
        }
        Target::Resources(resources) => {
            let reference =
                |target: &TargetRef| json!({"group": target.group, "kind": target.kind, "name": target.name});
            spec.insert("targetRefs".to_owned(), resources.iter().map(reference).collect());
        }
    }
    let mode = match extension.role {
        // A gateway is a client to Istio, and without `match` both directions are meant.
        None | Some(Role::Gateway | Role::Egress | Role::Upstream) => None,
        Some(Role::Inbound) => Some("SERVER"),
        Some(Role::Outbound) => Some("CLIENT"),
    };
    if let Some(mode) = mode {
        spec.insert("match".to_owned(), json!([{"mode": mode}]));
    }
    if let Some(phase) = extension.phase.as_str() {
        spec.insert("phase".to_owned(), phase.into());
    }
    if let Some(priority) = extension.priority {
        spec.insert("priority".to_owned(), priority.into());
    }
    spec
}

/// The module, its configuration and its environment.
fn module(extension: &Extension<'_>) -> Map<String, Value> {
    let module = &extension.module;
    let config = PluginConfig {
        artifact: extension.artifact.to_vec(),
        service: extension.service.map(str::to_owned),
        role: extension.role,
        routing: extension.routing,
    };
    let mut spec = Map::new();
    spec.insert("url".to_owned(), module.url.into());
    let optional = [
        ("sha256", module.sha256),
        ("imagePullPolicy", module.pull.map(Pull::as_str)),
        ("imagePullSecret", module.pull_secret),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            spec.insert(key.to_owned(), value.into());
        }
    }
    spec.insert("failStrategy".to_owned(), module.on_failure.as_str().into());
    // What the proxy's environment does not have is left out of the VM's.
    let variables = HOST_VARIABLES.map(|name| json!({"name": name, "valueFrom": "HOST"}));
    spec.insert("vmConfig".to_owned(), json!({"env": variables}));
    // Istio takes an object, and hands it to the filter as JSON again. What `to_json` writes is JSON.
    spec.insert("pluginConfig".to_owned(), serde_json::from_str(&config.to_json()).unwrap_or_default());
    spec
}
