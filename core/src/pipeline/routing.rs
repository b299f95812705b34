//! Header edits make the proxy choose the route again, after the decision of this filter and of the filters before it.
//! The possible protection depends on the configuration of the proxy.

use super::plan::{Counter, HeaderEdit, Plan, Refusal};
use super::workload::Workload;
use crate::carrier::{baggage, mapped, mesh_header, tracestate};
use crate::cause::{Cause, MeshCause};
use crate::context::Context;
use crate::headers::{Headers, Single};
use crate::tables::{FieldTable, Reply};
use crate::trace::{Ids, REQUEST_ID};

/// What is known about the routes that a request is matched against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Routing {
    /// Nothing is known: a route may match any header.
    #[default]
    Unknown,
    /// No route matches a header that the filter changes: no mapped header, carrier or id.
    Fixed,
    /// The filter also runs after the router, and sees the cluster that is really called.
    Upstream,
}

impl Routing {
    /// Returns the variant with this name in a plugin configuration.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "fixed" => Some(Self::Fixed),
            "upstream" => Some(Self::Upstream),
            _ => None,
        }
    }

    /// Returns the name in a plugin configuration; `None` if the setting is absent there.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Fixed => Some("fixed"),
            Self::Upstream => Some("upstream"),
        }
    }

    /// Returns the value that the field's header is to have while the proxy chooses its route.
    ///
    /// If the filter after the router removes the header again, that is the context's own value, if routes are to see
    /// it. If nothing is known about the routes, a header that agrees with the context is kept: removing it could route
    /// the call elsewhere, and the next filter only reads `x-mesh-context`.
    pub(super) fn header(self, field: &FieldTable, headers: &Headers<'_>, context: &Context) -> Option<Vec<u8>> {
        let value = || context.get(&field.name).and_then(|text| mapped::value(field, text));
        match self {
            Self::Upstream if field.routed => value(),
            Self::Upstream | Self::Fixed => None,
            Self::Unknown => match headers.single(field.header.as_deref()?) {
                Single::Value(sent) => value().filter(|value| value == sent),
                Single::Absent | Single::Repeated => None,
            },
        }
    }
}

impl Refusal<'static> {
    /// Returns the refusal of a call that may go, or went, to another service than the one that was decided on.
    pub(super) fn rerouted() -> Self {
        const PERMISSION_DENIED: u8 = 7;
        let message = "the route of this call changed after it was decided on".to_owned();
        Self {
            reply: Reply { status: 403, grpc_status: PERMISSION_DENIED, message },
            cause: Cause::Mesh(MeshCause::Route),
        }
    }
}

/// Returns the refusal of a call that carries protected fields and whose route may change because of our edits: the
/// plan changes a header that a route may match, and no filter runs after the router.
pub(super) fn refuse_uncertain(
    workload: &Workload,
    routing: Routing,
    context: &Context,
    plan: &mut Plan<'_>,
) -> Option<Refusal<'static>> {
    let is_protected = |field: &FieldTable| field.is_protected() && context.contains(&field.name);
    if routing != Routing::Unknown || !workload.fields().iter().any(is_protected) {
        return None;
    }
    let changed = changed(plan).find(|name| !is_of_the_mesh(name))?.to_owned();
    Some(uncertain(changed, plan))
}

/// Returns the refusal of a client's request whose own headers may have chosen the route that the filters before ours
/// decided on. Their access control would then apply to a route that the request does not take.
pub(super) fn refuse_chosen(workload: &Workload, routing: Routing, plan: &mut Plan<'_>) -> Option<Refusal<'static>> {
    let routed =
        |name: &str| workload.fields().iter().any(|field| field.routed && field.header.as_deref() == Some(name));
    let matched = |name: &&str| match routing {
        Routing::Fixed => false,
        Routing::Upstream => routed(name),
        Routing::Unknown => !is_of_the_mesh(name),
    };
    // A header that only the filter adds has not chosen a route yet.
    let sent = |name: &&str| plan.report.dropped.iter().any(|known| known == *name);
    let changed = changed(plan).find(|name| matched(name) && sent(name))?.to_owned();
    Some(uncertain(changed, plan))
}

fn uncertain(header: String, plan: &mut Plan<'_>) -> Refusal<'static> {
    plan.problem(Counter::RouteUncertain, header, "route-uncertain");
    Refusal::rerouted()
}

/// Returns the headers that the plan changes.
fn changed<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = &'p str> {
    plan.edits.iter().map(|edit| match edit {
        HeaderEdit::Set(name, _) => *name,
        HeaderEdit::Remove(name) => name.as_ref(),
    })
}

/// Returns whether a header is a carrier or an id. No route may match them, because every hop rewrites them (`policyc
/// check --envoy` finds routes that do).
fn is_of_the_mesh(name: &str) -> bool {
    [mesh_header::NAME, baggage::NAME, tracestate::NAME, REQUEST_ID].contains(&name)
        || Ids::headers_of_traces().any(|known| known == name)
}
