//! The ECDS file that provides the filter of one listener, in the format of `policyc emit envoy --as ecds`. Envoy reads
//! it again if it is replaced by a rename.

use std::path::{Path, PathBuf};

pub use context_mesh_core::plugin_config::PSEUDONYM_VARIABLE;
pub use policy_compiler::pack::emit::HOST_VARIABLES;
use serde_json::Value;

use crate::error::{Context as _, Result};
use crate::topology::Role;

/// Returns the document. `wasm` is the filter as a path for Envoy, `configuration` the plugin configuration, and
/// `version` a text that changes with each update.
pub fn discovery_response(wasm: &Path, configuration: &str, version: &str) -> Value {
    policy_compiler::pack::emit::discovery_response(&wasm.to_string_lossy(), configuration, version)
}

/// Returns the file of `role` in the folder that the bootstraps call `FILTER_DIR`.
pub fn file_of(filter_dir: &Path, role: Role) -> PathBuf {
    filter_dir.join(format!("{role}.json"))
}

/// Replaces `file` as a whole: Envoy sees the old document or the new one, and notices the change.
///
/// # Errors
/// The temporary file next to it cannot be written or renamed.
pub fn replace(file: &Path, content: &str) -> Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, content).context(format_args!("cannot write `{}`", fresh.display()))?;
    std::fs::rename(&fresh, file).context(format_args!("cannot replace `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_virtual_machine_gets_the_secret_of_pseudonyms_from_envoys_environment() {
        let document = discovery_response(Path::new("/f.wasm"), "{}", "1");
        let vm = &document["resources"][0]["typed_config"]["config"]["vm_config"];
        assert_eq!(vm["environment_variables"]["host_env_keys"], serde_json::json!(HOST_VARIABLES));
        assert!(HOST_VARIABLES.contains(&PSEUDONYM_VARIABLE));
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
