//! Compiles the expressions of the model to programs: type check, then code.
//!
//! A policy's variables are declared in their order, and each may use the ones before it. An expression with problems
//! gets no program, and everything else is still checked. The result is used only if there were no problems.

use context_mesh_core::index::{self, PatternIndex, ProgramIndex, VariableIndex};
use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::artifact::tables::{FieldType, Layer, ProgramTable, Scalar};

use crate::{
    check::{
        data_flow::{fields_of, lost_protection},
        model::{Effect, Field, INCOMPLETE_NOTE, Model, Owner, Pattern, Policy, Rule, Unfinished, Variable},
    },
    expression::{
        cel::{self, Environment, Expected, Function, Problem, Type, TypedExpr, TypedKind},
        codegen::{Builder, Costs, lower},
        ir::{Ir, Node},
    },
    read::document::Expression,
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        progress::{Progress, Stage, Watcher},
    },
};

/// The bytecode of all expressions.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// The instructions and what they refer to.
    pub table: ProgramTable,
    /// The regexes of `matches`, as serialized automata.
    pub regexes: Vec<Vec<u8>>,
    /// For each field of the model, its pattern as an index into `regexes`.
    pub patterns: Vec<Option<PatternIndex>>,
    /// For each policy of the model and each of its rules, its programs.
    pub rules: Vec<Vec<RulePrograms>>,
    /// The worst-case cost of the programs.
    pub costs: Costs,
    /// The conditions as trees, for analysis.
    pub conditions: Conditions,
}

/// Conditions as trees, before code generation.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The expression of each variable, by the number in [`Node::Variable`].
    pub variables: Vec<Node>,
    /// For each policy of the model and each of its rules, its condition.
    pub rules: Vec<Vec<When>>,
    /// The regexes of conditions and fields: text, whether all of a text must match, index into [`Programs::regexes`].
    regexes: Vec<(String, bool, PatternIndex)>,
}

/// The condition of a rule.
#[derive(Debug, Clone, Default)]
pub enum When {
    /// The rule has none.
    #[default]
    Always,
    /// The rule has this condition.
    Condition {
        /// Its tree.
        root: Node,
        /// The operands of the `&&` at its root, as offsets into the text: first character, and the one after the last.
        /// As many as `Node::conjuncts` returns, or none.
        parts: Vec<(usize, usize)>,
    },
    /// The condition has problems, which have been reported.
    Broken,
}

impl Programs {
    /// Returns the regexes that were built: text, whether all of a text must match, serialized automaton.
    pub(crate) fn built_regexes(&self) -> impl Iterator<Item = (&str, bool, &[u8])> {
        self.conditions.regexes.iter().filter_map(|(text, whole, number)| {
            let bytes = number.get(&self.regexes)?;
            Some((text.as_str(), *whole, bytes.as_slice()))
        })
    }
}

/// The programs of one rule, as indices into [`ProgramTable::programs`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePrograms {
    /// Its condition.
    pub when: Option<ProgramIndex>,
    /// The values that it sets, in the order of the effect.
    pub values: Vec<ProgramIndex>,
}

/// Checks and compiles every expression. Problems are added to `diagnostics`.
pub fn compile(model: &Model, diagnostics: &mut Diagnostics, progress: &mut Watcher<'_>) -> Programs {
    let fields = model.fields.iter().map(|field| (field.table.name.clone(), field.table.value));
    let environment = Environment::new(fields)
        .with_claims(model.directory.claims.iter().cloned())
        .with_parameters(model.directory.parameters.iter().cloned());
    let total = model.policies.iter().map(|policy| policy.rules.len()).sum();
    let mut compiler = Compiler {
        model,
        builder: Builder::with_limits(model.fields.iter().map(|field| &field.table), model.mesh.header_value_bytes),
        conditions: Conditions::default(),
        made_of: Vec::new(),
        diagnostics,
        progress,
        done: 0,
        total,
    };
    let patterns = model.fields.iter().map(|field| compiler.pattern(field.pattern.as_ref()?)).collect();
    let mut shared: BTreeMap<Owner, Environment> = BTreeMap::new();
    let rules = model.policies.iter().map(|policy| {
        let environment = match shared.get(&policy.owner) {
            Some(known) => known.clone(),
            None => {
                let made = compiler.shared(policy.owner, &environment);
                shared.insert(policy.owner, made.clone());
                made
            }
        };
        compiler.policy(policy, environment)
    });
    let rules = rules.collect();
    let Compiler { builder, mut conditions, progress, .. } = compiler;
    progress(Progress { stage: Stage::Sharing, done: 0, total: 0 });
    conditions.regexes = builder.regex_indices();
    let costs = builder.costs();
    let (table, regexes) = builder.finish();
    Programs { table, regexes, patterns, rules, costs, conditions }
}

