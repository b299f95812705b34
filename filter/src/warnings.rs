//! Warnings about requests, sampled: one line for each kind of trouble every ten seconds and worker.

use context_mesh_core::pipeline::Plan;
use context_mesh_core::sampling::Sampler;
use proxy_wasm::types::LogLevel;

use crate::abi;

/// Writes about what a plan counted, where it is due. The report names fields and rules, never values.
pub(crate) fn write(sampler: &Sampler, plan: &Plan<'_>, now_ms: u64) {
    for counter in &plan.counters {
        let Some(count) = sampler.due(*counter, now_ms) else { continue };
        let (name, report) = (counter.as_str(), plan.report.to_json());
        abi::log(LogLevel::Warn, &format!("context_mesh: {name} ({count} since the last such line): {report}"));
    }
}
