//! Coverage: the rules that fire, and the parts of their conditions that were true and false.
//!
//! A rule fires if its effect applies; a shadow rule, if it would. The parts of a condition are the operands of `&&`,
//! `||`, `!` and `?:` that have no parts of their own. Each has two branches: it was true, it was false. A part is
//! evaluated for every request for which its rule was run, whether or not the other parts had already decided.

use context_mesh_core::artifact::tables::{Effect, RuleTable, Tables};
use context_mesh_core::index;

use crate::{
    check::model::Model,
    report::source::Span,
    run::explain::{Explainer, PartValue, RuleRun, Seen},
};

/// The coverage of the tests.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Every rule, in the order of the artifact.
    pub rules: Vec<RuleCoverage>,
}

/// The coverage of one rule.
#[derive(Debug, Clone)]
pub struct RuleCoverage {
    /// Its name.
    pub name: String,
    /// Its place.
    pub span: Option<Span>,
    /// Whether it fired.
    pub fired: bool,
    /// The parts of its condition.
    pub branches: Vec<Branch>,
}

/// A part of a condition.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The source text.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// Whether it was true.
    pub seen_true: bool,
    /// Whether it was false.
    pub seen_false: bool,
}

impl Coverage {
    pub(super) fn new(explainer: &Explainer, tables: &Tables, model: &Model) -> Self {
        let spans = model.policies.iter().flat_map(|policy| &policy.rules).map(|rule| (rule.name.as_str(), rule.span));
        let spans: std::collections::HashMap<&str, Span> = spans.collect();
        let rules = tables.rules.iter().zip(explainer.rules()).map(|(rule, parts)| RuleCoverage {
            name: rule.name.clone(),
            span: spans.get(rule.name.as_str()).copied(),
            fired: false,
            branches: (parts.condition.iter().flat_map(|part| part.atoms()))
                .map(|atom| Branch { text: atom.text.clone(), span: atom.span, seen_true: false, seen_false: false })
                .collect(),
        });
        Self { rules: rules.collect() }
    }

    /// Adds the coverage of one request.
    pub(super) fn note(&mut self, runs: &[RuleRun<'_>], tables: &Tables) {
        for run in runs {
            let (Some(coverage), Some(rule)) =
                (index::get_mut(&mut self.rules, run.rule.0), run.rule.get(&tables.rules))
            else {
                continue;
            };
            coverage.fired |= fired(run, rule);
            let mut atoms = Vec::new();
            run.condition.iter().for_each(|condition| collect(condition, &mut atoms));
            for (branch, value) in coverage.branches.iter_mut().zip(atoms) {
                branch.seen_true |= *value == Seen::Bool(true);
                branch.seen_false |= *value == Seen::Bool(false);
            }
        }
    }

    /// Returns the number of rules that fired, and of all rules.
    pub(crate) fn rule_count(&self) -> (usize, usize) {
        (self.rules.iter().filter(|rule| rule.fired).count(), self.rules.len())
    }

    /// Returns the number of branches that were seen, and of all branches: two for each part of a condition.
    pub(crate) fn branch_count(&self) -> (usize, usize) {
        let all = || self.rules.iter().flat_map(|rule| &rule.branches);
        let seen = all().map(|branch| usize::from(branch.seen_true) + usize::from(branch.seen_false)).sum();
        (seen, 2 * all().count())
    }

    /// Returns the lower one of the two percentages, rounded down.
    pub fn percent(&self) -> usize {
        percent(self.rule_count()).min(percent(self.branch_count()))
    }
}

/// Returns a part of a whole in percent, rounded down, so that 100 means all of it. All of nothing is 100.
pub(super) fn percent((part, whole): (usize, usize)) -> usize {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}

/// Whether the rule fired. A value that could not be computed changes nothing, so its rule did not fire.
fn fired(run: &RuleRun<'_>, rule: &RuleTable) -> bool {
    run.applied && !(matches!(rule.effect, Effect::Set { .. }) && run.error.is_some())
}

/// Collects the values of the atoms, in the order of [`crate::run::explain::Part::atoms`].
fn collect<'v>(value: &'v PartValue<'_>, atoms: &mut Vec<&'v Seen>) {
    use crate::run::explain::Kind;
    match value.part.kind {
        Kind::Atom => atoms.push(&value.value),
        Kind::Constant => {}
        Kind::All | Kind::Any | Kind::Not | Kind::If => value.parts.iter().for_each(|part| collect(part, atoms)),
    }
}
