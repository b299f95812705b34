//! Calls that leave the mesh.

use super::aliases;
use super::extract::carriers;
use super::plan::Plan;
use super::present::drop_all;
use super::report::Report;
use super::workload::{Role, Workload};
use crate::headers::Headers;

/// Returns the plan for a call that leaves the mesh. The context is removed.
pub fn egress<'w>(workload: &'w Workload, headers: &Headers<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, Role::Egress), ..Plan::default() };
    aliases::take_out(workload, headers, &mut plan);
    plan.report.dropped = carriers(headers, workload.fields(), &plan.fuel);
    drop_all(workload, headers, &mut plan);
    plan.within_budget()
}
