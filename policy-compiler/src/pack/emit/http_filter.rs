//! The entry of the filter in `http_filters` of Envoy's HTTP connection manager.

use context_mesh_core::plugin_config::{PSEUDONYM_VARIABLE, SERVICE_VARIABLE};
use serde_json::{Value, json};

/// Name of the filter in listeners and of the resource in an ECDS file.
pub const FILTER_NAME: &str = "context_mesh";

/// Name of the VM, and therefore of the shared data. The inbound and outbound filters of one proxy must use the same.
pub const VM_ID: &str = "context-mesh";

/// Environment variables of the proxy that the filter reads: the secret for pseudonyms, which must not be in a
/// configuration, and the service, if the configuration does not name it.
pub const HOST_VARIABLES: [&str; 2] = [PSEUDONYM_VARIABLE, SERVICE_VARIABLE];

/// Returns the entry. `wasm_path` is the path of the filter's module in the proxy, `configuration` the output of
/// [`super::PluginConfig::to_json`].
pub fn http_filter(wasm_path: &str, configuration: &str) -> Value {
    json!({
        "name": FILTER_NAME,
        "typed_config": wasm(wasm_path, configuration),
    })
}

/// Returns Envoy's `Wasm` message, `envoy.extensions.filters.http.wasm.v3.Wasm`.
pub(super) fn wasm(wasm_path: &str, configuration: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": FILTER_NAME,
            "vm_config": {
                "vm_id": VM_ID,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": wasm_path}},
                // Variables that the proxy's environment lacks are absent in the VM's.
                "environment_variables": {"host_env_keys": HOST_VARIABLES},
            },
            // A string and not a Struct, because Envoy would convert a Struct to JSON for every plugin instance.
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": configuration,
            },
            // By default, Envoy would respond with 503 until the process restarts.
            "failure_policy": "FAIL_RELOAD",
            // While the filter waits for the body, the headers are held back too.
            "allow_on_headers_stop_iteration": true,
        },
    })
}
