//! Behind the router, once for each try: what the proxy did to a request after its filters is looked at again.
//!
//! Header edits make the proxy choose the route anew, so the cluster that is really called may be another than the one that was decided
//! on; and some of Envoy's own tracers write `traceparent` and `tracestate` after the filters. Running again on one's own output changes nothing.

use super::extract::carriers;
use super::outbound::leave;
use super::plan::{Counter, Plan};
use super::present::{attach, tracestate_header};
use super::report::{Problem, Report};
use super::residency::keep_in_region;
use super::workload::{Host, Role, Workload};
use crate::carrier::{baggage, mesh_header};
use crate::context::Context;
use crate::destination;
use crate::headers::{Headers, Single};
use crate::trace::{Ids, Kind};

/// What the proxy calls a listener of traffic that leaves.
const OUTBOUND: i64 = 2;

/// The plan for one try of a request: of what the application calls, by the direction of the listener, or of what arrives at it.
pub fn upstream<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let direction = host.attributes.attribute(&["xds", "listener_direction"]);
    let outbound = direction.and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes) == Some(OUTBOUND);
    let plan = Plan { report: Report::new(workload, Role::Upstream), ..Plan::default() };
    let plan = if outbound { called(workload, headers, host, plan) } else { shown(headers, plan) };
    plan.within_budget()
}

/// A request that arrives: a tracer may have written `tracestate` over the ticket, which still stands in `baggage`.
fn shown<'w>(headers: &Headers<'_>, mut plan: Plan<'w>) -> Plan<'w> {
    let ticket = baggage::tickets(headers.all(baggage::NAME)).next().and_then(|ticket| String::from_utf8(ticket).ok());
    let has_parent = Ids::read(headers).of(Kind::Traceparent).is_some();
    tracestate_header(headers, ticket.as_deref().filter(|_| has_parent), &mut plan);
    plan
}

/// A call: the context goes only where the cluster that is really called may have it, and no ticket goes at all.
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
            plan.count(Counter::CarrierInvalid);
            plan.report.problems.push(Problem::new(mesh_header::NAME, error));
            (Context::new(), None)
        }
    };
    if destination.service.is_empty() {
        leave(workload, headers, &context, &mut plan);
        return plan;
    }
    let before = context.len();
    keep_in_region(workload, destination, &mut context, &mut plan);
    let unreadable = !plan.report.problems.is_empty();
    let others = carriers(headers, workload.fields(), &plan.fuel).iter().any(|name| name != mesh_header::NAME);
    if context.len() < before || unreadable || others {
        if let Some(refusal) =
            attach(workload, headers, &context, issued_at_ms.unwrap_or(host.now_ms), host.now_ms, &mut plan)
        {
            return plan.refuse(refusal);
        }
    } else {
        tracestate_header(headers, None, &mut plan);
    }
    plan.report.went_on(&context);
    plan
}
