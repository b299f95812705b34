//! Removes expired fields.

use super::plan::{Counter, Plan};
use super::workload::Workload;
use crate::context::Context;

/// Removes the fields that are expired in a context that was made `age_ms` milliseconds ago.
///
/// The age is that of the whole context: a value that is added later is as old as the context that it is added to. An
/// expired field is not a mistake of the sender, so it does not make the context invalid. If it is required, it is then
/// missing.
pub(super) fn expire(workload: &Workload, age_ms: u64, context: &mut Context, plan: &mut Plan<'_>) {
    for field in workload.fields() {
        if field.ttl_ms > 0 && age_ms > field.ttl_ms && context.remove(&field.name) {
            plan.problem(Counter::FieldExpired, field.name.as_str(), "expired");
        }
    }
}
