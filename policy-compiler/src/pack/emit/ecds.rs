//! The file of Envoy's extension config discovery (ECDS): a new policy goes live when it is replaced.

use serde_json::{Value, json};

use super::{FILTER_NAME, http_filter::wasm};

/// An `envoy.service.discovery.v3.DiscoveryResponse` with the filter as its one resource. `version` should
/// change with the artifact: its digest does.
pub fn discovery_response(wasm_path: &str, configuration: &str, version: &str) -> Value {
    const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    json!({
        "version_info": version,
        "type_url": EXTENSION,
        "resources": [{
            "@type": EXTENSION,
            "name": FILTER_NAME,
            "typed_config": wasm(wasm_path, configuration),
        }],
    })
}
