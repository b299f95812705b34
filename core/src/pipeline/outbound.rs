//! Calls that a service makes.

use std::rc::Rc;

use super::aliases;
use super::apply::apply;
use super::caller::put_caller;
use super::expire::expire;
use super::extract::{Extracted, Source, extract};
use super::ids;
use super::merge::merge;
use super::originate::disbelieve;
use super::plan::{Counter, HeaderEdit, Plan, Refusal};
use super::present::{attach, drop_all};
use super::recall::{self, Found};
use super::report::Report;
use super::residency::keep_in_region;
use super::routing::refuse_uncertain;
use super::validate::{Completeness, refuse_invalid, validate};
use super::workload::{Host, Role, Workload};
use crate::carrier::mesh_header;
use crate::context::{CALLER, Context};
use crate::destination;
use crate::fuel::{Exhausted, Fuel};
use crate::headers::{Headers, Single};
use crate::memory::{Attachment, Record};
use crate::vm::{Destination, Peer, Snapshot};

/// Returns the plan for a call that the workload makes.
pub fn outbound<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    call(workload, headers, host).within_budget()
}

fn call<'w>(workload: &'w Workload, headers: &Headers<'_>, host: Host<'_>) -> Plan<'w> {
    let mut plan = Plan { report: Report::new(workload, Role::Outbound), ..Plan::default() };
    aliases::take_out(workload, headers, &mut plan);
    let destination = destination::resolve(headers, host.attributes, workload.program().tables());
    let own = own_output(headers, host);
    let source = if own.is_some() { Source::MeshHeader } else { Source::All };
    let mut extracted = extract(workload, headers, source, host.now_ms, &mut plan);
    // Before merging, so that an invalid value does not replace the remembered one.
    if extracted.unfit {
        return plan.refuse(Refusal::unfit());
    }
    let mut broken = extracted.broken;
    broken |= validate(workload, &mut extracted.context, Completeness::Part, &mut plan);
    let recalled = match &own {
        // It already contains what was remembered, and the rules start again from the context that they saw.
        Some(own) => Ok(Recalled::of(extracted, own.before.as_deref(), host.now_ms)),
        None => recall(workload, headers, host, extracted, &mut plan),
    };
    let recalled = match recalled {
        Ok(recalled) => recalled,
        Err(refusal) => return plan.refuse(refusal),
    };
    let Recalled { mut context, issued_at_ms, disputed, unfit } = recalled;
    if unfit {
        return plan.refuse(Refusal::unfit());
    }
    broken |= disputed;
    expire(workload, host.now_ms.saturating_sub(issued_at_ms), &mut context, &mut plan);
    if let Some(refusal) = put_caller(workload, workload.service(), &mut context, &mut plan) {
        return plan.refuse(refusal);
    }
    // It was checked before rules removed parts of it.
    if own.is_none()
        && let Some(refusal) = refuse_invalid(workload, &mut context, broken, &mut plan)
    {
        return plan.refuse(refusal);
    }
    let mut decided = match decide(workload, headers, host, destination, &context, &mut plan) {
        Ok(decided) => decided,
        Err(refusal) => return plan.refuse(refusal),
    };
    if destination.service.is_empty() && destination::leaves(headers, host.attributes, workload.program().tables()) {
        leave(workload, headers, &decided, &mut plan);
        host.went_on(&Context::new());
        return plan;
    }
    keep_in_region(workload, destination, &mut decided, &mut plan);
    plan.report.went_on(&decided);
    host.went_on(&decided);
    if let Some(refusal) = attach(workload, headers, host.routing, &decided, issued_at_ms, host.now_ms, &mut plan) {
        return plan.refuse(refusal);
    }
    if let Some(refusal) = refuse_uncertain(workload, host.routing, &decided, &mut plan) {
        return plan.refuse(refusal);
    }
    let before = if decided == context { None } else { Some(Rc::new(context)) };
    note_attached(headers, host, destination, before, &mut plan);
    plan
}

/// Returns the context after the rules for calls, for a call to `destination`, or the refusal of a rule.
pub(super) fn decide<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    host: Host<'_>,
    destination: Destination<'_>,
    context: &Context,
    plan: &mut Plan<'w>,
) -> Result<Context, Refusal<'w>> {
    let mut decided = context.clone();
    let peer = Peer::default();
    let mesh = workload.view(Role::Outbound);
    let snapshot = Snapshot { headers, context, peer: &peer, mesh, destination, attributes: host.attributes };
    let decision = workload.decide(workload.outbound_rules(), snapshot, &plan.fuel);
    host.decided(snapshot, workload.outbound_rules().rules(), &decision);
    match apply(workload, decision, destination, &mut decided, plan) {
        None => Ok(decided),
        Some(refusal) => Err(refusal),
    }
}

