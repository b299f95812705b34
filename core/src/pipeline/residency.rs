//! Keeps fields in the regions that their schemas list. This needs no rule.

use super::plan::{Counter, Plan};
use super::workload::Workload;
use crate::context::Context;
use crate::vm::Destination;

/// Removes the fields that may not be sent to the destination's region. A destination whose region is unknown is in
/// none of the listed regions.
pub(super) fn keep_in_region<'w>(
    workload: &'w Workload,
    destination: Destination<'_>,
    context: &mut Context,
    plan: &mut Plan<'w>,
) {
    for field in workload.fields() {
        let bound = !field.residency.is_empty() && !field.residency.iter().any(|region| region == destination.region);
        if bound && context.remove(&field.name) {
            plan.count(Counter::FieldKeptInRegion);
            plan.report.kept_in_region.push(&field.name);
        }
    }
}
