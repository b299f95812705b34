//! The edges of the mesh: requests that come from untrusted clients, and calls that leave.

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

/// Returns the plan for a request from a client. Every carrier that the client sent is dropped, and the `set` rules
/// make the context from verified sources. They replace extraction, so all other rules see the fields that they set.
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

/// Returns the names of the response headers in which an application may have echoed the context. No client may see
/// them.
pub fn response_headers(workload: &Workload) -> impl Iterator<Item = &str> {
    let carriers = [mesh_header::NAME, baggage::NAME, tracestate::NAME];
    carriers.into_iter().chain(workload.fields().iter().filter_map(|field| field.header.as_deref()))
}
