//! Reads the context from its carriers. The mesh's own header takes precedence over `baggage`, and `baggage` over
//! mapped headers.

use super::fit;
use super::plan::{Counter, Plan};
use super::workload::Workload;
use crate::carrier::mesh_header::MeshHeader;
use crate::carrier::{CarrierError, baggage, mapped, mesh_header};
use crate::context::Context;
use crate::context::agree::agree;
use crate::fuel::{Exhausted, Fuel};
use crate::headers::{Headers, Single};
use crate::names::Names;
use crate::tables::{Consistency, FieldTable};

/// The content of the carriers of a request.
#[derive(Debug, Default)]
pub(super) struct Extracted {
    /// The fields, each from the carrier with the highest precedence.
    pub(super) context: Context,
    /// When the context was made according to `x-mesh-context`, in milliseconds since 1970; never later than now.
    pub(super) issued_at_ms: Option<u64>,
    /// Whether a carrier was malformed, or carriers disagreed about a field with strong consistency.
    pub(super) broken: bool,
    /// Whether a required or protected field did not fit into the context.
    pub(super) unfit: bool,
    /// Fields with strong consistency that carriers disagreed about.
    disputed: Names,
}

/// The carriers of a request that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// All of them: an application, or a peer without a filter, sent them.
    All,
    /// Only `x-mesh-context`: a filter attached it and removed the others. Another one that is present bypassed that
    /// filter.
    MeshHeader,
    /// None.
    Nothing,
}

/// Reads the carriers that count. A malformed one is ignored, counted and reported.
pub(super) fn extract(
    workload: &Workload,
    headers: &Headers<'_>,
    source: Source,
    now_ms: u64,
    plan: &mut Plan<'_>,
) -> Extracted {
    let fields = workload.fields();
    let mut extracted = Extracted::default();
    if source == Source::Nothing {
        ignore(carriers(headers, fields, &plan.fuel).iter(), plan);
        return extracted;
    }
    if pay_for_carriers(headers, fields, &plan.fuel).is_err() {
        return extracted;
    }
    match mesh_header(workload, headers, now_ms) {
        Ok(None) => {}
        Ok(Some(header)) => {
            // Clocks differ. No context counts as made later than now.
            extracted.issued_at_ms = header.issued_at_ms.map(|issued| issued.min(now_ms));
            for field in &header.context.carried().fields {
                plan.problem(Counter::WordUnknown, field.name.shown(), "word-unknown");
            }
            extracted.add(mesh_header::NAME, header.context, fields, plan);
        }
        Err(error) => extracted.problem(mesh_header::NAME, error, plan),
    }
    if source == Source::MeshHeader {
        ignore(carriers(headers, fields, &plan.fuel).iter().filter(|name| *name != mesh_header::NAME), plan);
        return extracted;
    }
    if headers.contains(baggage::NAME) {
        let mut context = Context::new();
        let mut broken = |field: &str, error| extracted.problem(field, error, plan);
        match baggage::extract(headers.all(baggage::NAME), fields, &mut context, &mut broken) {
            Ok(()) => extracted.add(baggage::NAME, context, fields, plan),
            Err(error) => extracted.problem(baggage::NAME, error, plan),
        }
    }
    let mut context = Context::new();
    mapped::extract(headers, fields, &mut context, &mut |field, error| extracted.problem(field, error, plan));
    extracted.add("headers", context, fields, plan);
    extracted.drop_disputed(plan);
    extracted
}

fn mesh_header(workload: &Workload, headers: &Headers<'_>, now_ms: u64) -> Result<Option<MeshHeader>, CarrierError> {
    let value = match headers.single(mesh_header::NAME) {
        Single::Absent => return Ok(None),
        Single::Repeated => return Err(CarrierError::Repeated),
        Single::Value(value) => value,
    };
    let header = mesh_header::decode(value, workload.program().words())?;
    header.check_age(now_ms, workload.mesh().max_age_ms)?;
    Ok(Some(header))
}

impl Extracted {
    fn problem(&mut self, subject: &str, error: CarrierError, plan: &mut Plan<'_>) {
        self.broken = true;
        plan.problem(Counter::CarrierInvalid, subject, error.as_str());
    }

