//! Evaluates conditions under what is known of a request.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use context_mesh_core::{
    artifact::tables::{Attribute, Effect, OnError, RuleTable, Tables},
    context::Context,
    decide::Decision,
    index::{AttributeIndex, ProgramIndex, RuleIndex, VariableIndex},
    pipeline::{Observer, Role},
    vm::{Machine, Snapshot, Value as Run},
};

use super::{
    Applies, Depends, Ran, Value,
    condition::{Condition, Conditions},
};
use crate::expression::codegen::attribute_name;
use crate::run::recorded::Known;
use crate::run::truth::Truth;

/// Watches one request, and evaluates the rules that the pipeline runs.
pub(super) struct Watch<'w> {
    tables: &'w Tables,
    conditions: &'w Conditions,
    role: Role,
    known: Known<'w>,
    seen: RefCell<Seen>,
}

/// What was evaluated.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The rules that were run.
    pub(super) rules: Vec<Ran>,
    /// The rules for each other reading of an ambiguous path, on which they decide as well.
    pub(super) again: Vec<Vec<Ran>>,
    /// What the mesh knows of peer, workload and destination: nothing if no rule was run.
    pub(super) surroundings: Vec<String>,
}

impl<'w> Watch<'w> {
    pub(super) fn new(tables: &'w Tables, conditions: &'w Conditions, role: Role, known: Known<'w>) -> Self {
        Self { tables, conditions, role, known, seen: RefCell::default() }
    }

    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner()
    }

    fn evaluated(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex]) -> Vec<Ran> {
        let known = self.known.before(self.role, rules, self.tables);
        let mut evaluator = Evaluator { watch: self, known, snapshot, variables: HashMap::new() };
        let mut ran = Vec::with_capacity(rules.len());
        for index in rules {
            let Some(rule) = index.get(&self.tables.rules) else { continue };
            if rule.shadow || matches!(rule.effect, Effect::Audit) {
                continue;
            }
            let applies = evaluator.applies(rule);
            let values = match &rule.effect {
                Effect::Set { fields } => {
                    fields.iter().map(|(field, program)| (field.clone(), evaluator.value(*program))).collect()
                }
                _ => Vec::new(),
            };
            ran.push(Ran { rule: *index, applies, values });
        }
        ran
    }
}

impl Observer for Watch<'_> {
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], _: &Decision<'_>) {
        let mut seen = self.seen.borrow_mut();
        seen.rules.extend(self.evaluated(snapshot, rules));
        seen.surroundings = surroundings(&snapshot);
    }

    fn decides_again(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex]) {
        self.seen.borrow_mut().again.push(self.evaluated(snapshot, rules));
    }

    fn went_on(&self, _: &Context) {}
}

/// Returns what the mesh knows of peer, workload and destination.
fn surroundings(snapshot: &Snapshot<'_>) -> Vec<String> {
    let (peer, mesh, destination) = (snapshot.peer, snapshot.mesh, snapshot.destination);
    let texts = [
        &peer.principal,
        &peer.service,
        &peer.domain,
        &peer.region,
        &peer.namespace,
        &peer.account,
        mesh.service,
        mesh.domain,
        mesh.region,
        mesh.direction,
        destination.service,
        destination.domain,
        destination.region,
    ];
    let lists = destination.regions.iter().chain(destination.frameworks).map(String::as_str);
    texts.into_iter().chain(lists).map(str::to_owned).collect()
}

struct Evaluator<'e> {
    watch: &'e Watch<'e>,
    known: Known<'e>,
    snapshot: Snapshot<'e>,
    /// The values of variables so far.
    variables: HashMap<VariableIndex, Truth>,
}

impl Evaluator<'_> {
    /// Returns whether a rule applies: its condition, its `onError`, and the fields that it requires.
    fn applies(&mut self, rule: &RuleTable) -> Applies {
        let truth = rule.condition.map_or(Truth::known(true), |program| self.program(program));
        let narrows = !matches!(rule.effect, Effect::Allow | Effect::Set { .. });
        let holds = truth.or_on_error(rule.on_error == OnError::Deny && narrows);
        match &rule.effect {
            Effect::Require { fields, .. } => {
                let missing = Truth::all(fields.iter().map(|field| self.has_field(field))).negated();
                Truth::all([holds, missing]).applies()
            }
            _ => holds.applies(),
        }
    }

    fn program(&mut self, program: ProgramIndex) -> Truth {
        let conditions = self.watch.conditions;
        program.get(&conditions.programs).map_or(Truth::ERROR, |condition| self.condition(condition))
    }

    fn condition(&mut self, condition: &Condition) -> Truth {
        match condition {
            Condition::All(operands) => Truth::all(operands.iter().map(|operand| self.condition(operand))),
            Condition::Any(operands) => Truth::any(operands.iter().map(|operand| self.condition(operand))),
            Condition::Not(operand) => self.condition(operand).negated(),
            Condition::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                let condition = self.condition(condition);
                condition.choose(self.condition(then), self.condition(otherwise))
            }
            Condition::Variable(variable) => self.variable(*variable),
            Condition::Has(attribute) => match attribute.get(&self.watch.tables.program.attributes) {
                Some(Attribute::Field(name, _)) => self.has_field(name),
                _ => Truth::ERROR,
            },
            Condition::Whole(program, reads) => match self.missing(reads) {
                missing if missing.is_empty() => self.run(*program, |value| match value {
                    Run::Bool(value) => Truth::known(value),
                    // A condition that is no bool is an error of the machine.
                    _ => Truth::ERROR,
                }),
                missing => Truth::unknown(missing),
            },
        }
    }

    /// Returns the value of a variable. Each is evaluated once a request, as in the machine.
    fn variable(&mut self, variable: VariableIndex) -> Truth {
        if let Some(known) = self.variables.get(&variable) {
            return known.clone();
        }
        let program = variable.get(&self.watch.conditions.variables).copied();
        let truth = program.map_or(Truth::ERROR, |program| self.program(program));
        self.variables.insert(variable, truth.clone());
        truth
    }

    fn has_field(&self, name: &str) -> Truth {
        self.known.has(name, &self.snapshot)
    }

    /// Returns the names of the attributes whose values are missing.
    fn missing(&self, reads: &BTreeSet<AttributeIndex>) -> Depends {
        let table = &self.watch.tables.program.attributes;
        let attributes = reads.iter().filter_map(|index| index.get(table));
        let missing = attributes.filter(|attribute| !self.known.holds(attribute, &self.snapshot));
        missing.map(attribute_name).collect()
    }

    /// Returns the value that a rule sets, as JSON text.
    fn value(&self, program: ProgramIndex) -> Value {
        let Some(reads) = program.get(&self.watch.conditions.reads) else { return Value::Failed };
        let missing = self.missing(reads);
        if !missing.is_empty() {
            return Value::Unknown(missing);
        }
        self.run(program, |value| match value {
            Run::Error(_) => Value::Failed,
            value => value.to_json().map_or(Value::Failed, Value::Known),
        })
    }

    /// Runs a program. Each has a budget of its own, so that none fails because of others.
    fn run<R>(&self, program: ProgramIndex, read: impl FnOnce(Run<'_>) -> R) -> R {
        // The machine's arena, whose type is private to it.
        let arena = Default::default();
        read(Machine::new(self.watch.conditions.program.code(), self.snapshot, &arena).run(program))
    }
}
