//! The fields that an application is an origin of.

use super::plan::{Counter, Plan};
use super::recall::Found;
use super::workload::Workload;
use crate::context::Context;

/// Removes the protected fields from the application's context, unless a remembered request confirms them. Otherwise an
/// application could choose any value for an immutable, expiring or personal field by starting a new trace. A service
/// that a field lists as its origin is trusted.
pub(super) fn disbelieve(workload: &Workload, found: &Found, forwarded: &mut Context, plan: &mut Plan<'_>) {
    let known = match found {
        // Merging uses the remembered fields, and accepts no other fields that are unknown.
        Found::Exact(_) => return,
        Found::Agreed(record) => Some(&record.context),
        Found::Nothing => None,
    };
    if forwarded.drop_unknown() {
        plan.problem(Counter::FieldUnbelieved, "unknown fields", "unbelieved");
    }
    for field in workload.fields() {
        let is_known = known.is_some_and(|known| known.contains(&field.name));
        if !field.is_protected() || is_known || field.origin.iter().any(|service| service == workload.service()) {
            continue;
        }
        if forwarded.remove(&field.name) {
            plan.problem(Counter::FieldUnbelieved, field.name.as_str(), "unbelieved");
        }
    }
}