    /// Adds the fields of a carrier that no earlier carrier has. The field's consistency decides how a disagreement is
    /// treated.
    fn add(&mut self, carrier: &'static str, context: Context, fields: &[FieldTable], plan: &mut Plan<'_>) {
        if context.is_empty() && context.carried().is_empty() {
            return;
        }
        plan.report.received.push((carrier, context.len()));
        // Its values are compared with the known ones.
        if plan.fuel.items(context.len()).and_then(|()| plan.fuel.text(context.bytes())).is_err() {
            return;
        }
        if self.context.is_empty() && self.context.carried().is_empty() {
            self.context = context;
            return;
        }
        let mut dropped = Names::default();
        for (name, value) in context.iter() {
            match self.context.get(name) {
                Some(known) if agree(known, value) => {}
                Some(known) if baggage::came_back(known, value) => {
                    self.unfit |= fit::put(&mut self.context, name, value, fields, &mut dropped).is_err();
                }
                Some(_) => {
                    let consistency = FieldTable::find(fields, name).map(|field| field.consistency).unwrap_or_default();
                    if consistency == Consistency::Eventual {
                        continue;
                    }
                    plan.problem(Counter::CarrierDisagreement, name, "disagreement");
                    if consistency == Consistency::Strong {
                        self.disputed.push(name);
                    }
                }
                // `x-mesh-context` contains the field, with a value that cannot be read here.
                None if self.context.is_unread(name) => {}
                None => self.unfit |= fit::put(&mut self.context, name, value, fields, &mut dropped).is_err(),
            }
        }
        plan.dropped(&dropped);
    }
}

impl Extracted {
    /// Removes the fields with strong consistency that carriers disagreed about. It runs after the last carrier: until
    /// then a value must be present, so that no later carrier adds its own.
    fn drop_disputed(&mut self, plan: &mut Plan<'_>) {
        for field in self.disputed.iter() {
            if self.context.remove(field) {
                plan.count(Counter::FieldInvalid);
                self.broken = true;
            }
        }
    }
}

/// Pays for reading the carriers: for their bytes, and for the most that a compressed one may inflate to.
fn pay_for_carriers(headers: &Headers<'_>, fields: &[FieldTable], fuel: &Fuel) -> Result<(), Exhausted> {
    if let Single::Value(value) = headers.single(mesh_header::NAME) {
        // Decoded from base64, inflated, parsed as fields, and scanned.
        fuel.text(mesh_header::most_bytes(value).saturating_mul(2).saturating_add(value.len()))?;
    }
    headers.all(baggage::NAME).try_for_each(|value| fuel.text(value.len().saturating_mul(2)))?;
    let mapped = fields.iter().filter_map(|field| field.header.as_deref());
    mapped.flat_map(|header| headers.all(header)).try_for_each(|value| fuel.text(value.len()))?;
    // Each field is looked up in each header.
    fuel.items(fields.len())
}

/// Records carriers that do not count.
fn ignore<'n>(carriers: impl Iterator<Item = &'n str>, plan: &mut Plan<'_>) {
    plan.report.dropped = carriers.collect();
    if !plan.report.dropped.is_empty() {
        plan.count(Counter::CarrierUntrusted);
    }
}

/// Returns the names of the carriers that a request has, whether or not they can be read.
pub(super) fn carriers(headers: &Headers<'_>, fields: &[FieldTable], fuel: &Fuel) -> Names {
    let mut found = Names::default();
    if pay_for_carriers(headers, fields, fuel).is_err() {
        return found;
    }
    if headers.contains(mesh_header::NAME) {
        found.push(mesh_header::NAME);
    }
    let mut context = Context::new();
    let mut unreadable = false;
    let read = baggage::extract(headers.all(baggage::NAME), fields, &mut context, &mut |_, _| unreadable = true);
    unreadable |= read.is_err();
    if unreadable || !context.is_empty() {
        found.push(baggage::NAME);
    }
    let mapped = fields.iter().filter_map(|field| field.header.as_deref());
    mapped.filter(|header| headers.contains(header)).for_each(|header| found.push(header));
    found
}
