//! The counters of the core as statistics of the proxy: `wasmcustom.context_mesh.<name>`.

use context_mesh_core::pipeline::Counter;

use crate::abi;

/// The counters with their numbers at the host.
pub(crate) struct Stats {
    ids: Vec<(Counter, Option<u32>)>,
}

impl Stats {
    /// Declares all counters, so that each shows as 0 from the start.
    pub(crate) fn define() -> Self {
        let define = |counter: &Counter| (*counter, abi::define_counter(&format!("context_mesh.{}", counter.as_str())));
        Self { ids: Counter::ALL.iter().map(define).collect() }
    }

    /// Adds one to a counter.
    pub(crate) fn increment(&self, counter: Counter) {
        let known = self.ids.iter().find(|(known, _)| *known == counter);
        if let Some((_, Some(id))) = known {
            abi::increment(*id);
        }
    }
}
