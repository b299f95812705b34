//! Keeps fields in the regions that their schemas list. This needs no rule.

use super::plan::{Counter, Plan};
use super::workload::Workload;
use crate::context::Context;
use crate::vm::Destination;

/// Removes the fields that may not be sent to the destination's region. If it runs in several regions, all of them must
/// be allowed. A destination whose region is unknown is in none of the listed regions.
pub(super) fn keep_in_region<'w>(
    workload: &'w Workload,
    destination: Destination<'_>,
    context: &mut Context,
    plan: &mut Plan<'w>,
) {
    for field in workload.fields() {
        let allowed = |region: &String| field.residency.contains(region);
        let reaches_all = !destination.regions.is_empty() && destination.regions.iter().all(allowed);
        if !field.residency.is_empty() && !reaches_all && context.remove(&field.name) {
            plan.count(Counter::FieldKeptInRegion);
            plan.report.kept_in_region.push(&field.name);
        }
    }
}
