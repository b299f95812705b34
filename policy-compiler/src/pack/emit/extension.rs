//! Istio: `WasmPlugin`, and `TrafficExtension`, which replaces it from Istio 1.30 on. Istio itself adds the filter to
//! the listeners of the proxies and delivers the module to them.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{PluginConfig, Role, Routing, http_filter::HOST_VARIABLES, kubernetes};

const API_VERSION: &str = "extensions.istio.io/v1alpha1";

/// The parameters of a `WasmPlugin` or a `TrafficExtension`.
#[derive(Debug, Clone)]
pub struct Extension<'a> {
    /// The artifact.
    pub artifact: &'a [u8],
    /// The service of the workloads. With `None`, each proxy names its own.
    pub service: Option<&'a str>,
    /// The role of the filter. With `None`, it follows the direction of each listener, so that one resource serves
    /// both.
    pub role: Option<Role>,
    /// What is known about the proxies' routes: the filter's `routing` setting.
    pub routing: Routing,
    /// Namespace of the resource.
    pub namespace: &'a str,
    /// Which proxies load the filter.
    pub target: Target<'a>,
    /// The filter's module.
    pub module: Module<'a>,
    /// The position of the filter among Istio's own.
    pub phase: Phase,
    /// Filters of one phase run in descending order of priority. `None` is 0.
    pub priority: Option<i32>,
}

/// Which proxies load the filter.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Those of pods with all of these labels. If empty, all proxies of the namespace, and all of the mesh in Istio's
    /// root namespace.
    Labels(&'a [(String, String)]),
    /// Those of these resources: Gateways (a waypoint is one too) and services that have a waypoint.
    Resources(&'a [TargetRef]),
}

/// A resource whose proxies load the filter, in the namespace of the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRef {
    /// API group of the resource; empty for the core group.
    pub group: &'static str,
    /// Kind of the resource.
    pub kind: &'static str,
    /// Name of the resource.
    pub name: String,
}

/// The kinds of resource to which Istio attaches extensions, as group and kind.
const TARGET_KINDS: [(&str, &str); 4] = [
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
];

impl TargetRef {
    /// Returns a reference to a Gateway of the Kubernetes Gateway API.
    pub fn gateway(name: &str) -> Self {
        Self { group: "gateway.networking.k8s.io", kind: "Gateway", name: name.to_owned() }
    }

    /// Reads `KIND/NAME`.
    ///
    /// # Errors
    /// See `ParseTargetError`.
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

/// Why a text is not a target of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseTargetError {
    /// It is not `KIND/NAME`.
    Form,
    /// Istio does not attach extensions to this kind.
    Kind,
    /// The name is not valid in Kubernetes.
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

/// The filter's module: where and how Istio fetches it.
#[derive(Debug, Clone)]
pub struct Module<'a> {
    /// `oci://`, `https://`, `http://` or `file://`.
    pub url: &'a str,
    /// SHA-256 of the module or of the image, as 64 lower-case hex digits.
    pub sha256: Option<&'a str>,
    /// When the module is fetched again.
    pub pull: Option<Pull>,
    /// Secret with the credentials of the registry, in the namespace of the resource.
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

/// What happens to requests after the filter's VM has failed. They never pass without the filter, which would bypass
/// every policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Respond with 503 until a new VM is ready, about a second later.
    #[default]
    Reload,
    /// Respond with 503 until the proxy restarts; for an Istio that does not know `FAIL_RELOAD`.
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

/// The position of an extension among Istio's filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Before Istio's authentication: no JWT has been verified yet.
    Authn,
    /// After Istio's authentication and before its authorization: the filter can read the verified JWT, and
    /// `AuthorizationPolicy` and the statistics see the context.
    #[default]
    Authz,
    /// After Istio's authorization, before its statistics.
    Stats,
    /// At the end, before the router.
    Last,
}

impl Phase {
    /// Returns `None` for Istio's default, because its name differs between the resources.
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Authn => Some("AUTHN"),
            Self::Authz => Some("AUTHZ"),
            Self::Stats => Some("STATS"),
            Self::Last => None,
        }
    }
}

/// Returns the resource as a `WasmPlugin`, which every supported Istio knows.
pub fn wasm_plugin(extension: &Extension<'_>) -> Value {
    let mut spec = placement(extension);
    spec.append(&mut module(extension));
    resource(extension, "WasmPlugin", spec)
}

/// Returns the resource as a `TrafficExtension`, for Istio 1.30 and newer.
pub fn traffic_extension(extension: &Extension<'_>) -> Value {
    let mut spec = placement(extension);
    spec.insert("wasm".to_owned(), module(extension).into());
    resource(extension, "TrafficExtension", spec)
}

fn resource(extension: &Extension<'_>, kind: &str, spec: Map<String, Value>) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": kubernetes::metadata(extension.service, extension.namespace, extension.artifact),
        "spec": spec,
    })
}

/// Returns the fields that select the proxies, the listeners and the position among their filters.
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
        // To Istio a gateway is a client, and without `match` both directions are selected.
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

/// Returns the fields for the module, its configuration and its environment.
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
    // Variables that the proxy's environment lacks are absent in the VM's.
    let variables = HOST_VARIABLES.map(|name| json!({"name": name, "valueFrom": "HOST"}));
    spec.insert("vmConfig".to_owned(), json!({"env": variables}));
    // Istio accepts an object, and passes it to the filter as JSON again. `to_json` writes JSON.
    spec.insert("pluginConfig".to_owned(), serde_json::from_str(&config.to_json()).unwrap_or_default());
    spec
}