/// Returns what was decided about the request, if this worker sent it already and an internal redirect brought it back.
fn own_output(headers: &Headers<'_>, host: Host<'_>) -> Option<Attachment> {
    match headers.single(mesh_header::NAME) {
        Single::Value(value) => host.requests.attached(value, host.now_ms),
        _ => None,
    }
}

/// Records the context that is sent in `x-mesh-context`. The filter sees it again after the router and after an
/// internal redirect.
pub(super) fn note_attached(
    headers: &Headers<'_>,
    host: Host<'_>,
    destination: Destination<'_>,
    before: Option<Rc<Context>>,
    plan: &mut Plan<'_>,
) {
    let set = plan.edits.iter().find_map(|edit| match edit {
        HeaderEdit::Set(mesh_header::NAME, value) => Some(value.as_slice()),
        _ => None,
    });
    let value = set.or(match headers.single(mesh_header::NAME) {
        Single::Value(value) => Some(value),
        Single::Absent | Single::Repeated => None,
    });
    if let Some(value) = value {
        let attachment = Attachment { service: destination.service.into(), before };
        plan.call = host.requests.note_attached(value, attachment, host.now_ms);
    }
}

/// Removes the whole context, the recalled fields and those from the application, because the call does not go to a
/// service of the mesh.
pub(super) fn leave<'w>(workload: &'w Workload, headers: &Headers<'_>, context: &Context, plan: &mut Plan<'w>) {
    // `caller` does not reveal anything about the request.
    if context.iter().any(|(name, _)| name != CALLER) || !context.carried().is_empty() {
        plan.count(Counter::LeftMesh);
        plan.report.stayed = context.iter().map(|(name, _)| name).filter(|name| *name != CALLER).collect();
    }
    drop_all(workload, headers, plan);
}

/// The context of a call before its rules see it.
struct Recalled {
    context: Context,
    /// When the context was made, in milliseconds since 1970.
    issued_at_ms: u64,
    /// Whether the application changed a field with strong consistency, and the right value is unknown.
    disputed: bool,
    /// Whether a required or protected field did not fit.
    unfit: bool,
}

impl Recalled {
    /// Returns the context that came with the request, or the one from before rules changed it.
    fn of(extracted: Extracted, before: Option<&Context>, now_ms: u64) -> Self {
        let issued_at_ms = extracted.issued_at_ms.unwrap_or(now_ms);
        let context = before.cloned().unwrap_or(extracted.context);
        Self { context, issued_at_ms, disputed: false, unfit: false }
    }
}

/// Adds the remembered context of the request to the one that the application forwarded. If both have a time at which
/// the context was made, the older one counts: forwarding a context does not make it newer.
fn recall(
    workload: &Workload,
    headers: &Headers<'_>,
    host: Host<'_>,
    extracted: Extracted,
    plan: &mut Plan<'_>,
) -> Result<Recalled, Refusal<'static>> {
    let mut forwarded = extracted.context;
    let issued_at_ms = extracted.issued_at_ms.unwrap_or(host.now_ms);
    let ids = ids::read(headers, plan);
    let found = recall::find(workload, headers, &ids, host, plan)?;
    disbelieve(workload, &found, &mut forwarded, plan);
    let (Found::Exact(record) | Found::Agreed(record)) = found else {
        forwarded.remove(CALLER);
        return Ok(Recalled { context: forwarded, issued_at_ms, disputed: false, unfit: false });
    };
    if pay_for_merging(&record, &forwarded, &plan.fuel).is_err() {
        return Ok(Recalled { context: Context::new(), issued_at_ms, disputed: false, unfit: false });
    }
    let merged = merge(&record, forwarded, workload.fields());
    merged.restored.iter().for_each(|_| plan.count(Counter::FieldRestored));
    merged.withheld.iter().for_each(|_| plan.count(Counter::FieldWithheld));
    let mut disputed = false;
    for field in merged.disagreed.iter() {
        plan.problem(Counter::CarrierDisagreement, field, "disagreement");
        // An immutable field was restored, so its right value is known.
        if !merged.restored.contains(field) {
            plan.count(Counter::FieldInvalid);
            disputed = true;
        }
    }
    plan.dropped(&merged.dropped);
    plan.report.recalled = merged.recalled;
    plan.report.restored = merged.restored;
    plan.report.withheld = merged.withheld;
    Ok(Recalled {
        context: merged.context,
        issued_at_ms: issued_at_ms.min(record.issued_at_ms),
        disputed,
        unfit: merged.unfit,
    })
}

/// Pays for comparing all values, and for the union of lists, whose elements are sorted.
fn pay_for_merging(record: &Record, forwarded: &Context, fuel: &Fuel) -> Result<(), Exhausted> {
    let both = [&record.context, forwarded];
    fuel.text(both.iter().map(|context| context.bytes().saturating_mul(4)).fold(0, usize::saturating_add))?;
    fuel.items(both.iter().map(|context| context.most_items().saturating_mul(2)).fold(0, usize::saturating_add))
}
