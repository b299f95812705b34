//! Runs after the router, once for each try, and checks the changes that the proxy made to a request after its filters.
//!
//! Header edits make the proxy choose the route again, so the cluster that is really called may be another than the one
//! that was decided on. Some of Envoy's own tracers also write `traceparent` and `tracestate` after the filters.
//! Running again on its own output changes nothing.

use std::rc::Rc;

use super::extract::carriers;
use super::outbound::{decide, leave, note_attached};
use super::plan::{Counter, Plan, Refusal};
use super::present::{attach, tracestate_header};
use super::report::Report;
use super::residency::keep_in_region;
use super::routing::Routing;
use super::workload::{Host, Role, Workload};
use crate::carrier::{baggage, mesh_header};
use crate::context::Context;
use crate::destination;
use crate::headers::{Headers, Single};
use crate::trace::{Ids, Kind};
use crate::vm::Destination;

/// The proxy's value for the direction of a listener of outbound traffic.
const OUTBOUND: i64 = 2;

/// Returns whether the request is a call. A gateway only makes calls. In a sidecar, the direction of the listener
/// decides. A request without a listener was made by the proxy itself: a mirrored call.
fn is_call(workload: &Workload, host: Host<'_>) -> bool {
    let direction = host.attributes.attribute(&["xds", "listener_direction"]);
    let direction = direction.map(|bytes| bytes.try_into().map(i64::from_le_bytes));
    workload.is_gateway() || direction.is_none_or(|direction| direction == Ok(OUTBOUND))
}

/// Returns the plan for one try of a request: a call of the application or of a gateway, or a request that arrives at
/// the application.
pub fn upstream<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let plan = Plan { report: Report::new(workload, Role::Upstream), ..Plan::default() };
    let plan = if is_call(workload, host) { called(workload, headers, host, plan) } else { shown(headers, plan) };
    plan.within_budget()
}

/// Restores the ticket of a request that arrives: a tracer may have overwritten it in `tracestate`, but `baggage` still
/// has it.
fn shown<'w>(headers: &Headers<'_>, mut plan: Plan<'w>) -> Plan<'w> {
    let ticket = baggage::tickets(headers.all(baggage::NAME)).next().and_then(|ticket| String::from_utf8(ticket).ok());
    let has_parent = Ids::read(headers).of(Kind::Traceparent).is_some();
    tracestate_header(headers, ticket.as_deref().filter(|_| has_parent), &mut plan);
    plan
}

/// Checks a call: the context is sent only if the cluster that is really called may have it. A ticket is never sent.
fn called<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>, mut plan: Plan<'w>) -> Plan<'w> {
    let tables = workload.program().tables();
    let cluster = host.attributes.attribute(&["xds", "cluster_name"]).unwrap_or_default();
    let destination = destination::of_cluster(&cluster, tables).unwrap_or_default();
    let attached = match headers.single(mesh_header::NAME) {
        Single::Absent => None,
        Single::Repeated => Some(Err("repeated")),
        Single::Value(value) => {
            Some(mesh_header::decode(value, workload.program().words()).map_err(|error| error.as_str()))
        }
    };
    let (mut context, issued_at_ms) = match attached {
        None => (Context::new(), None),
        Some(Ok(header)) => (header.context, header.issued_at_ms),
        Some(Err(error)) => {
            plan.problem(Counter::CarrierInvalid, mesh_header::NAME, error);
            (Context::new(), None)
        }
    };
    if destination.service.is_empty() {
        leave(workload, headers, &context, &mut plan);
        return plan;
    }
    let mut before = None;
    match redecide(workload, headers, host, destination, &context, &mut plan) {
        None => {}
        Some(Ok((decided, seen))) => (context, before) = (decided, Some(seen)),
        Some(Err(refusal)) => return plan.refuse(refusal),
    }
    let fields = context.len();
    keep_in_region(workload, destination, &mut context, &mut plan);
    let unreadable = !plan.report.problems.is_empty();
    let others = carriers(headers, workload.fields(), &plan.fuel).iter().any(|name| name != mesh_header::NAME);
    if before.is_some() || context.len() < fields || unreadable || others {
        let issued_at_ms = issued_at_ms.unwrap_or(host.now_ms);
        if let Some(refusal) = attach(workload, headers, Routing::Fixed, &context, issued_at_ms, host.now_ms, &mut plan)
        {
            return plan.refuse(refusal);
        }
        // For the next try, and for an internal redirect.
        note_attached(headers, host, destination, before, &mut plan);
    } else {
        tracestate_header(headers, None, &mut plan);
    }
    plan.report.went_on(&context);
    plan
}

/// Returns the context after the rules for the service that is really called, and the context before them. Returns
/// `None` if the call goes to the service that was decided on, or if the service makes no difference. The decisions of
/// a gateway depend on data that only its filter before the router sees.
fn redecide<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    host: Host<'_>,
    destination: Destination<'_>,
    attached: &Context,
    plan: &mut Plan<'w>,
) -> Option<Result<(Context, Rc<Context>), Refusal<'w>>> {
    let made = match headers.single(mesh_header::NAME) {
        Single::Value(value) => host.requests.attached(value, host.now_ms),
        Single::Absent | Single::Repeated => None,
    };
    if made.as_ref().is_some_and(|made| &*made.service == destination.service) {
        return None;
    }
    plan.count(Counter::RouteChanged);
    let before = made.and_then(|made| made.before);
    if workload.is_gateway() {
        return workload.decides_by_destination().then(|| Err(Refusal::rerouted()));
    }
    if before.is_none() && !workload.decides_by_destination() {
        return None;
    }
    let before = before.unwrap_or_else(|| Rc::new(attached.clone()));
    let decided = decide(workload, headers, host, destination, &before, plan);
    Some(decided.map(|decided| (decided, before)))
}
