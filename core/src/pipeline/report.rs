//! What happened to the context of a request, for access logs. It contains names, and never values.

use super::report_text::Line;
use super::workload::{Role, Workload};
use crate::cause::Cause;
use crate::context::Context;
use crate::limits::MAX_FUEL;
use crate::names::Names;

/// What happened to the context of a request at one hop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report<'w> {
    artifact: &'w str,
    revision: &'w str,
    service: &'w str,
    role: &'static str,
    /// The verified service of the peer.
    pub peer: String,
    /// Carriers that had a context, with the number of fields in each.
    pub received: Vec<(&'static str, usize)>,
    /// The problems of the received carriers and fields.
    pub problems: Vec<Problem>,
    /// Carriers that were dropped without being read.
    pub dropped: Names,
    /// What the context was recalled by: a ticket, or a kind of id. Empty if nothing was recalled.
    pub recalled_by: &'static str,
    /// Fields that came from memory.
    pub recalled: Names,
    /// Immutable fields that the application changed and that were restored.
    pub restored: Names,
    /// Redacted fields that the application sent nevertheless.
    pub withheld: Names,
    /// Fields that rules set.
    pub set: Vec<&'w str>,
    /// Fields that rules redacted.
    pub redacted: Vec<&'w str>,
    /// Fields whose values rules masked. No rule removed them.
    pub masked: Vec<&'w str>,
    /// The rule that redacted or masked a field: one for each of these fields.
    pub by: Vec<(&'w str, &'w str)>,
    /// Fields that were not sent to a region that their schemas do not list.
    pub kept_in_region: Vec<&'w str>,
    /// Fields that did not leave the mesh.
    pub stayed: Names,
    /// Audit rules that applied.
    pub audited: Vec<&'w str>,
    /// Rules that applied.
    pub rules: Vec<&'w str>,
    /// Shadow rules that would have applied.
    pub shadow: Vec<&'w str>,
    /// Rules that failed with a CEL error.
    pub errors: Vec<Problem>,
    /// Fields that were forwarded.
    pub fields: Names,
    denied: Option<(Cause<'w>, u16)>,
    fuel: u64,
}

/// A problem and its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A carrier, a field or a rule.
    pub subject: String,
    /// The error, as a stable word.
    pub error: &'static str,
}

impl Problem {
    /// Returns a problem of a carrier, a field or a rule.
    pub fn new(subject: impl Into<String>, error: &'static str) -> Self {
        Self { subject: subject.into(), error }
    }
}

impl<'w> Report<'w> {
    pub(super) fn new(workload: &'w Workload, role: Role) -> Self {
        Self {
            artifact: workload.digest(),
            revision: workload.revision(),
            service: workload.service(),
            role: role.as_str(),
            ..Self::default()
        }
    }

    pub(super) fn denied_by(&mut self, cause: Cause<'w>, status: u16) {
        self.denied = Some((cause, status));
    }

    pub(super) fn used_fuel(&mut self, fuel: u64) {
        self.fuel = fuel;
    }

    /// Returns the fuel that the request used, if it is remarkable: more than a quarter of the budget.
    fn remarkable_fuel(&self) -> Option<u64> {
        (self.fuel > MAX_FUEL / 4).then_some(self.fuel)
    }

    pub(super) fn went_on(&mut self, context: &Context) {
        let bytes = context.iter().map(|(name, _)| name.len()).fold(0, usize::saturating_add);
        let mut fields = Names::with_capacity(context.len(), bytes);
        context.iter().for_each(|(name, _)| fields.push(name));
        self.fields = fields;
    }

    /// Returns the report as one line of text; [`super::report_text`] describes the form.
    pub fn to_text(&self) -> String {
        let mut line = Line::new();
        line.text("artifact", self.artifact);
        line.text("revision", self.revision);
        line.text("service", self.service);
        line.text("role", self.role);
        line.text("decision", if self.denied.is_some() { "deny" } else { "continue" });
        if let Some((cause, status)) = &self.denied {
            line.text("rule", cause.as_str());
            line.number("status", u64::from(*status));
        }
        line.text("peer", &self.peer);
        line.counts("received", &self.received);
        line.problems("problems", &self.problems);
        line.list("dropped", self.dropped.iter());
        line.text("recalledBy", self.recalled_by);
        line.list("recalled", self.recalled.iter());
        line.list("restored", self.restored.iter());
        line.list("withheld", self.withheld.iter());
        line.list("set", self.set.iter().copied());
        line.list("redacted", self.redacted.iter().copied());
        line.list("masked", self.masked.iter().copied());
        line.pairs("by", self.by.iter().copied());
        line.list("kept_in_region", self.kept_in_region.iter().copied());
        line.list("stayed", self.stayed.iter());
        line.list("audited", self.audited.iter().copied());
        line.list("rules", self.rules.iter().copied());
        line.list("shadow", self.shadow.iter().copied());
        line.problems("errors", &self.errors);
        line.list("fields", self.fields.iter());
        if let Some(fuel) = self.remarkable_fuel() {
            line.number("fuel", fuel);
        }
        line.into_text()
    }
}
