//! A request arrives at a service.

use super::aliases;
use super::apply::apply;
use super::expire::expire;
use super::extract::{Source, extract};
use super::ids;
use super::outbound::put_caller;
use super::plan::{Counter, Plan, Refusal};
use super::present::{present, tracestate_header};
use super::remember::remember_arrival;
use super::report::Report;
use super::residency::keep_in_region;
use super::validate::refuse_invalid;
use super::workload::{Host, Role, Workload};
use crate::carrier::mesh_header;
use crate::context::json::string_content;
use crate::context::{CALLER, Context};
use crate::headers::Headers;
use crate::identity;
use crate::memory::Record;
use crate::tables::{OnMismatch, Reply};
use crate::trace::Kind;
use crate::vm::{Peer, Snapshot};

/// The plan for a request that arrives at the workload.
pub fn inbound<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    arrive(workload, headers, host).within_budget()
}

fn arrive<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, Role::Inbound), ..Plan::default() };
    aliases::take_out(workload, headers, &mut plan);
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
    // The sender's proxy keeps these at home. A mirror, or a sender without the filter behind its router, does not.
    keep_in_region(workload, workload.as_destination(), &mut context, &mut plan);
    if let Some(refusal) = refuse_invalid(workload, &mut context, broken, &mut plan) {
        return plan.refuse(refusal);
    }
    let mut decided = context.clone();
    let attributes = host.attributes;
    let mesh = workload.view(Role::Inbound);
    let destination = workload.as_destination();
    let snapshot = Snapshot { headers, context: &context, peer: &peer, mesh, destination, attributes };
    let decision = workload.decide(workload.inbound_rules(), snapshot, &plan.fuel);
    host.decided(snapshot, workload.inbound_rules(), &decision);
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
    // Libraries read `tracestate` only beside a `traceparent`, and none is invented for the ticket's sake.
    let has_parent = ids.of(Kind::Traceparent).is_some();
    tracestate_header(headers, ticket.filter(|_| has_parent), &mut plan);
    ids::settle(headers, &ids, &mut plan);
    plan
}

/// Who sent the request, by its client certificate.
pub(super) fn peer(workload: &Workload, host: Host<'_>) -> Peer {
    let san = host.attributes.attribute(&["connection", "uri_san_peer_certificate"]);
    let principal = san.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    if principal.is_empty() {
        return Peer::default();
    }
    identity::peer(&principal, workload.program().tables())
}

/// What of the peer's carriers counts. What its proxy attached counts alone; a carrier beside it, or without it, is what a client
/// or an application sent past a filter that does not know the field yet.
fn source(workload: &Workload, headers: &Headers<'_>, peer: &Peer) -> Source {
    let mesh = workload.mesh();
    let named = mesh.peers_without_filter.as_ref();
    if !mesh.require_peer {
        Source::All
    } else if peer.service.is_empty() {
        Source::Nothing
    } else if named.is_some_and(|named| named.contains(&peer.service)) {
        Source::All
    } else if headers.contains(mesh_header::NAME) {
        Source::MeshHeader
    } else if named.is_none() {
        // A filter attaches `x-mesh-context` to every call, if only for the `caller`.
        Source::All
    } else {
        Source::Nothing
    }
}

/// Makes `caller` the verified peer. A claim without a peer stands only where the mesh believes anyone.
fn verify_caller(
    workload: &Workload,
    peer: &Peer,
    context: &mut Context,
    plan: &mut Plan<'_>,
) -> Option<Refusal<'static>> {
    if peer.service.is_empty() {
        return None;
    }
    let claimed = context.get(CALLER).map(|text| string_content(text).unwrap_or_default().into_owned());
    if claimed.as_ref().is_some_and(|claimed| *claimed != peer.service) {
        plan.problem(Counter::CallerMismatch, CALLER, "not-the-peer");
        if workload.mesh().caller_mismatch == OnMismatch::Deny {
            let message = "the claimed caller is not the peer".to_owned();
            let reply = Reply { status: 403, grpc_status: 7, message };
            return Some(Refusal { reply, cause: "mesh callerMismatch" });
        }
    }
    if claimed.as_ref() == Some(&peer.service) { None } else { put_caller(workload, &peer.service, context, plan) }
}
