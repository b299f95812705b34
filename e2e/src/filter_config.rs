//! The ECDS file that gives one listener its filter: which .wasm, and its plugin configuration.
//!
//! The file is an `envoy.service.discovery.v3.DiscoveryResponse` in JSON with one `TypedExtensionConfig`. Envoy reads it
//! again when it is replaced by a rename.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Context as _, Result};
use crate::topology::Role;

/// The name of the filter in the listeners; the resource in the ECDS file must have the same one.
pub const FILTER_NAME: &str = "context_mesh";

/// The VM that inbound and outbound share, with its shared data.
pub const VM_ID: &str = "context-mesh";

/// The ECDS document: `wasm` is the filter as Envoy finds it, `configuration` the plugin configuration,
/// handed over as a string, and `version` a text that changes with each update.
pub fn discovery_response(wasm: &Path, configuration: &str, version: &str) -> Value {
    json!({
        "version_info": version,
        "type_url": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": FILTER_NAME,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": FILTER_NAME,
                    "vm_config": {
                        // One VM for a worker, shared by inbound and outbound: what one remembers, the other recalls.
                        "vm_id": VM_ID,
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"filename": wasm}},
                    },
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": configuration,
                    },
                    // A VM that traps is replaced; the default would answer 503 until the process restarts.
                    "failure_policy": "FAIL_RELOAD",
                    // A filter that waits for the body holds the headers back too.
                    "allow_on_headers_stop_iteration": true,
                },
            },
        }],
    })
}

/// The file of `role` in the folder that the bootstraps call `FILTER_DIR`.
pub fn file_of(filter_dir: &Path, role: Role) -> PathBuf {
    filter_dir.join(format!("{role}.json"))
}

/// Replaces `file` as a whole: Envoy sees the old document or the new one, and notices the change.
///
/// # Errors
/// The file cannot be written beside its place, or not be renamed.
pub fn replace(file: &Path, content: &str) -> Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, content).context(format_args!("cannot write `{}`", fresh.display()))?;
    std::fs::rename(&fresh, file).context(format_args!("cannot replace `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_configuration_travels_as_a_string() {
        let document = discovery_response(Path::new("/f.wasm"), r#"{"role":"inbound"}"#, "7");
        let config = &document["resources"][0]["typed_config"]["config"];
        assert_eq!(config["configuration"]["value"], r#"{"role":"inbound"}"#);
        assert_eq!(config["vm_config"]["code"]["local"]["filename"], "/f.wasm");
        assert_eq!(document["version_info"], "7");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = file_of(folder.path(), Role::Inbound);
        replace(&file, "one").unwrap();
        replace(&file, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
