//! The rules of a workload for one kind of requests, with their decision index.

use super::decision_index::DecisionIndex;
use crate::artifact::VerifiedProgram;
use crate::index::RuleIndex;
use crate::tables::{Effect, Layer, RuleTable};
use crate::vm::Machine;

/// Rules that are decided together.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    all: Vec<RuleIndex>,
    pub(super) deciding: Part,
    pub(super) watching: Part,
}

/// The rules that decide, or those that only watch.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    rules: Vec<RuleIndex>,
    index: Option<DecisionIndex>,
    /// Whether they only watch: they change nothing and are reported.
    pub(super) watches: bool,
    /// Whether the enterprise, and the domain, have an allow rule among them.
    pub(super) allows: (bool, bool),
}

impl RuleSet {
    /// Returns the rules with an index. `rules` are indices into the artifact's rules, ascending.
    pub fn new(program: &VerifiedProgram, rules: &[RuleIndex]) -> Self {
        Self::made(program, rules, |rules| DecisionIndex::new(program, rules))
    }

    /// Returns the rules without an index: a decision runs all of them. It is the same decision.
    pub fn linear(program: &VerifiedProgram, rules: &[RuleIndex]) -> Self {
        Self::made(program, rules, |_| None)
    }

    fn made(
        program: &VerifiedProgram,
        rules: &[RuleIndex],
        index: impl Fn(&[RuleIndex]) -> Option<DecisionIndex>,
    ) -> Self {
        let tables = &program.tables().rules;
        let watches = |rule: &RuleIndex| rule.get(tables).is_some_and(watches);
        let (watching, deciding): (Vec<RuleIndex>, Vec<RuleIndex>) = rules.iter().partition(|rule| watches(rule));
        let part = |rules: Vec<RuleIndex>, watches: bool| {
            let allows = |layer: Layer| {
                let mut found = rules.iter().filter_map(|rule| rule.get(tables));
                found.any(|rule| rule.layer == layer && matches!(rule.effect, Effect::Allow))
            };
            let allows = (allows(Layer::Enterprise), allows(Layer::Domain));
            Part { index: index(&rules), rules, watches, allows }
        };
        Self { all: rules.to_vec(), deciding: part(deciding, false), watching: part(watching, true) }
    }

    /// Returns the rules, ascending.
    pub fn rules(&self) -> &[RuleIndex] {
        &self.all
    }

    /// Returns the rules that run for every request, because no clause of their conditions can be looked up.
    pub fn unindexed(&self) -> impl Iterator<Item = RuleIndex> {
        [&self.deciding, &self.watching].into_iter().flat_map(|part| {
            let places = part.index.as_ref().map(DecisionIndex::always);
            let rules = part.rules.iter().enumerate();
            rules.filter(move |(place, _)| places.is_none_or(|places| contains(places, *place))).map(|(_, rule)| *rule)
        })
    }
}

fn contains(places: &[u32], place: usize) -> bool {
    u32::try_from(place).is_ok_and(|place| places.binary_search(&place).is_ok())
}

/// Returns whether a rule changes nothing and is only reported.
fn watches(rule: &RuleTable) -> bool {
    rule.shadow || matches!(rule.effect, Effect::Audit)
}

impl Part {
    /// Writes the places of the rules that may apply to the request, ascending. Returns false if all may: there is no
    /// index.
    pub(super) fn candidates(&self, machine: &mut Machine<'_>, places: &mut Vec<u32>) -> bool {
        places.clear();
        let Some(index) = &self.index else { return false };
        index.candidates(machine, places);
        true
    }

    /// Returns all rules.
    pub(super) fn rules(&self) -> &[RuleIndex] {
        &self.rules
    }
}
