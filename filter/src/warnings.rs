//! Warnings about requests, sampled: one line for each kind of trouble every ten seconds and worker.

use core::cell::RefCell;

use context_mesh_core::pipeline::{Counter, Plan};
use proxy_wasm::types::LogLevel;

use crate::abi;

/// Time between two warnings of one kind.
const INTERVAL_MS: u64 = 10_000;

/// When each kind of trouble was last written about, and how often it has come since.
pub(crate) struct Warnings {
    kinds: RefCell<Vec<Kind>>,
}

struct Kind {
    counter: Counter,
    next_ms: u64,
    unwritten: u64,
}

impl Warnings {
    /// Nothing has been written yet.
    pub(crate) fn new() -> Self {
        let kind = |counter: &Counter| Kind { counter: *counter, next_ms: 0, unwritten: 0 };
        Self { kinds: RefCell::new(Counter::ALL.iter().map(kind).collect()) }
    }

    /// Writes about what a plan counted, where it is due. The report names fields and rules, never values.
    pub(crate) fn write(&self, plan: &Plan<'_>, now_ms: u64) {
        let Ok(mut kinds) = self.kinds.try_borrow_mut() else { return };
        for counter in &plan.counters {
            let Some(kind) = kinds.iter_mut().find(|kind| kind.counter == *counter) else { continue };
            kind.unwritten = kind.unwritten.saturating_add(1);
            if now_ms < kind.next_ms {
                continue;
            }
            let message = format!(
                "context_mesh: {} ({} since the last such line): {}",
                counter.as_str(),
                kind.unwritten,
                plan.report.to_json()
            );
            abi::log(LogLevel::Warn, &message);
            kind.next_ms = now_ms.saturating_add(INTERVAL_MS);
            kind.unwritten = 0;
        }
    }
}
