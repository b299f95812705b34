//! The plugin: one for each configuration and worker.

use std::rc::Rc;

use context_mesh_core::memory;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::abi;
use crate::configure::{Active, configure};
use crate::host::Envoy;
use crate::stream::Stream;

/// The plugin, before and after it is configured.
pub(crate) struct Root {
    active: Option<Rc<Active>>,
}

impl Root {
    /// Returns a plugin without a configuration.
    pub(crate) fn new() -> Self {
        Self { active: None }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        match configure(&abi::plugin_configuration()) {
            Ok(active) => {
                self.active = Some(Rc::new(active));
                // Without ticks, the next request removes what has expired.
                let _ = abi::set_tick_period(memory::TICK_MS);
                true
            }
            Err(error) => {
                abi::log(LogLevel::Error, &format!("context_mesh: configuration refused: {error}"));
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(active) = &self.active {
            let host = Envoy::host(&active.requests, active.routing);
            active.requests.tick(active.workload.access(host));
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.active.clone())))
    }
}
