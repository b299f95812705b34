//! An index of the rules that may cover another one, which avoids comparing all pairs.
//!
//! A rule can cover another only if the other implies each part of its condition. Every deny rule is therefore filed
//! under one of these parts: a test for known strings under each string, a test for a prefix under the prefix, any
//! other part under what it reads. Another rule is looked up wherever its own tests can imply that part.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use context_mesh_core::artifact::tables::ScalarConstant;

use super::facts::{Knowledge, includes};
use super::formula::{Ask, Formula, Literal};
use super::terms::{Place, TermId};
use super::test::{Test, understood_number};
use crate::check::model::Workloads;
use crate::read::document::Direction;

/// What a rule reads: a term, or a place, whose parts depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reads {
    Term(TermId),
    Peer,
    Own,
    Destination,
}

/// The key under which a rule is filed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Word(TermId, String),
    Prefix(TermId, String),
    Reads(Reads),
    /// The rule has no condition that something in particular could imply.
    Anything,
}

/// The deny rules of a tree, by what another rule must imply for one of them to cover it.
pub(super) struct Index {
    /// By direction, workloads and key. The rules are in the order of the knowledge.
    filed: HashMap<(Direction, usize, Key), Vec<usize>>,
    /// The number of each rule's set of workloads.
    sets: Vec<usize>,
    /// For each set of workloads, the numbers of the sets that include it.
    larger: Vec<Vec<usize>>,
}

/// Most rules that are taken from one key of the index.
const MAX_EACH: usize = 64;

/// Longest prefix, in bytes, that is looked up at each of its lengths.
const MAX_PREFIX: usize = 128;

impl Index {
    pub(super) fn new(knowledge: &Knowledge<'_>) -> Self {
        let mut numbers: HashMap<&[usize], usize> = HashMap::new();
        let mut distinct: Vec<&Workloads> = vec![&Workloads::All];
        let mut sets = Vec::with_capacity(knowledge.rules.len());
        for facts in &knowledge.rules {
            sets.push(match &facts.policy.workloads {
                Workloads::All => 0,
                Workloads::These(services) => *numbers.entry(services).or_insert_with(|| {
                    distinct.push(&facts.policy.workloads);
                    distinct.len() - 1
                }),
            });
        }
        let larger = larger(&distinct);
        let mut filed: HashMap<(Direction, usize, Key), Vec<usize>> = HashMap::new();
        for (index, facts) in knowledge.rules.iter().enumerate().filter(|(_, facts)| facts.denies()) {
            let set = sets.get(index).copied().unwrap_or_default();
            for key in file_under(knowledge, &facts.applies) {
                filed.entry((facts.policy.direction, set, key)).or_default().push(index);
            }
        }
        Self { filed, sets, larger }
    }

    /// Returns the deny rules, ascending, that include at least the workloads of the rule and may apply whenever
    /// `formula` holds.
    pub(super) fn candidates(&self, knowledge: &Knowledge<'_>, rule: usize, formula: &Formula) -> Vec<usize> {
        let Some(facts) = knowledge.rules.get(rule) else { return Vec::new() };
        let keys = look_under(knowledge, formula);
        let set = self.sets.get(rule).copied().unwrap_or_default();
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for larger in self.larger.get(set).into_iter().flatten() {
            for key in &keys {
                let filed = self.filed.get(&(facts.policy.direction, *larger, key.clone()));
                found.extend(filed.into_iter().flatten().take(MAX_EACH));
            }
        }
        found.into_iter().collect()
    }
}

/// Returns for each set of workloads the sets that include it, itself first.
fn larger(distinct: &[&Workloads]) -> Vec<Vec<usize>> {
    // By service: a set that includes another contains its first service too.
    let mut having: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, workloads) in distinct.iter().enumerate() {
        if let Workloads::These(services) = workloads {
            services.iter().for_each(|service| having.entry(*service).or_default().push(number));
        }
    }
    let of = |(number, workloads): (usize, &&Workloads)| {
        let mut found = vec![number];
        if let Workloads::These(services) = workloads {
            found.push(0);
            let near = services.first().and_then(|first| having.get(first)).into_iter().flatten();
            found.extend(near.filter(|other| {
                **other != number && distinct.get(**other).is_some_and(|other| includes(other, workloads))
            }));
        }
        found
    };
    distinct.iter().enumerate().map(of).collect()
}

