//! The file for Envoy's extension config discovery (ECDS). Replacing the file puts a new policy into effect.

use serde_json::{Value, json};

use super::{FILTER_NAME, http_filter::wasm};

/// Returns an `envoy.service.discovery.v3.DiscoveryResponse` with the filter as its only resource. `version` must
/// change with the artifact and its revision.
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
