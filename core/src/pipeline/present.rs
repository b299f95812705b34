//! Writes the context into headers, for the application or for the next hop.

use std::borrow::Cow;

use super::plan::{Counter, HeaderEdit, Plan, Refusal};
use super::routing::Routing;
use super::workload::Workload;
use crate::carrier::{baggage, mapped, mesh_header, tracestate};
use crate::context::Context;
use crate::fuel::{Exhausted, Fuel};
use crate::headers::{Headers, Single};
use crate::tables::FieldTable;

/// Shows the context to the application, in the carriers that the mesh lists. All other carriers are removed. Returns
/// the refusal if the context does not fit.
pub(super) fn present<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    ticket: Option<&str>,
    context: &Context,
    issued_at_ms: u64,
    now_ms: u64,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    if pay_for_writing(headers, context, &plan.fuel).is_err() {
        return None;
    }
    let mesh = workload.mesh();
    // One edit for each field, and two for the carriers.
    plan.edits.reserve(workload.fields().len().saturating_add(2));
    let shown = |wanted: bool| if wanted { Cow::Borrowed(context) } else { Cow::Owned(Context::new()) };
    shown_headers(workload, headers, &shown(mesh.present_headers), plan);
    baggage_header(workload, headers, ticket, &shown(mesh.present_baggage), plan);
    if mesh.present_mesh_header {
        return mesh_context(workload, headers, context, issued_at_ms, now_ms, plan);
    }
    edit(headers, mesh_header::NAME, None, plan);
    None
}

/// Sends the context to the next hop, in the mesh's own header only. Routes may see more. Returns the refusal if it
/// does not fit.
pub(super) fn attach<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    routing: Routing,
    context: &Context,
    issued_at_ms: u64,
    now_ms: u64,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    if pay_for_writing(headers, context, &plan.fuel).is_err() {
        return None;
    }
    let none = Context::new();
    mapped_headers(workload, headers, |field| routing.header(field, headers, context), plan);
    baggage_header(workload, headers, None, &none, plan);
    tracestate_header(headers, None, plan);
    mesh_context(workload, headers, context, issued_at_ms, now_ms, plan)
}

/// Removes every carrier.
pub(super) fn drop_all<'w>(workload: &'w Workload, headers: &Headers<'_>, plan: &mut Plan<'w>) {
    let none = Context::new();
    if pay_for_writing(headers, &none, &plan.fuel).is_err() {
        return;
    }
    mapped_headers(workload, headers, |_| None, plan);
    baggage_header(workload, headers, None, &none, plan);
    tracestate_header(headers, None, plan);
    edit(headers, mesh_header::NAME, None, plan);
}

/// Pays for writing the context as headers, as baggage and compressed, and for copying foreign baggage.
fn pay_for_writing(headers: &Headers<'_>, context: &Context, fuel: &Fuel) -> Result<(), Exhausted> {
    headers.all(baggage::NAME).try_for_each(|value| fuel.text(value.len().saturating_mul(2)))?;
    fuel.items(baggage::encoded_keys(headers.all(baggage::NAME)).saturating_mul(4))?;
    fuel.items(context.most_items())?;
    fuel.text(context.bytes().saturating_mul(4))
}

/// Shows the context to the application.
fn shown_headers<'w>(workload: &'w Workload, headers: &Headers<'_>, context: &Context, plan: &mut Plan<'w>) {
    for field in workload.fields() {
        let Some(header) = &field.header else { continue };
        let value = context.get(&field.name).map(|text| mapped::value(field, text));
        if value == Some(None) {
            plan.problem(Counter::FieldUnpresentable, field.name.as_str(), "unpresentable");
        }
        edit(headers, header, value.flatten(), plan);
    }
}

/// Sets each mapped header to the value that routes are to see, or removes it.
fn mapped_headers<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    value: impl Fn(&FieldTable) -> Option<Vec<u8>>,
    plan: &mut Plan<'w>,
) {
    for field in workload.fields() {
        if let Some(header) = &field.header {
            edit(headers, header, value(field), plan);
        }
    }
}

fn baggage_header<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    ticket: Option<&str>,
    context: &Context,
    plan: &mut Plan<'w>,
) {
    if ticket.is_none() && context.is_empty() && !headers.contains(baggage::NAME) {
        return;
    }
    let presented = baggage::present(headers.all(baggage::NAME), ticket, context, workload.fields());
    if presented.left_out {
        plan.problem(Counter::BaggageLeftOut, baggage::NAME, "left-out");
    }
    if presented.alias {
        plan.problem(Counter::HeaderAlias, baggage::NAME, "alias");
    }
    edit(headers, baggage::NAME, presented.value, plan);
}

/// Writes the ticket into `tracestate`, or removes our member from it. A header without our member stays unchanged if
/// there is no ticket. A malformed header is forwarded by no library, so it is replaced by the ticket alone.
pub(super) fn tracestate_header(headers: &Headers<'_>, ticket: Option<&str>, plan: &mut Plan<'_>) {
    if ticket.is_none() && tracestate::tickets(headers.all(tracestate::NAME)).next().is_none() {
        return;
    }
    let foreign = tracestate::foreign(headers.all(tracestate::NAME));
    if ticket.is_some() && !foreign.valid {
        plan.problem(Counter::TracestateInvalid, tracestate::NAME, "invalid");
    }
    edit(headers, tracestate::NAME, foreign.with(ticket), plan);
}

fn mesh_context<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    context: &Context,
    issued_at_ms: u64,
    now_ms: u64,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    match mesh_header::encode(context, workload.program().words().writer(now_ms), issued_at_ms) {
        Ok(value) => {
            edit(headers, mesh_header::NAME, Some(value.into_bytes()), plan);
            None
        }
        Err(error) => {
            // A context within the limits fits. If it does not, the loss must be reported.
            plan.problem(Counter::AttachFailed, mesh_header::NAME, error.as_str());
            Some(Refusal::unfit())
        }
    }
}

/// Adds a header edit if the header does not have the wanted value yet.
pub(super) fn edit<'w>(headers: &Headers<'_>, name: &'w str, wanted: Option<Vec<u8>>, plan: &mut Plan<'w>) {
    let edit = match (headers.single(name), wanted) {
        (Single::Absent, None) => return,
        (Single::Value(value), Some(wanted)) if value == wanted => return,
        (_, Some(wanted)) => HeaderEdit::Set(name, wanted),
        (_, None) => HeaderEdit::Remove(Cow::Borrowed(name)),
    };
    plan.edits.push(edit);
}