pub(super) fn reads(knowledge: &Knowledge<'_>, term: TermId) -> Reads {
    match knowledge.terms.get(term).and_then(|term| term.part) {
        Some((Place::Peer, _)) => Reads::Peer,
        Some((Place::Own, _)) => Reads::Own,
        Some((Place::Destination, _)) => Reads::Destination,
        None => Reads::Term(term),
    }
}

/// Returns the values that a literal allows, if it requires its term to be one of them. Strings are returned as they
/// are, a number after a character with which no string begins in practice. If two values look alike, that costs a
/// comparison but changes no result.
fn words(literal: &Literal) -> Option<Vec<Cow<'_, str>>> {
    if !matches!(literal.ask, Ask::True | Ask::NotFalse) {
        return None;
    }
    match &*literal.test {
        Test::Equals(ScalarConstant::String(word)) => Some(vec![Cow::Borrowed(word.as_str())]),
        Test::Equals(number) => understood_number(number).map(|number| vec![Cow::Owned(format!("\u{0}{number}"))]),
        Test::OneOf(words) => Some(words.iter().map(|word| Cow::Borrowed(word.as_str())).collect()),
        _ => None,
    }
}

fn prefix(literal: &Literal) -> Option<&str> {
    match (&*literal.test, literal.ask) {
        (Test::Prefix(prefix), Ask::True | Ask::NotFalse) => Some(prefix),
        _ => None,
    }
}

/// Returns the keys under which a rule with this condition is filed: every rule that it covers looks under them.
fn file_under(knowledge: &Knowledge<'_>, formula: &Formula) -> Vec<Key> {
    let literals = || {
        formula.conjuncts().iter().filter_map(|part| match part {
            Formula::Literal(literal) => Some(literal),
            _ => None,
        })
    };
    let alone = |literal: &Literal| matches!(reads(knowledge, literal.term), Reads::Term(_));
    if let Some((term, words)) = literals().filter(|literal| alone(literal)).find_map(|l| Some((l.term, words(l)?))) {
        return words.into_iter().map(|word| Key::Word(term, word.into_owned())).collect();
    }
    if let Some((term, prefix)) = literals().filter(|literal| alone(literal)).find_map(|l| Some((l.term, prefix(l)?))) {
        return vec![Key::Prefix(term, prefix.to_owned())];
    }
    if let Some(literal) = literals().next() {
        return vec![Key::Reads(reads(knowledge, literal.term))];
    }
    let mut read = BTreeSet::new();
    formula.literals(&mut |literal| {
        read.insert(Key::Reads(reads(knowledge, literal.term)));
    });
    if read.is_empty() { vec![Key::Anything] } else { read.into_iter().collect() }
}

/// Returns the keys under which a rule with this condition looks for rules that cover it.
fn look_under(knowledge: &Knowledge<'_>, formula: &Formula) -> BTreeSet<Key> {
    let mut keys = BTreeSet::from([Key::Anything]);
    formula.literals(&mut |literal| {
        keys.insert(Key::Reads(reads(knowledge, literal.term)));
        for word in words(literal).into_iter().flatten() {
            prefixes(&word, |prefix| {
                keys.insert(Key::Prefix(literal.term, prefix.to_owned()));
            });
            keys.insert(Key::Word(literal.term, word.into_owned()));
        }
        if let Some(prefix) = prefix(literal) {
            prefixes(prefix, |shorter| {
                keys.insert(Key::Prefix(literal.term, shorter.to_owned()));
            });
        }
    });
    keys
}

fn prefixes(text: &str, see: impl FnMut(&str)) {
    let ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
    ends.take(MAX_PREFIX).filter_map(|end| text.get(..end)).for_each(see);
}

/// Returns the values that a condition allows, for the terms of which it names values.
pub(super) fn words_by_term(formula: &Formula) -> Vec<(TermId, Vec<Cow<'_, str>>)> {
    let mut found = Vec::new();
    for part in formula.conjuncts() {
        if let Formula::Literal(literal) = part {
            found.extend(words(literal).map(|words| (literal.term, words)));
        }
    }
    found
}
