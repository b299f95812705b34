//! What happened to the context of a request, for access logs. It contains names, and never values.

use super::workload::{Role, Workload};
use crate::cause::Cause;
use crate::context::Context;
use crate::context::json::write_string;
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

    /// Returns the report as one line of JSON. Empty parts are left out.
    pub fn to_json(&self) -> String {
        let mut json = Writer { out: String::with_capacity(512) };
        json.out.push('{');
        json.text("artifact", self.artifact);
        json.text("revision", self.revision);
        json.text("service", self.service);
        json.text("role", self.role);
        json.text("decision", if self.denied.is_some() { "deny" } else { "continue" });
        if let Some((cause, status)) = &self.denied {
            json.text("rule", cause.as_str());
            json.key("status");
            json.out.push_str(&status.to_string());
        }
        json.text("peer", &self.peer);
        json.received(&self.received);
        json.problems("problems", &self.problems);
        json.list("dropped", self.dropped.iter());
        json.text("recalledBy", self.recalled_by);
        json.list("recalled", self.recalled.iter());
        json.list("restored", self.restored.iter());
        json.list("withheld", self.withheld.iter());
        json.list("set", self.set.iter().copied());
        json.list("redacted", self.redacted.iter().copied());
        json.list("masked", self.masked.iter().copied());
        json.pairs("by", &self.by);
        json.list("kept_in_region", self.kept_in_region.iter().copied());
        json.list("stayed", self.stayed.iter());
        json.list("audited", self.audited.iter().copied());
        json.list("rules", self.rules.iter().copied());
        json.list("shadow", self.shadow.iter().copied());
        json.problems("errors", &self.errors);
        json.list("fields", self.fields.iter());
        if let Some(fuel) = self.remarkable_fuel() {
            json.key("fuel");
            json.out.push_str(&fuel.to_string());
        }
        json.out.push('}');
        json.out
    }
}

/// Writes the members of one JSON object.
struct Writer {
    out: String,
}

impl Writer {
    fn key(&mut self, key: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        // Keys are fixed words that need no escapes.
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key);
            write_string(&mut self.out, text);
        }
    }

    fn list<'n>(&mut self, key: &str, mut items: impl Iterator<Item = &'n str>) {
        let Some(first) = items.next() else { return };
        self.key(key);
        self.out.push('[');
        write_string(&mut self.out, first);
        for item in items {
            self.out.push(',');
            write_string(&mut self.out, item);
        }
        self.out.push(']');
    }

    fn pairs(&mut self, key: &str, pairs: &[(&str, &str)]) {
        if pairs.is_empty() {
            return;
        }
        self.key(key);
        self.out.push('{');
        for (name, text) in pairs {
            if !self.out.ends_with('{') {
                self.out.push(',');
            }
            write_string(&mut self.out, name);
            self.out.push(':');
            write_string(&mut self.out, text);
        }
        self.out.push('}');
    }

    fn received(&mut self, received: &[(&'static str, usize)]) {
        if received.is_empty() {
            return;
        }
        self.key("received");
        self.out.push('{');
        for (carrier, fields) in received {
            self.key(carrier);
            self.out.push_str(&fields.to_string());
        }
        self.out.push('}');
    }

    fn problems(&mut self, key: &str, problems: &[Problem]) {
        if problems.is_empty() {
            return;
        }
        let lines: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.subject, p.error)).collect();
        self.list(key, lines.iter().map(String::as_str));
    }
}
