//! Decides whether a request can satisfy formulas.
//!
//! The search takes one alternative of each `or` at a time and tracks the remaining values of each term. It stops after
//! a bounded number of steps, and then assumes that the formulas can be satisfied. Only "no request" is therefore a
//! proof, and every finding rests on it.

use std::cell::Cell;

use super::formula::{Formula, Literal};
use super::patterns::Patterns;
use super::places::{Cast, Scope};
use super::terms::{Part, Place, TermId, Terms};
use super::values::Values;
use context_mesh_core::context::CALLER;

/// Most literals that one search visits.
const MAX_STEPS: usize = 3_000;

/// Most choices on one path. The search recurses for each.
const MAX_DEPTH: usize = 200;

/// Most ways to satisfy the formulas that are offered to the caller.
const MAX_OFFERS: usize = 12;

/// The remaining values of the terms on one path of the search.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    values: Vec<(TermId, Values)>,
}

impl State {
    /// Returns the tested terms with their remaining values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TermId, &Values)> {
        self.values.iter().map(|(term, values)| (*term, values))
    }

    /// Adds a literal. Returns whether any value remains.
    fn add(&mut self, literal: &Literal, terms: &Terms, patterns: &Patterns) -> bool {
        let place = self.values.iter().position(|(known, _)| *known == literal.term);
        let place = place.or_else(|| {
            let base = terms.get(literal.term)?.base.clone();
            self.values.push((literal.term, base));
            Some(self.values.len() - 1)
        });
        let values = place.and_then(|place| self.values.get_mut(place));
        values.is_none_or(|(_, values)| {
            values.restrict(&literal.test, literal.ask, patterns);
            !values.is_empty()
        })
    }
}

/// Answers questions about requests.
#[derive(Clone, Copy)]
pub(super) struct Solver<'a> {
    pub(super) terms: &'a Terms,
    pub(super) patterns: &'a Patterns,
    pub(super) required: &'a [String],
    /// Number of literals that all searches together may still visit.
    pub(super) left: &'a Cell<usize>,
}

impl Solver<'_> {
    /// Whether it is proven that no request of the scope satisfies all formulas.
    pub(super) fn is_impossible(&self, scope: &Scope<'_>, formulas: &[&Formula]) -> bool {
        let mut possible = false;
        let complete = self.ways(scope, formulas, &mut |_, _| {
            possible = true;
            true
        });
        complete && !possible
    }

    /// Offers ways to satisfy all formulas until one is accepted. Returns whether the search was complete.
    pub(super) fn ways(
        &self,
        scope: &Scope<'_>,
        formulas: &[&Formula],
        take: &mut dyn FnMut(&State, &Cast) -> bool,
    ) -> bool {
        let steps = MAX_STEPS.min(self.left.get());
        let mut search = Search { solver: *self, scope, take, steps, offers: MAX_OFFERS, stopped: false };
        search.go(State::default(), formulas.to_vec(), &[], MAX_DEPTH);
        self.left.set(self.left.get().saturating_sub(steps.saturating_sub(search.steps)));
        !search.stopped
    }
}

struct Search<'a, 's> {
    solver: Solver<'a>,
    scope: &'s Scope<'s>,
    take: &'s mut dyn FnMut(&State, &Cast) -> bool,
    steps: usize,
    offers: usize,
    /// Whether the search stopped early.
    stopped: bool,
}

impl Search<'_, '_> {
    /// Continues from a state with the formulas that must hold, and with choices of which one part each must hold.
    fn go(&mut self, mut state: State, mut pending: Vec<&Formula>, choices: &[&[Formula]], depth: usize) {
        let mut choices = choices.to_vec();
        while let Some(formula) = pending.pop() {
            match formula {
                Formula::Known(true) => {}
                Formula::Known(false) => return,
                Formula::All(parts) => pending.extend(parts),
                Formula::Any(parts) => choices.push(parts),
                Formula::Literal(literal) => {
                    if !self.step() || !state.add(literal, self.solver.terms, self.solver.patterns) {
                        return;
                    }
                }
            }
        }
        // The shortest choice first. On a tie, the first.
        let Some(shortest) = (0..choices.len()).min_by_key(|index| choices.get(*index).map(|parts| parts.len())) else {
            return self.offer(&state);
        };
        let Some(depth) = depth.checked_sub(1) else {
            self.stopped = true;
            return;
        };
        for part in choices.swap_remove(shortest) {
            if self.stopped {
                return;
            }
            self.go(state.clone(), vec![part], &choices, depth);
        }
    }

    fn offer(&mut self, state: &State) {
        if !self.is_complete(state) {
            return;
        }
        let terms = self.solver.terms;
        let wanted = |place: Place| -> Vec<(Part, &Values)> {
            let parts = state.iter().filter_map(|(term, values)| Some((terms.get(term)?.part?, values)));
            parts.filter(|((of, _), _)| *of == place).map(|((_, part), values)| (part, values)).collect()
        };
        let Some(cast) = self.scope.cast(wanted, self.solver.patterns) else { return };
        self.offers = self.offers.saturating_sub(1);
        self.stopped |= (self.take)(state, &cast) || self.offers == 0;
    }

    /// Whether the state avoids a context that is denied before any rule runs: one that has fields, but lacks a
    /// required one.
    fn is_complete(&self, state: &State) -> bool {
        if !self.scope.refuses_incomplete {
            return true;
        }
        let field = |term| self.solver.terms.get(term).and_then(|term| term.field());
        let has_fields =
            state.iter().any(|(term, values)| field(term).is_some_and(|name| name != CALLER) && !values.missing);
        let lacks = |(term, values): (TermId, &Values)| {
            let required = field(term).is_some_and(|name| self.solver.required.iter().any(|known| known == name));
            required && !values.bad && !values.is_there()
        };
        !(has_fields && state.iter().any(lacks))
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.stopped |= self.steps == 0;
        !self.stopped
    }
}
