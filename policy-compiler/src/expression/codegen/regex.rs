//! Compiles patterns to serialized DFAs, which the filter only searches.

use regex_automata::MatchKind;
use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

use crate::expression::cel::translate_pattern;

/// Largest serialized DFA, in bytes.
pub(super) const MAX_DFA_BYTES: usize = 256 * 1024;

/// Largest DFA before it is minimised and made sparse, in bytes. Together with [`MAX_MINIMISED_STATES`] it bounds the
/// time for a pattern to about a tenth of a second.
const MAX_DENSE_BYTES: usize = 1024 * 1024;

/// Most states of a DFA that is minimised. The time grows with the square: four times as many take seconds. Larger DFAs
/// come from patterns such as `a[ab]{11}x`, which do not shrink.
const MAX_MINIMISED_STATES: usize = 4096;

/// Largest NFA, in bytes.
const MAX_NFA_BYTES: usize = 1024 * 1024;

/// Why a DFA cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegexError {
    /// The pattern is invalid; the text says why.
    Syntax(String),
    /// The DFA would exceed its size limit.
    TooLarge,
}

/// Builds the DFA of a pattern, for an anchored search that must end at the end of the text. With `whole` the pattern
/// must match all of the text, otherwise it may match anywhere.
pub(crate) fn build(pattern: &str, whole: bool) -> Result<Vec<u8>, RegexError> {
    let pattern = translate_pattern(pattern).map_err(RegexError::Syntax)?;
    let pattern = if whole { format!("(?:{pattern})\\z") } else { format!("(?s-u:.)*?(?:{pattern})(?s-u:.)*") };
    let mut dfa = determinize(&pattern, false)?;
    // A pattern with a bounded repeat shrinks to a hundredth; the others take well under a millisecond.
    if states(&dfa) <= MAX_MINIMISED_STATES {
        dfa = determinize(&pattern, true)?;
    }
    let bytes = dfa.to_sparse().map_err(|error| build_error(&error))?.to_bytes_little_endian();
    if bytes.len() > MAX_DFA_BYTES { Err(RegexError::TooLarge) } else { Ok(bytes) }
}

fn determinize(pattern: &str, minimize: bool) -> Result<dense::DFA<Vec<u32>>, RegexError> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::LeftmostFirst)
        .minimize(minimize)
        .dfa_size_limit(Some(MAX_DENSE_BYTES))
        .determinize_size_limit(Some(MAX_DENSE_BYTES));
    dense::Builder::new()
        .syntax(syntax::Config::new().utf8(false))
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_NFA_BYTES)))
        .configure(config)
        .build(pattern)
        .map_err(|error| build_error(&error))
}

/// Returns the approximate number of states of a DFA, from its memory usage. It is slightly too large, because the
/// usage includes other tables than that of the transitions.
fn states(dfa: &dense::DFA<Vec<u32>>) -> usize {
    let state_bytes = dfa.stride().saturating_mul(size_of::<u32>());
    dfa.memory_usage().checked_div(state_bytes).unwrap_or(usize::MAX)
}

fn build_error(error: &dense::BuildError) -> RegexError {
    let cause = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source()).last();
    let text = cause.map(ToString::to_string).unwrap_or_default();
    if error.is_size_limit_exceeded() || text.contains("limit") {
        return RegexError::TooLarge;
    }
    RegexError::Syntax(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::dfa::{Automaton as _, sparse};
    use regex_automata::{Anchored, Input};

    /// Searches as the filter does.
    fn matches(pattern: &str, whole: bool, text: &str) -> bool {
        let bytes = build(pattern, whole).unwrap();
        let (dfa, _) = sparse::DFA::from_bytes(&bytes).unwrap();
        let end = dfa.try_search_fwd(&Input::new(text).anchored(Anchored::Yes)).unwrap();
        end.is_some_and(|end| end.offset() == text.len())
    }

    #[test]
    fn matches_finds_a_pattern_anywhere() {
        let cases = [
            ("b+", "aabba", true),
            ("b+", "aa", false),
            ("^a", "ba", false),
            ("a$", "ab", false),
            ("a$", "ba", true),
            ("^$", "", true),
            ("", "x", true),
            ("a|ab", "xxab", true),
            ("^a|b", "xb", true),
            ("a.c", "a\nc", false),
            ("(?s)a.c", "a\nc", true),
            ("^.$", "é", true),
            ("^[^a]$", "é", true),
            ("ñ+", "año", true),
            ("(?i)É$", "café", true),
            (r"^\pL+$", "año", true),
            (r"^\d+$", "12", true),
            (r"\d", "٣", false),
            (r"\bb\b", "a b c", true),
            (r"^/v\d+/[^/]+$", "/v1/x", true),
            (r"^/v\d+/[^/]+$", "/v1/x/y", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, false, text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn a_whole_match_leaves_nothing_over() {
        let cases = [("a|ab", "ab", true), ("a", "ab", false), ("a", "ba", false), ("tenant_[a-z]+", "tenant_x", true)];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, true, text), expected, "{pattern} for {text}");
        }
    }

    #[test]
    fn a_pattern_that_grows_is_refused_and_small_ones_stay_small() {
        for pattern in ["(.{500}){500}", "a[ab]{20}x"] {
            assert!(matches!(build(pattern, false), Err(RegexError::TooLarge)), "{pattern}");
        }
        assert!(build(".{3,40}x", false).unwrap().len() < 4096);
        assert!(build("^/api/v[0-9]+/users/[^/]+$", false).unwrap().len() < 2048);
    }

    #[test]
    fn minimising_is_for_what_it_takes_no_seconds_for() {
        let states = |pattern: &str| states(&determinize(&format!("(?s-u:.)*?(?:{pattern})(?s-u:.)*"), false).unwrap());
        for pattern in [".{3,40}x", r"^\w+@\w+$", "(?i)select.*from", "a[ab]{9}x"] {
            assert!(states(pattern) <= MAX_MINIMISED_STATES, "{pattern}: {}", states(pattern));
        }
        for pattern in ["[:].........1eq...", "a[ab]{11}x"] {
            assert!(states(pattern) > MAX_MINIMISED_STATES, "{pattern}: {}", states(pattern));
        }
        assert!(matches("a[ab]{11}x", false, "bababababababx"));
    }
}
