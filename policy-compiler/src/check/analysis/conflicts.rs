//! Rules of one layer that can set one field to different values.
//!
//! Rules do not see each other and their order has no meaning, so no value would win. Two rules conflict unless they
//! set the same value, or their conditions are proven to exclude each other. Across layers the enterprise wins, and a
//! shadow rule changes nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use context_mesh_core::artifact::tables::Layer;

use super::Finding;
use super::facts::{Facts, Knowledge, scope};
use super::formula::{Ask, Formula};
use super::index::words_by_term;
use super::terms::TermId;
use crate::check::model::{Effect, Workloads};
use crate::read::document::{Direction, Expression};
use crate::report::diagnostic::{Diagnostic, code};

/// Most pairs of rules of one field that are compared. Beyond this limit, rules that are not proven to exclude each
/// other are reported as conflicting.
const MAX_PAIRS: usize = 500_000;

/// A value that a rule sets a field to.
#[derive(Clone, Copy)]
struct Assignment<'k> {
    facts: &'k Facts<'k>,
    value: &'k Expression,
}

impl Assignment<'_> {
    /// Whether both set the same value: the text is the same, and if it uses variables, they are those of the same
    /// policy.
    fn agrees(&self, other: &Self) -> bool {
        self.value.text.trim() == other.value.text.trim()
            && (std::ptr::eq(self.facts.policy, other.facts.policy) || !self.value.text.contains("variables"))
    }
}

/// What two assignments must have in common to conflict.
type Target = (Layer, Direction, usize);

pub(super) fn find<'k>(knowledge: &'k Knowledge<'k>) -> Vec<Finding<'k>> {
    let mut targets: BTreeMap<Target, Vec<Assignment<'k>>> = BTreeMap::new();
    for facts in knowledge.rules.iter().filter(|facts| !facts.rule.shadow) {
        let Effect::Set(assignments) = &facts.rule.effect else { continue };
        for (field, value) in assignments {
            let target = (facts.policy.layer, facts.policy.direction, *field);
            targets.entry(target).or_default().push(Assignment { facts, value });
        }
    }
    let mut findings = Vec::new();
    for ((_, _, field), assignments) in targets {
        let name = knowledge.model.fields.get(field).map_or("", |field| &field.table.name);
        let mut pairs = 0;
        for (later, earlier) in candidates(&assignments) {
            let found = earlier.into_iter().filter_map(|earlier| assignments.get(earlier)).find(|earlier| {
                if earlier.agrees(later) {
                    return false;
                }
                let Some(shared) = shared(&later.facts.policy.workloads, &earlier.facts.policy.workloads) else {
                    return false;
                };
                pairs += 1;
                let scope = scope(knowledge.model, later.facts.policy, &shared);
                pairs > MAX_PAIRS || !knowledge.is_impossible(&scope, &[&later.facts.applies, &earlier.facts.applies])
            });
            if let Some(earlier) = found {
                findings.push(conflict(knowledge, name, *later, *earlier));
            }
        }
    }
    findings
}

/// Where an assignment applies, as a key of the index of candidates.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Where {
    Service(usize),
    /// At all workloads.
    Star,
    /// At any of these: every assignment is filed here.
    Anywhere,
}

/// What an assignment requires of the term by which the index is made.
#[derive(Clone, PartialEq, Eq, Hash)]
enum What<'k> {
    Word(Cow<'k, str>),
    /// Nothing in particular.
    Rest,
    /// Any of these: every assignment is filed here.
    Any,
}

/// Returns each assignment with the earlier ones that it may conflict with. Assignments that require different values
/// of one term are never compared.
fn candidates<'a, 'k>(assignments: &'a [Assignment<'k>]) -> Vec<(&'a Assignment<'k>, Vec<usize>)> {
    let words: Vec<Vec<(TermId, Vec<Cow<'k, str>>)>> =
        assignments.iter().map(|assignment| words_by_term(&assignment.facts.applies)).collect();
    let mut counts: BTreeMap<TermId, usize> = BTreeMap::new();
    words.iter().flatten().for_each(|(term, _)| *counts.entry(*term).or_default() += 1);
    // The term for which most assignments name a value. On a tie, the first.
    let chosen = counts.iter().max_by_key(|(term, count)| (**count, std::cmp::Reverse(**term))).map(|(term, _)| *term);
    let mut filed: HashMap<(Where, What<'k>), Vec<usize>> = HashMap::new();
    let mut all = Vec::with_capacity(assignments.len());
    for (number, (assignment, words)) in assignments.iter().zip(&words).enumerate() {
        let whats: Vec<What<'k>> = match words.iter().find(|(term, _)| Some(*term) == chosen) {
            Some((_, words)) => words.iter().cloned().map(What::Word).collect(),
            None => vec![What::Rest],
        };
        let wheres: Vec<Where> = match &assignment.facts.policy.workloads {
            Workloads::All => vec![Where::Star],
            Workloads::These(services) => services.iter().copied().map(Where::Service).collect(),
        };
        let everywhere = wheres.contains(&Where::Star);
        let look_where = if everywhere { vec![Where::Anywhere] } else { with(&wheres, Where::Star) };
        let look_what = if whats.contains(&What::Rest) { vec![What::Any] } else { with(&whats, What::Rest) };
        let mut found: HashSet<usize> = HashSet::new();
        for place in &look_where {
            for what in &look_what {
                found.extend(filed.get(&(*place, what.clone())).into_iter().flatten());
            }
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_unstable();
        all.push((assignment, found));
        for place in with(&wheres, Where::Anywhere) {
            for what in with(&whats, What::Any) {
                filed.entry((place, what)).or_default().push(number);
            }
        }
    }
    all
}

fn with<T: Clone>(items: &[T], one_more: T) -> Vec<T> {
    items.iter().cloned().chain([one_more]).collect()
}

/// Returns the workloads to which both apply, or `None` if there are none.
pub(super) fn shared(one: &Workloads, other: &Workloads) -> Option<Workloads> {
    match (one, other) {
        (Workloads::All, other) | (other, Workloads::All) => Some(other.clone()),
        (Workloads::These(one), Workloads::These(other)) => {
            let both: Vec<usize> = one.iter().filter(|service| other.binary_search(service).is_ok()).copied().collect();
            (!both.is_empty()).then_some(Workloads::These(both))
        }
    }
}

fn conflict<'k>(knowledge: &'k Knowledge<'k>, field: &str, new: Assignment<'k>, first: Assignment<'k>) -> Finding<'k> {
    let names = (&first.facts.rule.name, &new.facts.rule.name);
    let message = format!("`{}` and `{}` can set `{field}` to different values", names.0, names.1);
    let problem = Diagnostic::error(code::CONFLICTING_SET, new.value.span, message)
        .label(first.value.span, "the other value")
        .help("let the conditions exclude each other, or write one rule with both cases: `condition ? value : other`");
    Finding::with_example(problem, move || {
        let formulas: [&Formula; 2] = [&new.facts.applies, &first.facts.applies];
        let claims: Vec<_> =
            [new.facts, first.facts].into_iter().filter_map(|facts| Some((facts.condition()?, Ask::True))).collect();
        if claims.is_empty() {
            return None;
        }
        let workloads = shared(&new.facts.policy.workloads, &first.facts.policy.workloads)?;
        let scope = scope(knowledge.model, new.facts.policy, &workloads);
        Some(format!("both match, {}", knowledge.example(&scope, &formulas, &claims)?))
    })
}
