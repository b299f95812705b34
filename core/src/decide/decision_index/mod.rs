//! The decision index: which rules may apply to a request, found with one look-up for each attribute.
//!
//! Each rule is filed under the atoms of one clause of its condition ([`crate::vm::clauses`]). If none of these atoms is
//! true and none is an error, the condition is false, and the rule does not run. So a decision with the index is the
//! same as without it, except that it takes less fuel.
//!
//! The index is made from verified bytecode when a workload is made. It takes no place in the artifact, and cannot
//! contradict the conditions. It stores hashes and no texts: another text with the same hash only makes a candidate of
//! a rule whose condition is then false.
//!
//! A look-up needs a value that every atom of the subject can be compared with. Otherwise (the attribute is missing, or
//! has another type) the rules of the subject are looked up by other clauses, and those that have none are candidates.

mod build;
mod key;

use crate::artifact::VerifiedProgram;
use crate::index::RuleIndex;
use crate::vm::clauses::Subject;
use crate::vm::{Machine, Value};
use key::Key;

/// The index of a list of rules. Rules are places in this list.
#[derive(Debug, Clone)]
pub(super) struct DecisionIndex {
    level: Level,
}

/// Rules by what they are filed under.
#[derive(Debug, Clone, Default)]
struct Level {
    /// The rules that are always candidates, ascending.
    always: Vec<u32>,
    /// The hashes of keys, each with a rule, sorted.
    filed: Vec<(u64, u32)>,
    lookups: Vec<Lookup>,
}

/// The look-ups of one subject.
#[derive(Debug, Clone)]
struct Lookup {
    subject: Subject,
    /// Length of the longest string that an atom compares as a whole, in bytes.
    longest: usize,
    /// The lengths of the beginnings that are looked up: bit 0 is one byte.
    beginnings: u64,
    /// The lengths of the ends that are looked up, likewise.
    ends: u64,
    /// Whether lines are looked up.
    lines: bool,
    /// Whether an atom needs a string.
    needs_text: bool,
    /// Whether an atom needs a list.
    needs_list: bool,
    /// The rules of the subject by other clauses.
    otherwise: Level,
}

/// Most elements of a list, or lines of a string, that are looked up.
const MAX_ELEMENTS: usize = 64;

impl DecisionIndex {
    /// Returns the index of rules, or `None` if it would not help: there are few of them, or none can be filed.
    pub(super) fn new(program: &VerifiedProgram, rules: &[RuleIndex]) -> Option<Self> {
        let level = build::level(program, rules);
        (!level.lookups.is_empty()).then_some(Self { level })
    }

    /// Adds the candidates, ascending, each once.
    pub(super) fn candidates(&self, machine: &mut Machine<'_>, places: &mut Vec<u32>) {
        self.level.candidates(machine, places);
        places.sort_unstable();
        places.dedup();
    }

    /// Returns the places of the rules that are candidates for every request, ascending.
    pub(super) fn always(&self) -> &[u32] {
        &self.level.always
    }
}

impl Level {
    /// Adds the candidates, in any order.
    fn candidates(&self, machine: &mut Machine<'_>, places: &mut Vec<u32>) {
        places.extend(&self.always);
        for lookup in &self.lookups {
            let value = machine.subject(lookup.subject, lookup.needs_list);
            if !self.find(lookup, value, places) {
                lookup.otherwise.candidates(machine, places);
            }
        }
    }

    /// Adds the rules of which an atom is true. Returns false, and adds nothing, if an atom may be an error.
    fn find(&self, lookup: &Lookup, value: Value<'_>, places: &mut Vec<u32>) -> bool {
        match value {
            Value::String(text) if !lookup.needs_list => return self.find_text(lookup, text.as_bytes(), places),
            Value::JsonList(list) if !lookup.needs_text => {
                return self.find_elements(lookup.subject, list.items, places);
            }
            Value::List(items) if !lookup.needs_text => return self.find_elements(lookup.subject, items, places),
            value if !lookup.needs_text && !lookup.needs_list && key::is_comparable(value) => {
                if let Some(key) = Key::of_value(value) {
                    self.add(key.hash(lookup.subject), places);
                }
            }
            _ => return false,
        }
        true
    }

    /// Adds the rules of the elements of a list, if each of them is comparable.
    fn find_elements(&self, subject: Subject, items: &[Value<'_>], places: &mut Vec<u32>) -> bool {
        let fits = items.len() <= MAX_ELEMENTS && items.iter().all(|item| key::is_comparable(*item));
        if fits {
            for key in items.iter().filter_map(|item| Key::of_value(*item)) {
                self.add(key.as_element().hash(subject), places);
            }
        }
        fits
    }

    /// Adds the rules of a string, unless it has too many lines.
    fn find_text(&self, lookup: &Lookup, text: &[u8], places: &mut Vec<u32>) -> bool {
        if lookup.lines {
            // The first part ends with a line break, and the last part begins with one: they are not between two.
            let mut parts = text.split(|byte| *byte == b'\n');
            let (first, last) = (parts.next(), parts.next_back());
            if first.is_some() && last.is_some() {
                if parts.clone().nth(MAX_ELEMENTS).is_some() {
                    return false;
                }
                parts.for_each(|line| self.add(Key::Line(line).hash(lookup.subject), places));
            }
        }
        if text.len() <= lookup.longest {
            self.add(Key::Text(text).hash(lookup.subject), places);
        }
        for length in lengths(lookup.beginnings) {
            let Some(beginning) = text.get(..length) else { break };
            self.add(Key::Beginning(beginning).hash(lookup.subject), places);
        }
        for length in lengths(lookup.ends) {
            let Some(end) = text.len().checked_sub(length).and_then(|from| text.get(from..)) else { break };
            self.add(Key::End(end).hash(lookup.subject), places);
        }
        true
    }

    /// Adds the rules of a key.
    fn add(&self, hash: u64, places: &mut Vec<u32>) {
        let from = self.filed.partition_point(|(known, _)| *known < hash);
        let found = self.filed.get(from..).unwrap_or_default();
        places.extend(found.iter().take_while(|(known, _)| *known == hash).map(|(_, place)| *place));
    }
}

/// Returns the lengths of a set of bits, ascending.
fn lengths(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let length = usize::try_from(bits.trailing_zeros()).ok()?.saturating_add(1);
        let others = bits & bits.wrapping_sub(1);
        (bits != 0).then(|| {
            bits = others;
            length
        })
    })
}
