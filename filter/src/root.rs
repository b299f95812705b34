//! The plugin: one for each configuration and worker.

use std::rc::Rc;

use context_mesh_core::pipeline::{Role, Workload};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::abi;
use crate::configure::configure;
use crate::stats::Stats;
use crate::stream::Stream;
use crate::warnings::Warnings;

/// The plugin before and after its configuration.
pub(crate) struct Root {
    active: Option<Rc<Active>>,
}

/// A configured plugin: what all its streams share.
pub(crate) struct Active {
    pub(crate) workload: Workload,
    pub(crate) role: Option<Role>,
    pub(crate) stats: Stats,
    pub(crate) warnings: Warnings,
}

impl Root {
    /// A plugin without a configuration.
    pub(crate) fn new() -> Self {
        Self { active: None }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        match configure(&abi::plugin_configuration()) {
            Ok(configured) => {
                let (workload, role) = (configured.workload, configured.role);
                self.active =
                    Some(Rc::new(Active { workload, role, stats: Stats::define(), warnings: Warnings::new() }));
                true
            }
            Err(error) => {
                abi::log(LogLevel::Error, &format!("context_mesh: configuration refused: {error}"));
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.active.clone())))
    }
}
