//! Records decisions: the rules that were run, and the values of the parts of their conditions.

use context_mesh_core::index::{ProgramIndex, RuleIndex};
use std::cell::RefCell;

use context_mesh_core::{
    artifact::{VerifiedProgram, tables::Tables},
    context::Context,
    decide::Decision,
    pipeline::Observer,
    vm::{Machine, Snapshot, Value},
};

use super::{Explainer, Part, Read};

/// Longest text of a value that is shown, in characters.
const MAX_SHOWN: usize = 200;

/// The value of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A bool.
    Bool(bool),
    /// A CEL error, by its name.
    Error(&'static str),
    /// Any other value, as JSON text. A long text is truncated.
    Other(String),
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Error(kind) => write!(f, "error:{kind}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A part with its value.
#[derive(Debug, Clone)]
pub struct PartValue<'e> {
    /// The part.
    pub part: &'e Part,
    /// Its value.
    pub value: Seen,
    /// Its own parts.
    pub parts: Vec<PartValue<'e>>,
    /// What it reads.
    pub reads: Vec<ReadValue<'e>>,
}

/// An attribute or a variable with its value.
#[derive(Debug, Clone)]
pub struct ReadValue<'e> {
    /// What is read.
    pub read: &'e Read,
    /// Its value.
    pub value: Seen,
    /// For a variable, the parts of its expression.
    pub variable: Option<PartValue<'e>>,
}

/// A rule that was run.
#[derive(Debug, Clone)]
pub struct RuleRun<'e> {
    /// The rule, as an index into the artifact's rules.
    pub rule: RuleIndex,
    /// Whether it applied; for a shadow rule, whether it would have.
    pub applied: bool,
    /// The CEL error that its condition or value ended with.
    pub error: Option<&'static str>,
    /// The parts of its condition.
    pub condition: Option<PartValue<'e>>,
    /// The values that it sets.
    pub values: Vec<(&'e str, PartValue<'e>)>,
}

/// Records one request.
pub struct Recorder<'e> {
    explainer: &'e Explainer,
    /// The tables of the artifact that decides.
    tables: &'e Tables,
    /// Whether to record what parts read.
    reads: bool,
    runs: RefCell<Vec<RuleRun<'e>>>,
}

impl<'e> Recorder<'e> {
    /// Creates a recorder of conditions and their parts. The requests must run under the artifact with these tables,
    /// for which the explainer was made.
    pub fn new(explainer: &'e Explainer, tables: &'e Tables) -> Self {
        Self { explainer, tables, reads: false, runs: RefCell::default() }
    }

    /// Also records what the parts read.
    #[must_use]
    pub(crate) fn with_reads(self) -> Self {
        Self { reads: true, ..self }
    }

    /// Returns the rules that were run, in order.
    pub(crate) fn into_runs(self) -> Vec<RuleRun<'e>> {
        self.runs.into_inner()
    }
}

impl Observer for Recorder<'_> {
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        let mut runs = self.runs.borrow_mut();
        for index in rules {
            let Some(rule) = index.get(&self.tables.rules) else { continue };
            let Some(parts) = index.get(&self.explainer.rules) else { continue };
            let run = Run { program: &self.explainer.program, snapshot, reads: self.reads };
            let named = |names: &[&str]| names.iter().any(|name| *name == rule.name);
            let error = decision.errors.iter().find(|(name, _)| *name == rule.name).map(|(_, kind)| kind.as_str());
            runs.push(RuleRun {
                rule: *index,
                applied: named(&decision.applied) || named(&decision.shadow),
                error,
                condition: parts.condition.as_ref().map(|part| run.part(part)),
                values: parts.values.iter().map(|(field, part)| (field.as_str(), run.part(part))).collect(),
            });
        }
    }

    fn went_on(&self, _: &Context) {}
}

/// Runs parts under one snapshot.
struct Run<'r> {
    program: &'r VerifiedProgram,
    snapshot: Snapshot<'r>,
    reads: bool,
}

impl Run<'_> {
    fn part<'e>(&self, part: &'e Part) -> PartValue<'e> {
        let reads = if self.reads { part.reads.as_slice() } else { &[] };
        PartValue {
            part,
            value: self.value(part.program),
            parts: part.parts.iter().map(|part| self.part(part)).collect(),
            reads: reads.iter().map(|read| self.read(read)).collect(),
        }
    }

    fn read<'e>(&self, read: &'e Read) -> ReadValue<'e> {
        let variable = read.variable.as_ref().map(|part| self.part(part));
        ReadValue { read, value: self.value(read.program), variable }
    }

    /// Returns the value of a part. Every part has its own budget, so that none fails because others were evaluated.
    fn value(&self, program: Option<ProgramIndex>) -> Seen {
        let Some(program) = program else { return Seen::Error("too-large") };
        // The machine's arena, whose type is private to it.
        let arena = Default::default();
        match Machine::new(self.program.code(), self.snapshot, &arena).run(program) {
            Value::Bool(value) => Seen::Bool(value),
            Value::Error(error) => Seen::Error(error.kind.as_str()),
            value => Seen::Other(shown(value.to_json())),
        }
    }
}

fn shown(json: Option<String>) -> String {
    let Some(json) = json else { return "a value that JSON does not have".to_owned() };
    if json.chars().count() <= MAX_SHOWN {
        return json;
    }
    json.chars().take(MAX_SHOWN).chain(['…']).collect()
}
