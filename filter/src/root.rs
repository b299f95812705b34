//! The plugin: one for each configuration and worker.

use std::rc::Rc;

use context_mesh_core::memory;

use crate::configure::configure;
use crate::host::Envoy;
use crate::types::LogLevel;
use crate::{abi, contexts, info};

/// Loads the configuration of a plugin. Returns whether it is accepted; otherwise the plugin keeps the one before.
pub(crate) fn on_configure(plugin: u32) -> bool {
    match configure(&abi::plugin_configuration()) {
        Ok(active) => {
            contexts::configure(plugin, Rc::new(active));
            // Without ticks, the next request removes what has expired.
            let _ = abi::set_tick_period(memory::TICK_MS);
            true
        }
        Err(refused) => {
            info::count(&refused);
            abi::log(LogLevel::Error, &format!("context_mesh: configuration refused: {}", refused.text));
            false
        }
    }
}

/// Removes what has expired, and shows again what the plugin runs.
pub(crate) fn on_tick(plugin: u32) {
    let Some(active) = contexts::plugin(plugin) else { return };
    active.shown.refresh();
    let host = Envoy::host(&active.requests, active.routing);
    active.requests.tick(active.workload.access(host));
}
