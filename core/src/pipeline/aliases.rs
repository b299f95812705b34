//! Takes out headers whose names are read as those of others, and what trailers say too late.

use std::borrow::Cow;

use super::plan::{Counter, HeaderEdit, Plan};
use super::present::edit;
use super::report::Report;
use super::workload::{Role, Workload};
use crate::carrier::baggage;
use crate::headers::Headers;

/// Takes out the headers that some applications take for a carrier, an id, or a header that rules read.
pub(super) fn take_out(workload: &Workload, headers: &Headers<'_>, plan: &mut Plan<'_>) {
    let guarded = workload.guarded();
    for (name, _) in headers.iter().filter(|(name, _)| guarded.is_suspect(name)) {
        // A few comparisons of names.
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

/// Takes our members out of an older header of the kind of `baggage`.
fn other_baggage(workload: &Workload, headers: &Headers<'_>, name: &'static str, plan: &mut Plan<'_>) {
    let lines = || headers.all(name);
    let paid = lines().try_for_each(|line| plan.fuel.text(line.len().saturating_mul(2)));
    let paid = paid.and_then(|()| plan.fuel.items(baggage::encoded_keys(lines()).saturating_mul(4)));
    if paid.is_ok() && baggage::has_ours(lines(), workload.fields()) {
        plan.problem(Counter::HeaderAlias, name, "alias");
        edit(headers, name, baggage::strip(lines(), workload.fields()), plan);
    }
}

/// The plan for the trailers of a request. They come when everything has been decided, and some applications add them to
/// the headers: so what a decision looks at may not stand in them.
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

/// Notes a removal, once for each name. Returns whether it is new. Envoy has no names that are not text.
fn remove(name: &[u8], plan: &mut Plan<'_>) -> bool {
    let Ok(name) = core::str::from_utf8(name) else { return false };
    let edit = HeaderEdit::Remove(Cow::Owned(name.to_owned()));
    let new = !plan.edits.contains(&edit);
    if new {
        plan.edits.push(edit);
    }
    new
}