struct Compiler<'a, 'w> {
    model: &'a Model,
    builder: Builder,
    conditions: Conditions,
    /// The fields that each variable is derived from, by its number.
    made_of: Vec<BTreeSet<String>>,
    diagnostics: &'a mut Diagnostics,
    progress: &'a mut Watcher<'w>,
    /// Number of finished rules, and of all rules.
    done: usize,
    total: usize,
}

impl Compiler<'_, '_> {
    /// Compiles the variables that all policies of an owner share, and returns the environment with them.
    fn shared(&mut self, owner: Owner, environment: &Environment) -> Environment {
        let mut all = environment.clone();
        let model = self.model;
        for document in model.shared.documents(owner) {
            // Each document stands alone, so that the order of the documents means nothing.
            let mut own = environment.clone();
            for variable in document {
                let (ty, index) = self.declare(&own, variable);
                own = own.with_variable(variable.name.clone(), ty.clone(), index);
                all = all.with_variable(variable.name.clone(), ty, index);
            }
        }
        all
    }

    fn declare(&mut self, environment: &Environment, variable: &Variable) -> (Type, VariableIndex) {
        // A variable with a problem fits every type, so that its problem is reported only once.
        self.variable(environment, &variable.expression).unwrap_or((Type::Error, VariableIndex(0)))
    }

    /// Compiles a policy. The environment has the shared variables.
    fn policy(&mut self, policy: &Policy, mut environment: Environment) -> Vec<RulePrograms> {
        for variable in policy.variables.iter().skip(policy.shared) {
            let (ty, index) = self.declare(&environment, variable);
            environment = environment.with_variable(variable.name.clone(), ty, index);
        }
        for unfinished in &policy.unfinished {
            let (expression, expected) = match unfinished {
                Unfinished::Condition(expression) => (expression, Expected::Bool),
                Unfinished::Value(expression) => (expression, Expected::Field(FieldType::One(Scalar::Any))),
            };
            self.check(&environment, expression, expected);
        }
        self.conditions.rules.push(Vec::with_capacity(policy.rules.len()));
        policy.rules.iter().map(|rule| self.rule(policy.layer, rule, &environment)).collect()
    }

    fn rule(&mut self, layer: Layer, rule: &Rule, environment: &Environment) -> RulePrograms {
        (self.progress)(Progress { stage: Stage::Compiling, done: self.done, total: self.total });
        self.done += 1;
        let mut condition = When::Always;
        let when = rule.when.as_ref().and_then(|when| {
            condition = When::Broken;
            let typed = self.check(environment, when, Expected::Bool)?;
            let ir = lower(&typed);
            let program = self.builder.condition(&ir);
            let program = self.report(program, when)?;
            condition = When::Condition { parts: parts(&typed, &ir.root), root: ir.root };
            Some(program)
        });
        if let Some(conditions) = self.conditions.rules.last_mut() {
            conditions.push(condition);
        }
        let Effect::Set(assignments) = &rule.effect else { return RulePrograms { when, values: Vec::new() } };
        let values = assignments.iter().filter_map(|(field, value)| {
            let target = self.model.fields.get(*field)?;
            let typed = self.check(environment, value, Expected::Field(target.table.value))?;
            let ir = lower(&typed);
            self.check_data_flow(layer, target, value, &ir);
            let program = self.builder.condition(&ir);
            self.report(program, value)
        });
        let values = values.collect();
        RulePrograms { when, values }
    }

