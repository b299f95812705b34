//! Removes headers whose names are read as those of others, and trailers that arrive after the decision.

use std::borrow::Cow;

use super::plan::{Counter, HeaderEdit, Plan};
use super::present::edit;
use super::report::Report;
use super::workload::{Role, Workload};
use crate::carrier::baggage;
use crate::headers::Headers;

/// Removes the headers that some applications read as a carrier, as an id, or as a header that rules read.
pub(super) fn take_out(workload: &Workload, headers: &Headers<'_>, plan: &mut Plan<'_>) {
    let guarded = workload.guarded();
    for (name, _) in headers.iter().filter(|(name, _)| guarded.is_suspect(name)) {
        // Several comparisons of names.
        if plan.fuel.text(name.len().saturating_mul(8)).is_err() {
            return;
        }
        if let Some(of) = guarded.alias_of(name)
            && remove(name, plan)
        {
            plan.problem(Counter::HeaderAlias, of, "alias");
        }
    }
    for name in baggage::OTHER_NAMES.into_iter().filter(|name| headers.contains(name)) {
        other_baggage(workload, headers, name, plan);
    }
}

/// Removes our members from an older header that applications read like `baggage`.
fn other_baggage(workload: &Workload, headers: &Headers<'_>, name: &'static str, plan: &mut Plan<'_>) {
    let lines = || headers.all(name);
    let paid = lines().try_for_each(|line| plan.fuel.text(line.len().saturating_mul(2)));
    let paid = paid.and_then(|()| plan.fuel.items(baggage::encoded_keys(lines()).saturating_mul(4)));
    if paid.is_ok() && baggage::has_ours(lines(), workload.fields()) {
        plan.problem(Counter::HeaderAlias, name, "alias");
        edit(headers, name, baggage::strip(lines(), workload.fields()), plan);
    }
}

/// Returns the plan for the trailers of a request. Trailers arrive after everything has been decided, and some
/// applications add them to the headers. So they must not contain anything that a decision reads.
pub fn trailers<'w>(workload: &'w Workload, role: Role, trailers: &Headers<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, role), ..Plan::default() };
    for (name, _) in trailers.iter() {
        if let Some(of) = workload.guarded().find(name)
            && remove(name, &mut plan)
        {
            plan.problem(Counter::TrailerDropped, of, "trailer");
        }
    }
    plan
}

/// Records a removal, once for each name. Returns whether the name is new. Envoy has no header names that are not text.
fn remove(name: &[u8], plan: &mut Plan<'_>) -> bool {
    let Ok(name) = core::str::from_utf8(name) else { return false };
    let edit = HeaderEdit::Remove(Cow::Owned(name.to_owned()));
    let new = !plan.edits.contains(&edit);
    if new {
        plan.edits.push(edit);
    }
    new
}
