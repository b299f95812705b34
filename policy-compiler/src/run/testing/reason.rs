//! Why the request of a test was decided as it was: the sentence of `policyc eval`, and the rules with the values of
//! their conditions. Of a failed test, only the rules that matter for it.

use context_mesh_core::artifact::tables::{Effect, RuleTable, Tables};
use context_mesh_core::{cause::Cause, index::RuleIndex};
use serde_json::Value;

use crate::{
    check::model::TestCase,
    report::style::Paint,
    run::{
        eval::{self, why},
        explain::RuleRun,
        simulate::Outcome,
    },
};

/// Most rules that are shown for a failed test.
const MAX_RULES: usize = 8;

/// The reason for a decision, formatted.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The reason in one sentence.
    pub why: String,
    /// The rules as text, in whole lines.
    pub text: String,
    /// The same rules as JSON.
    pub rules: Vec<Value>,
    /// Number of rules that were run and are not shown.
    pub left_out: usize,
}

/// The tests for which reasons are collected, and their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reasons {
    /// All tests with all rules. Otherwise failed tests, with the rules that matter.
    pub all: bool,
    /// Colours of the text.
    pub paint: Paint,
}

/// Returns the reason for a decision.
pub(super) fn reason(
    case: &TestCase,
    outcome: &Outcome,
    runs: &[RuleRun<'_>],
    tables: &Tables,
    reasons: Reasons,
) -> Reason {
    let indices: Vec<RuleIndex> = runs.iter().map(|run| run.rule).collect();
    let why = why(outcome, case.request.role, &indices, tables);
    let mut shown: Vec<&RuleRun<'_>> = runs.iter().collect();
    if !reasons.all {
        let matters = |run: &&RuleRun<'_>| run.rule.get(&tables.rules).is_some_and(|rule| matters(rule, case, outcome));
        let chosen: Vec<&RuleRun<'_>> = runs.iter().filter(matters).collect();
        if !chosen.is_empty() {
            shown = chosen;
        }
        shown.truncate(MAX_RULES);
    }
    let mut text = String::new();
    eval::text::rule_runs(&mut text, shown.iter().copied(), None, tables, 7, reasons.paint);
    let rules = shown.iter().filter_map(|run| eval::json::rule(run, None, tables)).collect();
    Reason { why, text, rules, left_out: runs.len() - shown.len() }
}

/// Whether a rule says why the decision is not the expected one.
fn matters(rule: &RuleTable, case: &TestCase, outcome: &Outcome) -> bool {
    let expect = &case.expect;
    let named = expect.rule.as_ref().is_some_and(|name| name.value == rule.name);
    let listed = expect
        .lists
        .iter()
        .any(|(kind, names)| kind.names_rules() && names.value.iter().any(|name| name.value == rule.name));
    let decided = match outcome.refusal.as_ref().map(|refusal| Cause::of(&refusal.rule)) {
        Some(Cause::Rule(name)) => name == rule.name,
        Some(Cause::NotAllowed(layer)) => rule.layer == layer && rule.effect == Effect::Allow,
        Some(Cause::Mesh(_)) => false,
        // A denial is expected and does not come: what could have denied.
        None if expect.denied.is_some_and(|denied| denied.value) => {
            expect.rule.is_none() && matches!(rule.effect, Effect::Deny(_) | Effect::Require { .. })
        }
        None => outcome.rules.contains(&rule.name),
    };
    named || listed || decided
}
