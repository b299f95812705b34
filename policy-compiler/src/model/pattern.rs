//! Patterns: regular expressions become automata here, so that the filter only searches.
//!
//! A pattern describes the whole string. It works on bytes and without Unicode classes: their tables would
//! make automata of hundreds of kilobytes. A literal character beyond ASCII still matches itself.

use regex_automata::{
    dfa::{StartKind, dense},
    nfa::thompson,
};
use regex_syntax::hir::{Hir, Look};

/// Largest serialized automaton, in bytes. A typical one has 1 to 10 KiB, and every sidecar holds all of them.
pub const MAX_AUTOMATON_BYTES: usize = 256 * 1024;

/// Memory that building may take. Dense tables are larger than the sparse ones that are kept.
const MAX_BUILD_BYTES: usize = 32 * MAX_AUTOMATON_BYTES;

/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 16 * 1024;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// It is not a regular expression.
    Syntax {
        /// What is wrong, as one sentence.
        message: String,
        /// First character of the place, counted in characters.
        start: usize,
        /// First character behind the place.
        end: usize,
    },
    /// Its automaton would exceed [`MAX_AUTOMATON_BYTES`].
    TooLarge,
}

/// Compiles a pattern into a sparse automaton for the whole string, serialized in little endian.
///
/// # Errors
/// [`PatternError`] says what is wrong, and where.
pub fn compile(pattern: &str) -> Result<Vec<u8>, PatternError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::TooLarge);
    }
    let hir = parse(pattern)?;
    let whole = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_BUILD_BYTES));
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(&whole).map_err(|_| PatternError::TooLarge)?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(MAX_BUILD_BYTES))
        .determinize_size_limit(Some(MAX_BUILD_BYTES));
    let dense = dense::Builder::new().configure(config).build_from_nfa(&nfa).map_err(|_| PatternError::TooLarge)?;
    let sparse = dense.to_sparse().map_err(|_| PatternError::TooLarge)?;
    let bytes = sparse.to_bytes_little_endian();
    if bytes.len() > MAX_AUTOMATON_BYTES { Err(PatternError::TooLarge) } else { Ok(bytes) }
}

fn parse(pattern: &str) -> Result<Hir, PatternError> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).nest_limit(100).build();
    parser.parse(pattern).map_err(|error| {
        let (kind, span) = match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
            _ => return PatternError::Syntax { message: error.to_string(), start: 0, end: pattern.chars().count() },
        };
        let chars = |offset: usize| pattern.get(..offset).map_or(0, |before| before.chars().count());
        let message = kind.lines().collect::<Vec<_>>().join(" ");
        PatternError::Syntax { message, start: chars(span.start.offset), end: chars(span.end.offset) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::{Anchored, Input, dfa::Automaton as _, dfa::sparse};

    fn matches(pattern: &str, text: &str) -> bool {
        let bytes = compile(pattern).unwrap();
        let (dfa, read) = sparse::DFA::from_bytes(&bytes).unwrap();
        assert_eq!(read, bytes.len());
        let found = dfa.try_search_fwd(&Input::new(text).anchored(Anchored::Yes)).unwrap();
        found.is_some_and(|end| end.offset() == text.len())
    }

    #[test]
    fn a_pattern_is_about_the_whole_string() {
        let cases = [
            ("tenant_[a-z0-9_]+", "tenant_a1", true),
            ("tenant_[a-z0-9_]+", "tenant_", false),
            ("tenant_[a-z0-9_]+", "xtenant_a", false),
            ("tenant_[a-z0-9_]+", "tenant_a\n", false),
            ("a|ab", "ab", true),
            ("a|b", "ab", false),
            ("", "", true),
            ("ü+", "üü", true),
            (r"\d{3}", "123", true),
            ("(?i)abc", "ABC", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn errors_have_a_place_in_the_pattern() {
        let Err(PatternError::Syntax { start, end, .. }) = compile("ü(a") else { panic!() };
        assert_eq!((start, end), (1, 2));
        assert_eq!(compile("(a{1,500}){1,500}"), Err(PatternError::TooLarge));
        assert_eq!(compile(&"a".repeat(MAX_PATTERN_BYTES + 1)), Err(PatternError::TooLarge));
        assert!(matches!(compile(&"(".repeat(5000)), Err(PatternError::Syntax { .. })));
    }
}
