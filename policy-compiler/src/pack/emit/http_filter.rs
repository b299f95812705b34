//! The entry of the filter in `http_filters` of Envoy's HTTP connection manager.

use context_mesh_core::plugin_config::{PSEUDONYM_VARIABLE, SERVICE_VARIABLE};
use serde_json::{Value, json};

/// Name of the filter in listeners and of the resource in an ECDS file.
pub const FILTER_NAME: &str = "context_mesh";

/// Name of the VM, and with it of the shared data: inbound and outbound of one proxy must have the same.
pub const VM_ID: &str = "context-mesh";

/// Variables of the proxy's environment that the filter reads: the secret of pseudonyms, which must not stand in a
/// configuration, and the service where the configuration does not name it.
pub const HOST_VARIABLES: [&str; 2] = [PSEUDONYM_VARIABLE, SERVICE_VARIABLE];

/// The entry: `wasm_path` is the filter as the proxy finds it, `configuration` what [`super::PluginConfig::to_json`]
/// writes.
pub fn http_filter(wasm_path: &str, configuration: &str) -> Value {
    json!({
        "name": FILTER_NAME,
        "typed_config": wasm(wasm_path, configuration),
    })
}

/// The `Wasm` message of Envoy, `envoy.extensions.filters.http.wasm.v3.Wasm`.
pub(super) fn wasm(wasm_path: &str, configuration: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": FILTER_NAME,
            "vm_config": {
                "vm_id": VM_ID,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": wasm_path}},
                // What the proxy's environment does not have is left out of the VM's.
                "environment_variables": {"host_env_keys": HOST_VARIABLES},
            },
            // A string, not a Struct: Envoy would turn a Struct into JSON for every plugin instance.
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": configuration,
            },
            // The default would answer 503 until the process restarts.
            "failure_policy": "FAIL_RELOAD",
            // A filter that waits for the body holds the headers back too.
            "allow_on_headers_stop_iteration": true,
        },
    })
}
