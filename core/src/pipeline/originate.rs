//! Which fields an application is a source of.

use super::plan::{Counter, Plan};
use super::recall::Found;
use super::workload::Workload;
use crate::context::Context;

/// Takes the protected fields out of what an application sent, where nothing says that they are those of the request that it serves: what is
/// immutable, expires or is personal would otherwise be whatever the application says as soon as it begins a trace of its own. A service that a
/// field names as its origin is believed.
pub(super) fn disbelieve(workload: &Workload, found: &Found, forwarded: &mut Context, plan: &mut Plan<'_>) {
    let known = match found {
        // Merging takes the remembered fields, and of unknown ones no others.
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
