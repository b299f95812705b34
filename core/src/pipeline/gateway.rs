//! The edges of the mesh: where requests come in from clients that nobody vouches for, and where calls leave.

use super::aliases;
use super::ambiguous_path::refuse_ambiguous_path;
use super::apply::apply;
use super::caller::put_caller;
use super::extract::carriers;
use super::ids;
use super::outbound::note_attached;
use super::path_readings;
use super::plan::{Counter, Plan};
use super::present::attach;
use super::report::Report;
use super::residency::keep_in_region;
use super::routing::{refuse_chosen, refuse_uncertain};
use super::trust::peer;
use super::validate::refuse_invalid;
use super::workload::{Host, Role, Workload};
use crate::carrier::{baggage, mesh_header, tracestate};
use crate::context::Context;
use crate::destination;
use crate::headers::Headers;
use crate::vm::Snapshot;

/// The plan for a request from a client: every carrier that it sent is dropped, and the context is what the
/// `set` rules make of verified sources. They take the place of extraction, so all other rules see what they made.
pub fn gateway<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    mint(workload, headers, host).within_budget()
}

fn mint<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, Role::Gateway), ..Plan::default() };
    aliases::take_out(workload, headers, &mut plan);
    if let Some(refusal) = refuse_ambiguous_path(workload, headers, &mut plan) {
        return plan.refuse(refusal);
    }
    plan.report.dropped = carriers(headers, workload.fields(), &plan.fuel);
    if !plan.report.dropped.is_empty() {
        plan.count(Counter::ClientCarrierDropped);
    }
    let ids = ids::read(headers, &mut plan);
    let peer = peer(workload, host);
    plan.report.peer.clone_from(&peer.service);
    let destination = destination::resolve(headers, host.attributes, workload.program().tables());
    let mut context = Context::new();
    for rules in [workload.mint_rules(), workload.gateway_rules()] {
        let seen = context.clone();
        let mesh = workload.view(Role::Gateway);
        let attributes = host.attributes;
        let snapshot = Snapshot { headers, context: &seen, peer: &peer, mesh, destination, attributes };
        let decision = path_readings::decide(workload, rules, snapshot, host, &mut plan);
        if let Some(refusal) = apply(workload, decision, destination, &mut context, &mut plan) {
            return plan.refuse(refusal);
        }
    }
    if let Some(refusal) = refuse_invalid(workload, &mut context, false, &mut plan) {
        return plan.refuse(refusal);
    }
    if let Some(refusal) = put_caller(workload, workload.service(), &mut context, &mut plan) {
        return plan.refuse(refusal);
    }
    keep_in_region(workload, destination, &mut context, &mut plan);
    plan.report.went_on(&context);
    host.went_on(&context);
    if let Some(refusal) = attach(workload, headers, host.routing, &context, host.now_ms, host.now_ms, &mut plan) {
        return plan.refuse(refusal);
    }
    if let Some(refusal) = refuse_uncertain(workload, host.routing, &context, &mut plan) {
        return plan.refuse(refusal);
    }
    if let Some(refusal) = refuse_chosen(workload, host.routing, &mut plan) {
        return plan.refuse(refusal);
    }
    note_attached(headers, host, destination, None, &mut plan);
    ids::at_edge(workload, headers, &ids, host, &mut plan);
    plan
}

/// The names of the response headers that an application may have echoed the context in, and that no client may see.
pub fn response_headers(workload: &Workload) -> impl Iterator<Item = &str> {
    let carriers = [mesh_header::NAME, baggage::NAME, tracestate::NAME];
    carriers.into_iter().chain(workload.fields().iter().filter_map(|field| field.header.as_deref()))
}
