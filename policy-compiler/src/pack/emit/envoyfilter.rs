//! Istio: an `EnvoyFilter` that puts the filter in front of the router of a workload's sidecar.

use serde_json::{Map, Value, json};

use super::{PluginConfig, Role, Routing, direct_address, http_filter, kubernetes};

/// The parameters of an `EnvoyFilter`.
#[derive(Debug, Clone)]
pub struct EnvoyFilter<'a> {
    /// The artifact.
    pub artifact: &'a [u8],
    /// The service of the workloads. With `None`, each proxy names its own.
    pub service: Option<&'a str>,
    /// The role of a gateway. `None` for a sidecar, which gets both directions.
    pub gateway: Option<Role>,
    /// What is known about the routes. With [`Routing::Upstream`] the filter also runs after the routers, as an upstream
    /// filter.
    pub routing: Routing,
    /// Namespace of the resource.
    pub namespace: &'a str,
    /// Labels that select the workloads. If empty, all workloads of the namespace.
    pub labels: &'a [(String, String)],
    /// Path of the filter's module in the proxy.
    pub wasm_path: &'a str,
}

/// Returns the resource, of `networking.istio.io/v1alpha3`.
pub fn envoy_filter(filter: &EnvoyFilter<'_>) -> Value {
    let mut spec = Map::new();
    if !filter.labels.is_empty() {
        let labels: Map<String, Value> =
            filter.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        spec.insert("workloadSelector".to_owned(), json!({"labels": labels}));
    }
    const SIDECAR: [(&str, Role); 2] = [("SIDECAR_INBOUND", Role::Inbound), ("SIDECAR_OUTBOUND", Role::Outbound)];
    let places = match filter.gateway {
        Some(role) => vec![("GATEWAY", role)],
        None => SIDECAR.to_vec(),
    };
    let mut patches = Vec::new();
    // Both are inserted before the router, so the first one runs first.
    if direct_address::is_read(filter.artifact) {
        patches.extend(places.iter().map(|(context, _)| at_router(context, "INSERT_BEFORE", direct_address::filter())));
    }
    patches.extend(places.iter().map(|(context, role)| patch(filter, context, *role)));
    if filter.routing == Routing::Upstream && filter.gateway != Some(Role::Egress) {
        patches.extend(places.iter().map(|(context, _)| upstream_patch(filter, context)));
    }
    spec.insert("configPatches".to_owned(), Value::from(patches));
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": kubernetes::metadata(filter.service, filter.namespace, filter.artifact),
        "spec": spec,
    })
}

fn patch(filter: &EnvoyFilter<'_>, context: &str, role: Role) -> Value {
    at_router(context, "INSERT_BEFORE", entry(filter, role))
}

/// Returns the patch that adds the filter to the router's upstream filters, before the upstream codec. The router keeps
/// its other settings.
fn upstream_patch(filter: &EnvoyFilter<'_>, context: &str) -> Value {
    let router = json!({
        "name": ROUTER,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "upstream_http_filters": [entry(filter, Role::Upstream), {
                "name": "envoy.filters.http.upstream_codec",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
                },
            }],
        },
    });
    at_router(context, "MERGE", router)
}

const ROUTER: &str = "envoy.filters.http.router";

fn at_router(context: &str, operation: &str, value: Value) -> Value {
    json!({
        "applyTo": "HTTP_FILTER",
        "match": {
            "context": context,
            "listener": {"filterChain": {"filter": {
                "name": "envoy.filters.network.http_connection_manager",
                "subFilter": {"name": ROUTER},
            }}},
        },
        "patch": {"operation": operation, "value": value},
    })
}

fn entry(filter: &EnvoyFilter<'_>, role: Role) -> Value {
    let config = PluginConfig {
        artifact: filter.artifact.to_vec(),
        service: filter.service.map(str::to_owned),
        role: Some(role),
        routing: filter.routing,
    };
    http_filter(filter.wasm_path, &config.to_json())
}
