//! Requests that arrive at a service.

use super::aliases;
use super::ambiguous_path::refuse_ambiguous_path;
use super::apply::apply;
use super::caller::verify_caller;
use super::expire::expire;
use super::extract::extract;
use super::ids;
use super::path_readings;
use super::plan::{Plan, Refusal};
use super::present::{present, tracestate_header};
use super::remember::remember_arrival;
use super::report::Report;
use super::residency::keep_in_region;
use super::trust::{peer, source};
use super::validate::refuse_invalid;
use super::workload::{Host, Role, Workload};
use crate::headers::Headers;
use crate::memory::Record;
use crate::trace::Kind;
use crate::vm::Snapshot;

/// Returns the plan for a request that arrives at the workload.
pub fn inbound<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    arrive(workload, headers, host).within_budget()
}

fn arrive<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, Role::Inbound), ..Plan::default() };
    aliases::take_out(workload, headers, &mut plan);
    if let Some(refusal) = refuse_ambiguous_path(workload, headers, &mut plan) {
        return plan.refuse(refusal);
    }
    let ids = ids::read(headers, &mut plan);
    let peer = peer(workload, host);
    plan.report.peer.clone_from(&peer.service);
    let extracted = extract(workload, headers, source(workload, headers, &peer), host.now_ms, &mut plan);
    if extracted.unfit {
        return plan.refuse(Refusal::unfit());
    }
    let (mut context, broken) = (extracted.context, extracted.broken);
    let issued_at_ms = extracted.issued_at_ms.unwrap_or(host.now_ms);
    expire(workload, host.now_ms.saturating_sub(issued_at_ms), &mut context, &mut plan);
    if let Some(refusal) = verify_caller(workload, &peer, &mut context, &mut plan) {
        return plan.refuse(refusal);
    }
    // The sender's proxy does not send these fields. A mirror, or a sender without the filter after its router, may.
    keep_in_region(workload, workload.as_destination(), &mut context, &mut plan);
    if let Some(refusal) = refuse_invalid(workload, &mut context, broken, &mut plan) {
        return plan.refuse(refusal);
    }
    let mut decided = context.clone();
    let attributes = host.attributes;
    let mesh = workload.view(Role::Inbound);
    let destination = workload.as_destination();
    let snapshot = Snapshot { headers, context: &context, peer: &peer, mesh, destination, attributes };
    let decision = path_readings::decide(workload, workload.inbound_rules(), snapshot, host, &mut plan);
    if let Some(refusal) = apply(workload, decision, destination, &mut decided, &mut plan) {
        return plan.refuse(refusal);
    }
    plan.report.went_on(&decided);
    host.went_on(&decided);
    if plan.fuel.is_exhausted() {
        return plan;
    }
    let withheld = plan.report.redacted.iter().copied().collect();
    let record = Record { context: decided.clone(), withheld, issued_at_ms };
    let ticket = remember_arrival(workload, headers, &ids, host, &record, &mut plan);
    let ticket = ticket.as_deref();
    if let Some(refusal) = present(workload, headers, ticket, &decided, issued_at_ms, host.now_ms, &mut plan) {
        return plan.refuse(refusal);
    }
    // Libraries read `tracestate` only together with a `traceparent`, and none is made up just for the ticket.
    let has_parent = ids.of(Kind::Traceparent).is_some();
    tracestate_header(headers, ticket.filter(|_| has_parent), &mut plan);
    ids::settle(headers, &ids, &mut plan);
    plan
}