    fn variable(&mut self, environment: &Environment, expression: &Expression) -> Option<(Type, VariableIndex)> {
        let typed = self.check(environment, expression, Expected::Any)?;
        let ir = lower(&typed);
        let index = self.builder.variable(&ir);
        let index = self.report(index, expression)?;
        let made_of = fields_of(&ir.root, &self.made_of);
        if index::position(self.made_of.len()) == Some(index.0) {
            self.made_of.push(made_of);
        }
        if index::position(self.conditions.variables.len()) == Some(index.0) {
            self.conditions.variables.push(ir.root);
        }
        Some((typed.ty, index))
    }

    /// Reports a domain that copies a field into a less protected one, which would bypass the guardrails. The
    /// enterprise may intend it.
    fn check_data_flow(&mut self, layer: Layer, target: &Field, value: &Expression, ir: &Ir) {
        for name in fields_of(&ir.root, &self.made_of) {
            let source = self.model.fields.iter().find(|field| field.table.name == name);
            let Some(lost) = source.and_then(|source| lost_protection(&source.table, &target.table)) else { continue };
            let message = format!("`{}` would carry the value of `{name}`: {lost}", target.table.name);
            let problem = match layer {
                Layer::Enterprise => Diagnostic::warning(code::LOST_PROTECTION, value.span, message),
                Layer::Domain => Diagnostic::error(code::LOST_PROTECTION, value.span, message),
            };
            let problem = source
                .and_then(|source| source.span)
                .into_iter()
                .fold(problem, |problem, span| problem.label(span, "it is declared here"));
            let help = format!(
                "declare `{}` with the same classification and residency, or do not copy the value",
                target.table.name
            );
            self.diagnostics.push(problem.help(help));
        }
    }

    fn pattern(&mut self, pattern: &Pattern) -> Option<PatternIndex> {
        match self.builder.regex(&pattern.text, true) {
            Ok(regex) => Some(regex),
            Err(Problem { code, message, help, .. }) => {
                // The advice is for patterns in CEL; the pattern of a field is already anchored.
                let help = help.map(|_| "use smaller counts in `{n,m}`, or bound the length with `maxBytes`");
                let problem = Diagnostic::error(code, pattern.place_of_error(), message);
                let problem = problem.maybe_help(help.map(str::to_owned));
                self.diagnostics.push(problem);
                None
            }
        }
    }

    fn report<T>(&mut self, result: Result<T, Problem>, expression: &Expression) -> Option<T> {
        result.map_err(|problem| self.diagnostics.push(diagnostic(problem, expression))).ok()
    }

    fn check(&mut self, environment: &Environment, expression: &Expression, expected: Expected) -> Option<TypedExpr> {
        match cel::check(environment, &expression.text, expected) {
            Ok(typed) => Some(typed),
            Err(problems) => {
                let incomplete = self.model.incomplete;
                let found = problems.into_iter().map(|problem| {
                    let found = diagnostic(problem, expression);
                    let doubtful = incomplete && found.code == code::UNDECLARED_FIELD;
                    if doubtful { found.note(INCOMPLETE_NOTE) } else { found }
                });
                self.diagnostics.extend(found);
                None
            }
        }
    }
}

/// Returns the places of the operands of an `&&` at the root of a condition.
fn parts(typed: &TypedExpr, root: &Node) -> Vec<(usize, usize)> {
    fn collect(typed: &TypedExpr, found: &mut Vec<(usize, usize)>) {
        match &typed.kind {
            TypedKind::Call(Function::And, arguments) => arguments.iter().for_each(|part| collect(part, found)),
            _ => found.push((typed.start, typed.end)),
        }
    }
    let mut found = Vec::new();
    collect(typed, &mut found);
    // If constants were folded away, there is nothing to point at.
    if found.len() == root.conjuncts().len() { found } else { Vec::new() }
}

/// Converts a problem in the text of an expression to a diagnostic, at its place in the source.
fn diagnostic(problem: Problem, expression: &Expression) -> Diagnostic {
    let span = expression.map.span(problem.start, problem.end);
    Diagnostic::error(problem.code, span, problem.message).maybe_help(problem.help)
}
