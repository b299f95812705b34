//! Takes fields out whose time is over.

use super::plan::{Counter, Plan};
use super::workload::Workload;
use crate::context::Context;

/// Takes the fields out that are no good any more in a context that was made `age_ms` milliseconds ago.
///
/// The age is that of the whole context: a value that is added later is as old as the context that it is added to. A
/// field whose time is over is no mistake of who sent it, so it does not make the context invalid; a required one is then
/// missing.
pub(super) fn expire(workload: &Workload, age_ms: u64, context: &mut Context, plan: &mut Plan<'_>) {
    for field in workload.fields() {
        if field.ttl_ms > 0 && age_ms > field.ttl_ms && context.remove(&field.name) {
            plan.problem(Counter::FieldExpired, field.name.as_str(), "expired");
        }
    }
}
