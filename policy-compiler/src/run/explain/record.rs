//! Records decisions: the rules that were run, and the values of the parts of their conditions.

use context_mesh_core::index::{ProgramIndex, RuleIndex};
use std::cell::RefCell;

use context_mesh_core::{
    artifact::{
        VerifiedProgram,
        tables::{Attribute, Tables},
    },
    context::Context,
    decide::Decision,
    pipeline::{Observer, Role},
    vm::{Machine, Snapshot, Value},
};

use super::{Explainer, Kind, Part, Read};
use crate::run::recorded::Known;
use crate::run::truth::{Outcome, Truth};

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
    /// It depends on values that the recording of the request does not hold.
    Unknown,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Error(kind) => write!(f, "error:{kind}"),
            Self::Other(text) => f.write_str(text),
            Self::Unknown => f.write_str("unknown"),
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
pub struct Recorder<'e, 'k> {
    explainer: &'e Explainer,
    /// The tables of the artifact that decides.
    tables: &'e Tables,
    /// Whether to record what parts read.
    reads: bool,
    /// What is known of a request with gaps.
    known: Option<(Role, Known<'k>)>,
    runs: RefCell<Vec<RuleRun<'e>>>,
}

impl<'e, 'k> Recorder<'e, 'k> {
    /// Creates a recorder of conditions and their parts. The requests must run under the artifact with these tables,
    /// for which the explainer was made.
    pub fn new(explainer: &'e Explainer, tables: &'e Tables) -> Self {
        Self { explainer, tables, reads: false, known: None, runs: RefCell::default() }
    }

    /// Also records what the parts read.
    #[must_use]
    pub(crate) fn with_reads(self) -> Self {
        Self { reads: true, ..self }
    }

    /// Records a request with gaps: what depends on missing values is unknown.
    #[must_use]
    pub(crate) fn with_known(self, known: Option<(Role, Known<'k>)>) -> Self {
        Self { known, ..self }
    }

    /// Returns the rules that were run, in order.
    pub(crate) fn into_runs(self) -> Vec<RuleRun<'e>> {
        self.runs.into_inner()
    }
}

impl Observer for Recorder<'_, '_> {
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        let mut runs = self.runs.borrow_mut();
        let known = self.known.map(|(role, known)| known.before(role, rules, self.tables));
        for index in rules {
            let Some(rule) = index.get(&self.tables.rules) else { continue };
            let Some(parts) = index.get(&self.explainer.rules) else { continue };
            let run = Run { program: &self.explainer.program, snapshot, reads: self.reads, known };
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
    known: Option<Known<'r>>,
}

impl Run<'_> {
    fn part<'e>(&self, part: &'e Part) -> PartValue<'e> {
        let reads = if self.reads { part.reads.as_slice() } else { &[] };
        let parts: Vec<PartValue<'e>> = part.parts.iter().map(|part| self.part(part)).collect();
        let reads: Vec<ReadValue<'e>> = reads.iter().map(|read| self.read(read)).collect();
        let value =
            if self.holds(&part.attributes) { self.value(part.program) } else { self.partly(part, &parts, &reads) };
        PartValue { part, value, parts, reads }
    }

    fn read<'e>(&self, read: &'e Read) -> ReadValue<'e> {
        let variable = read.variable.as_ref().map(|part| self.part(part));
        let value = match &variable {
            Some(variable) => variable.value.clone(),
            None if self.holds(&read.attributes) => self.value(read.program),
            None => Seen::Unknown,
        };
        ReadValue { read, value, variable }
    }

    /// Whether no value is missing that one of the attributes has.
    fn holds(&self, attributes: &[Attribute]) -> bool {
        let known = |known: &Known<'_>| attributes.iter().all(|attribute| known.holds(attribute, &self.snapshot));
        self.known.as_ref().is_none_or(known)
    }

    /// Returns the value of a part that reads missing values: what its own parts say together.
    fn partly(&self, part: &Part, parts: &[PartValue<'_>], reads: &[ReadValue<'_>]) -> Seen {
        let truths = || parts.iter().map(|part| truth(&part.value));
        let value = match (part.kind, parts) {
            (Kind::All, _) => Truth::all(truths()),
            (Kind::Any, _) => Truth::any(truths()),
            (Kind::Not, [of]) => truth(&of.value).negated(),
            (Kind::If, [of, then, otherwise]) => truth(&of.value).choose(truth(&then.value), truth(&otherwise.value)),
            _ => match (&part.has, self.known, reads) {
                (Some(field), Some(known), _) => known.has(field, &self.snapshot),
                (_, _, [read]) if read.variable.is_some() && read.read.text == part.text => return read.value.clone(),
                _ => return Seen::Unknown,
            },
        };
        match value.outcome() {
            Some(Outcome::True) => Seen::Bool(true),
            Some(Outcome::False) => Seen::Bool(false),
            // Where an error comes from, the parts show.
            Some(Outcome::Error) => {
                let failed = parts.iter().map(|part| &part.value).find(|value| truth(value) == Truth::ERROR);
                failed.cloned().unwrap_or(Seen::Unknown)
            }
            None => Seen::Unknown,
        }
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

fn truth(value: &Seen) -> Truth {
    match value {
        Seen::Bool(value) => Truth::known(*value),
        // The names are those of the values that the part reads.
        Seen::Unknown => Truth::unknown([String::new()].into()),
        Seen::Error(_) | Seen::Other(_) => Truth::ERROR,
    }
}

fn shown(json: Option<String>) -> String {
    let Some(json) = json else { return "a value that JSON does not have".to_owned() };
    if json.chars().count() <= MAX_SHOWN {
        return json;
    }
    json.chars().take(MAX_SHOWN).chain(['…']).collect()
}
