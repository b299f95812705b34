//! Regexes in the analysis: whether one matches a text, and whether several can match together.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use regex_automata::dfa::{Automaton, sparse::DFA};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, util::start};

use crate::expression::codegen::build_regex;

/// Most states that are visited to find a text for several regexes.
const MAX_STATES: usize = 3_000;

/// Most automaton steps of all searches of a tree: some tenths of a second. Later searches are given up.
const MAX_STEPS: usize = 20_000_000;

/// Longest text that is searched for, in bytes.
const MAX_TEXT: usize = 64;

/// The order in which bytes are tried, so that the text found looks natural.
const FRIENDLY: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_-/.ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A regex, and whether it must match all of a text.
type Key = (String, bool);

/// An automaton; `None` for a regex that cannot be built.
type Built = Option<Rc<DFA<Vec<u8>>>>;

/// What is known of a set of regexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Together {
    /// No text satisfies all of them.
    Nothing,
    /// This text satisfies all of them.
    Text(String),
    /// The search gave up.
    Unknown,
}

/// A regex and whether it must match.
pub(super) type Wanted<'p> = (&'p str, bool, bool);

/// The regexes of a tree. Each is built when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    automata: RefCell<HashMap<Key, Built>>,
    together: RefCell<HashMap<String, Together>>,
    /// Number of steps that searches have made.
    steps: Cell<usize>,
}

impl Patterns {
    /// Adds a regex that has already been built.
    pub(super) fn add(&self, text: &str, whole: bool, bytes: &[u8]) {
        let dfa = DFA::from_bytes(bytes).ok().map(|(dfa, _)| Rc::new(dfa.to_owned()));
        self.automata.borrow_mut().insert((text.to_owned(), whole), dfa);
    }

    fn automaton(&self, text: &str, whole: bool) -> Built {
        let key = (text.to_owned(), whole);
        if let Some(known) = self.automata.borrow().get(&key) {
            return known.clone();
        }
        let bytes = build_regex(text, whole);
        let dfa = bytes.and_then(|bytes| DFA::from_bytes(&bytes).ok().map(|(dfa, _)| Rc::new(dfa.to_owned())));
        self.automata.borrow_mut().insert(key, dfa.clone());
        dfa
    }

    /// Whether the regex matches somewhere in the text or, with `whole`, all of it. `None` if it cannot be built.
    pub(super) fn matches(&self, regex: &str, whole: bool, text: &str) -> Option<bool> {
        let dfa = self.automaton(regex, whole)?;
        let state = text.bytes().try_fold(start(&dfa)?, |state, byte| Some(dfa.next_state(state, byte)))?;
        Some(dfa.is_match_state(dfa.next_eoi_state(state)))
    }

    /// Returns whether a text that begins with `prefix` can satisfy all regexes. Each is given by its text, whether it
    /// applies to the whole text, and whether it must match or must not.
    pub(super) fn together(&self, prefix: &str, wanted: &[Wanted<'_>]) -> Together {
        let key = format!("{prefix:?} {wanted:?}");
        if let Some(known) = self.together.borrow().get(&key) {
            return known.clone();
        }
        let found = self.search(prefix, wanted).unwrap_or(Together::Unknown);
        self.together.borrow_mut().insert(key, found.clone());
        found
    }

    /// Searches the combined states of the regexes breadth-first. Returns `None` if it has to give up.
    fn search(&self, prefix: &str, wanted: &[Wanted<'_>]) -> Option<Together> {
        let automata: Vec<Rc<DFA<Vec<u8>>>> =
            wanted.iter().map(|(text, whole, _)| self.automaton(text, *whole)).collect::<Option<_>>()?;
        let mut first: Vec<StateID> = automata.iter().map(|dfa| start(dfa)).collect::<Option<_>>()?;
        for byte in prefix.bytes() {
            step(&automata, &mut first, byte);
        }
        let is_hopeless = |states: &[StateID]| {
            states
                .iter()
                .zip(&automata)
                .zip(wanted)
                .any(|((state, dfa), (_, _, wanted))| *wanted && dfa.is_dead_state(*state))
        };
        let fits = |states: &[StateID]| {
            let parts = states.iter().zip(&automata).zip(wanted);
            parts
                .into_iter()
                .all(|((state, dfa), (_, _, wanted))| dfa.is_match_state(dfa.next_eoi_state(*state)) == *wanted)
        };
        let bytes: Vec<u8> =
            FRIENDLY.iter().copied().chain((0..=u8::MAX).filter(|byte| !FRIENDLY.contains(byte))).collect();
        let mut seen: HashSet<Vec<StateID>> = HashSet::new();
        let mut queue: VecDeque<(Vec<StateID>, Vec<u8>)> = VecDeque::new();
        if !is_hopeless(&first) {
            seen.insert(first.clone());
            queue.push_back((first, prefix.as_bytes().to_vec()));
        }
        while let Some((states, text)) = queue.pop_front() {
            self.steps.set(self.steps.get().saturating_add(bytes.len().saturating_mul(automata.len())));
            if self.steps.get() > MAX_STEPS {
                return None;
            }
            if fits(&states) {
                return String::from_utf8(text).ok().map(Together::Text);
            }
            for byte in &bytes {
                let mut next = states.clone();
                step(&automata, &mut next, *byte);
                if is_hopeless(&next) || !seen.insert(next.clone()) {
                    continue;
                }
                if seen.len() > MAX_STATES || text.len() > prefix.len() + MAX_TEXT {
                    return None;
                }
                let mut longer = text.clone();
                longer.push(*byte);
                queue.push_back((next, longer));
            }
        }
        Some(Together::Nothing)
    }
}

fn start(dfa: &DFA<Vec<u8>>) -> Option<StateID> {
    dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()
}

fn step(automata: &[Rc<DFA<Vec<u8>>>], states: &mut [StateID], byte: u8) {
    for (state, dfa) in states.iter_mut().zip(automata) {
        *state = dfa.next_state(*state, byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_says_what_the_filter_says() {
        let patterns = Patterns::default();
        for (regex, whole, text, expected) in [
            ("b+", false, "aabba", true),
            ("^a", false, "ba", false),
            ("a|ab", true, "ab", true),
            ("a", true, "ab", false),
            ("^$", false, "", true),
        ] {
            assert_eq!(patterns.matches(regex, whole, text), Some(expected), "{regex} {text}");
        }
        assert_eq!(patterns.matches("a(", false, "a"), None);
    }

    #[test]
    fn what_regexes_say_together() {
        let patterns = Patterns::default();
        let text = |text: &str| Together::Text(text.to_owned());
        let cases: &[(&str, &[Wanted<'_>], Together)] = &[
            ("", &[("^a", false, true), ("b$", false, true)], text("ab")),
            ("", &[("^a", false, true), ("^b", false, true)], Together::Nothing),
            ("/x/", &[("^/api/", false, true)], Together::Nothing),
            ("/api/", &[("^/api/v[0-9]+$", false, true)], text("/api/v0")),
            ("", &[("a+", true, true), ("^a*$", false, false)], Together::Nothing),
            ("", &[("[a-c]+", true, true), ("a", false, false)], text("b")),
            ("", &[("tenant_[a-z]+", true, true), ("^acme_", false, true)], Together::Nothing),
        ];
        for (prefix, wanted, expected) in cases {
            assert_eq!(patterns.together(prefix, wanted), *expected, "{prefix} {wanted:?}");
        }
    }
}
