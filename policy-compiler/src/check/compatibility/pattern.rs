//! Pattern inclusion: whether every string that matches one pattern also matches another.

use std::collections::{HashMap, VecDeque};

use regex_automata::{
    Anchored, Input,
    dfa::{Automaton as _, sparse},
    util::primitives::StateID,
};

use crate::expression::codegen::regex;

/// Most pairs of states that are visited: some tenths of a second.
const MAX_PAIRS: usize = 20_000;

/// The pattern of all strings.
const ANY: &str = "(?s).*";

/// The result of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inclusion {
    /// Every string matches.
    Included,
    /// This string does not match. No shorter one fails to match.
    Except(String),
    /// The patterns are too large, or one of them is invalid.
    Unknown,
}

/// Returns whether every string that matches `sent` as a whole also matches `taken` as a whole. `None` matches every
/// string.
pub(super) fn inclusion(sent: Option<&str>, taken: &str) -> Inclusion {
    let sent = sent.unwrap_or(ANY);
    if sent == taken {
        return Inclusion::Included;
    }
    search(sent, taken).unwrap_or(Inclusion::Unknown)
}

/// A state of each automaton.
type Pair = (StateID, StateID);

/// Walks both automata in step, shortest strings first, until a string matches `sent` and not `taken`.
fn search(sent: &str, taken: &str) -> Option<Inclusion> {
    let (sent, taken) = (automaton(sent)?, automaton(taken)?);
    let start = Input::new("").anchored(Anchored::Yes);
    let start = (sent.start_state_forward(&start).ok()?, taken.start_state_forward(&start).ok()?);
    let mut from: HashMap<Pair, Option<(Pair, u8)>> = HashMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(pair) = queue.pop_front() {
        let matches = |dfa: &sparse::DFA<Vec<u8>>, state| dfa.is_match_state(dfa.next_eoi_state(state));
        if matches(&sent, pair.0) && !matches(&taken, pair.1) {
            // Not UTF-8 only if a pattern matched invalid UTF-8, which text patterns do not.
            return Some(Inclusion::Except(String::from_utf8(path(&from, pair)).ok()?));
        }
        for byte in bytes() {
            let next = (sent.next_state(pair.0, byte), taken.next_state(pair.1, byte));
            if sent.is_quit_state(next.0) || taken.is_quit_state(next.1) {
                return None;
            }
            if sent.is_dead_state(next.0) || from.contains_key(&next) {
                continue;
            }
            if from.len() >= MAX_PAIRS {
                return None;
            }
            from.insert(next, Some((pair, byte)));
            queue.push_back(next);
        }
    }
    Some(Inclusion::Included)
}

fn automaton(pattern: &str) -> Option<sparse::DFA<Vec<u8>>> {
    let bytes = regex::build(pattern, true).ok()?;
    sparse::DFA::from_bytes(&bytes).ok().map(|(dfa, _)| dfa.to_owned())
}

/// Returns all bytes, those first that read well in an example.
fn bytes() -> impl Iterator<Item = u8> {
    let nice = (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z').chain([b'-', b'_', b'.']);
    let is_nice = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    nice.chain((0x20..=0xff).chain(0..0x20).filter(move |byte| !is_nice(byte)))
}

/// Returns the bytes that lead to a pair.
fn path(from: &HashMap<Pair, Option<(Pair, u8)>>, mut pair: Pair) -> Vec<u8> {
    let mut path = Vec::new();
    while let Some(Some((before, byte))) = from.get(&pair) {
        path.push(*byte);
        pair = *before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_only_one_takes_is_found() {
        let except = |text: &str| Inclusion::Except(text.to_owned());
        for (sent, taken, expected) in [
            (Some("[a-z]+"), "[a-z]+", Inclusion::Included),
            (Some("[a-f]+"), "[a-z]{1,}", Inclusion::Included),
            (Some("[a-z]+"), "[a-f]+", except("g")),
            (Some("[a-z]*"), "[a-z]+", except("")),
            (Some("a|b"), "b|a", Inclusion::Included),
            (Some("a|ab"), "a(b)?", Inclusion::Included),
            (Some("tenant_[a-z]{2,5}"), "tenant_[a-z]{2,4}", except("tenant_aaaaa")),
            (Some("[0-9]+"), r"\d+", Inclusion::Included),
            (None, ".*", except("\n")),
            (None, "(?s).*", Inclusion::Included),
            (None, "[a-z]*", except("0")),
            (Some("é"), "[a-z]", except("é")),
            (Some("é"), r"\pL", Inclusion::Included),
            (Some("a"), "(", Inclusion::Unknown),
            (Some("[ab]*a[ab]{14}"), "[ab]*b[ab]{14}", Inclusion::Unknown),
        ] {
            assert_eq!(inclusion(sent, taken), expected, "{sent:?} in {taken}");
        }
    }
}
