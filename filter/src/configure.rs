//! From the plugin's configuration to a workload: decided by the configuration and the proxy's node alone.

use context_mesh_core::artifact;
use context_mesh_core::pipeline::{Role, Workload};
use context_mesh_core::plugin_config::PluginConfig;
use proxy_wasm::types::LogLevel;

use crate::abi;
use crate::stats::Stats;
use crate::warnings::Warnings;

/// Environment variable (of the plugin's `vm_config`) that names the service when the configuration does not.
const SERVICE_VARIABLE: &str = "CONTEXT_MESH_SERVICE";

/// A configured plugin: what all its streams share.
pub(crate) struct Active {
    /// The workload that it serves.
    pub(crate) workload: Workload,
    /// Its role; `None`: the listener's direction says.
    pub(crate) role: Option<Role>,
    /// Its counters.
    pub(crate) stats: Stats,
    /// Its warnings.
    pub(crate) warnings: Warnings,
}

/// Loads the plugin's configuration. The error says what is wrong with it.
pub(crate) fn configure(bytes: &[u8]) -> Result<Active, String> {
    let config = PluginConfig::parse(bytes).map_err(|error| error.to_string())?;
    let program = artifact::load(&config.artifact).map_err(|error| error.to_string())?;
    let service = config.service.or_else(service_of_node).ok_or_else(|| {
        format!("no service name: set `service` in the plugin configuration, or the variable {SERVICE_VARIABLE}")
    })?;
    let workload = Workload::new(program, &service);
    if !workload.is_listed() {
        let message = format!(
            "context_mesh: service `{service}` is in no domain of the mesh; only enterprise policies for all workloads apply"
        );
        abi::log(LogLevel::Warn, &message);
    }
    Ok(Active { workload, role: config.role, stats: Stats::define(), warnings: Warnings::new() })
}

/// The service by the environment, by Istio's workload name, or by Envoy's `--service-cluster`.
fn service_of_node() -> Option<String> {
    let variable = std::env::var(SERVICE_VARIABLE).ok();
    let node = |path: &[&str]| abi::property(path).and_then(|bytes| String::from_utf8(bytes).ok());
    variable
        .or_else(|| node(&["xds", "node", "metadata", "WORKLOAD_NAME"]))
        .or_else(|| node(&["xds", "node", "cluster"]))
        .filter(|service| !service.is_empty())
}
