//! Warnings about requests, sampled: one line per worker for each kind of trouble every ten seconds.

use context_mesh_core::pipeline::Plan;
use context_mesh_core::sampling::Sampler;

use crate::abi;
use crate::types::LogLevel;

/// Writes the warnings for the counters of a plan that are due. The report contains names of fields and rules, never
/// values.
pub(crate) fn write(sampler: &Sampler, plan: &Plan<'_>, now_ms: u64) {
    for counter in &plan.counters {
        let Some(count) = sampler.due(*counter, now_ms) else { continue };
        let (name, report) = (counter.as_str(), plan.report.to_text());
        abi::log(LogLevel::Warn, &format!("context_mesh: {name} ({count} since the last such line): {report}"));
    }
}
