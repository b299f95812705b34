//! The rules of a tree with the formulas of their conditions.

use std::cell::Cell;

use context_mesh_core::artifact::tables::{Layer, OnInvalid};

use super::formula::{Ask, Formula, Formulas};
use super::patterns::Patterns;
use super::places::Scope;
use super::solve::Solver;
use super::terms::Terms;
use crate::check::model::{Effect, Model, Policy, Rule, Workloads};
use crate::check::programs::{Programs, When};
use crate::expression::ir::Node;
use crate::read::document::{Expression, OnError};
use crate::report::source::Span;

/// A rule and when it applies.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) policy: &'a Policy,
    pub(super) rule: &'a Rule,
    pub(super) when: &'a When,
    /// Holds for the requests to which the rule applies.
    pub(super) applies: Formula,
    /// Holds for the other requests.
    pub(super) spares: Formula,
}

impl Facts<'_> {
    /// Returns the root of the condition, or `None` for a rule without one.
    pub(super) fn condition(&self) -> Option<&Node> {
        match self.when {
            When::Condition { root, .. } => Some(root),
            When::Always | When::Broken => None,
        }
    }

    /// Returns the question about the condition that decides whether the rule applies.
    pub(super) fn ask(&self) -> Ask {
        ask(self.rule)
    }

    /// Whether it is an enforced deny rule.
    pub(super) fn denies(&self) -> bool {
        matches!(self.rule.effect, Effect::Deny(_)) && !self.rule.shadow
    }

    /// Whether it is an enforced allow rule.
    pub(super) fn allows(&self) -> bool {
        matches!(self.rule.effect, Effect::Allow) && !self.rule.shadow
    }

    /// Returns the requests to which the rule applies.
    pub(super) fn scope<'m>(&'m self, model: &'m Model) -> Scope<'m> {
        scope(model, self.policy, &self.policy.workloads)
    }

    /// Returns the place of the condition, or else of the rule.
    pub(super) fn span(&self) -> Span {
        self.rule.when.as_ref().map_or(self.rule.span, condition_span)
    }
}

/// Returns the question about the condition of a rule that decides whether the rule applies.
pub(crate) fn ask(rule: &Rule) -> Ask {
    let narrows = !matches!(rule.effect, Effect::Allow | Effect::Set(_));
    if narrows && rule.on_error == OnError::Deny { Ask::NotFalse } else { Ask::True }
}

/// Returns the place of a condition's text, without the YAML around it.
pub(crate) fn condition_span(when: &Expression) -> Span {
    when.map.span(0, when.text.trim_end().chars().count())
}

/// Returns the requests to which a policy applies at some of its workloads.
pub(super) fn scope<'m>(model: &'m Model, policy: &Policy, workloads: &'m Workloads) -> Scope<'m> {
    let mut scope = Scope {
        directory: &model.directory,
        direction: policy.direction,
        workloads,
        peer: None,
        destination: None,
        refuses_incomplete: false,
    };
    scope.refuses_incomplete = model.mesh.on_invalid == OnInvalid::Deny && !scope.has_gateway();
    scope
}

/// The rules of a tree and everything needed to answer questions about them.
pub(super) struct Knowledge<'a> {
    pub(super) model: &'a Model,
    pub(super) variables: &'a [Node],
    pub(super) terms: Terms,
    pub(super) patterns: Patterns,
    /// All rules with valid conditions. The order does not depend on the documents: the enterprise first, then by name.
    pub(super) rules: Vec<Facts<'a>>,
    required: Vec<String>,
    /// Number of literals that all searches together may still visit.
    left: Cell<usize>,
}

/// Most literals visited when a tree is checked. The worst tree takes a few seconds; 10,000 rules need only a fraction.
pub(super) const WORK_OF_A_CHECK: usize = 3_000_000;

/// The same limit for questions about all pairs of services.
pub(super) const WORK_OF_A_GRAPH: usize = 200_000_000;

impl<'a> Knowledge<'a> {
    pub(super) fn new(model: &'a Model, programs: &'a Programs, work: usize) -> Self {
        let patterns = Patterns::default();
        for (text, whole, bytes) in programs.built_regexes() {
            patterns.add(text, whole, bytes);
        }
        let mut terms = Terms::new(&model.fields, &patterns);
        let variables = &programs.conditions.variables;
        let mut formulas = Formulas::new(&mut terms, variables, &patterns);
        let mut rules = Vec::new();
        for (policy, whens) in model.policies.iter().zip(&programs.conditions.rules) {
            for (rule, when) in policy.rules.iter().zip(whens) {
                let known = |value| (Formula::Known(value), Formula::Known(!value));
                let mut facts = Facts { policy, rule, when, applies: known(true).0, spares: known(true).1 };
                match when {
                    When::Broken => continue,
                    When::Always => {}
                    When::Condition { root, .. } => {
                        let ask = facts.ask();
                        facts.applies = formulas.formula(root, ask);
                        facts.spares = formulas.formula(root, ask.opposite());
                    }
                }
                rules.push(facts);
            }
        }
        rules.sort_by(|a, b| {
            let key = |facts: &Facts<'a>| (facts.policy.layer, facts.rule.name.as_str(), facts.rule.span);
            key(a).cmp(&key(b))
        });
        let required = model.fields.iter().filter(|field| field.table.required);
        let required = required.map(|field| field.table.name.clone()).collect();
        Self { model, variables, terms, patterns, rules, required, left: Cell::new(work) }
    }

    pub(super) fn solver(&self) -> Solver<'_> {
        Solver { terms: &self.terms, patterns: &self.patterns, required: &self.required, left: &self.left }
    }

    /// Whether it is proven that no request of the scope satisfies all formulas.
    pub(super) fn is_impossible(&self, scope: &Scope<'_>, formulas: &[&Formula]) -> bool {
        self.solver().is_impossible(scope, formulas)
    }
}

/// Whether the policies of one workload set are for all workloads of another.
pub(super) fn includes(large: &Workloads, small: &Workloads) -> bool {
    match (large, small) {
        (Workloads::All, _) => true,
        (Workloads::These(_), Workloads::All) => false,
        (Workloads::These(large), Workloads::These(small)) => {
            small.iter().all(|service| large.binary_search(service).is_ok())
        }
    }
}

/// Whether a denial of the first layer is said before, or instead of, one of the second.
pub(super) fn outranks(first: Layer, second: Layer) -> bool {
    first == Layer::Enterprise && second == Layer::Domain
}
