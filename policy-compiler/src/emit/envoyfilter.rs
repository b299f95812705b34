//! Istio: an `EnvoyFilter` that puts the filter in front of the router of a workload's sidecar.

use serde_json::{Map, Value, json};

use super::{PluginConfig, Role, http_filter, kubernetes};

/// What an `EnvoyFilter` is for.
#[derive(Debug, Clone)]
pub struct EnvoyFilter<'a> {
    /// The artifact.
    pub artifact: &'a [u8],
    /// The service of the workloads; `None`: each proxy says which it is.
    pub service: Option<&'a str>,
    /// For a sidecar both directions; otherwise the role of a gateway.
    pub gateway: Option<Role>,
    /// Namespace of the resource.
    pub namespace: &'a str,
    /// Labels of the workloads; none means all of the namespace.
    pub labels: &'a [(String, String)],
    /// The filter as the proxy finds it.
    pub wasm_path: &'a str,
}

/// The resource, `networking.istio.io/v1alpha3`.
pub fn envoy_filter(filter: &EnvoyFilter<'_>) -> Value {
    let mut spec = Map::new();
    if !filter.labels.is_empty() {
        let labels: Map<String, Value> =
            filter.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        spec.insert("workloadSelector".to_owned(), json!({"labels": labels}));
    }
    let patches: Vec<Value> = match filter.gateway {
        Some(role) => vec![patch(filter, "GATEWAY", role)],
        None => {
            vec![patch(filter, "SIDECAR_INBOUND", Role::Inbound), patch(filter, "SIDECAR_OUTBOUND", Role::Outbound)]
        }
    };
    spec.insert("configPatches".to_owned(), Value::from(patches));
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": kubernetes::resource_name(filter.service), "namespace": filter.namespace},
        "spec": spec,
    })
}

fn patch(filter: &EnvoyFilter<'_>, context: &str, role: Role) -> Value {
    let config = PluginConfig {
        artifact: filter.artifact.to_vec(),
        service: filter.service.map(str::to_owned),
        role: Some(role),
    };
    json!({
        "applyTo": "HTTP_FILTER",
        "match": {
            "context": context,
            "listener": {"filterChain": {"filter": {
                "name": "envoy.filters.network.http_connection_manager",
                "subFilter": {"name": "envoy.filters.http.router"},
            }}},
        },
        "patch": {"operation": "INSERT_BEFORE", "value": http_filter(filter.wasm_path, &config.to_json())},
    })
}
