//! Istio's patterns: `*` is any text that is not empty, `*x` ends with `x`, `x*` begins with `x`, and everything else is
//! the text itself.

use super::condition::{Condition, literal};
use super::identity::quoted;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Any text that is not empty.
    Present,
    /// This text.
    Exact(String),
    /// Texts that begin so.
    Prefix(String),
    /// Texts that end so.
    Suffix(String),
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(text: &str) -> Self {
        if text == "*" {
            Self::Present
        } else if let Some(end) = text.strip_prefix('*') {
            Self::Suffix(end.to_owned())
        } else if let Some(begin) = text.strip_suffix('*') {
            Self::Prefix(begin.to_owned())
        } else {
            Self::Exact(text.to_owned())
        }
    }

    /// Returns a text that matches. `any` is one that may be put where the pattern has its `*`.
    pub(super) fn example(&self, any: &str) -> String {
        match self {
            Self::Present => any.to_owned(),
            Self::Exact(text) => text.clone(),
            Self::Prefix(text) => format!("{text}{any}"),
            Self::Suffix(text) => format!("{any}{text}"),
        }
    }
}

/// Returns the condition that one of the patterns matches a text. `present` is what `*` means.
pub(super) fn one_of(subject: &str, patterns: &[Pattern], present: &Condition) -> Condition {
    let mut exact = Vec::new();
    let mut others = Vec::new();
    for pattern in patterns {
        match pattern {
            Pattern::Present => others.push(present.clone()),
            Pattern::Exact(text) => {
                let text = literal(text);
                if !exact.contains(&text) {
                    exact.push(text);
                }
            }
            Pattern::Prefix(text) => others.push(Condition::Call(format!("{subject}.startsWith({})", literal(text)))),
            Pattern::Suffix(text) => others.push(Condition::Call(format!("{subject}.endsWith({})", literal(text)))),
        }
    }
    Condition::any(std::iter::once(Condition::equals(subject, exact)).chain(others))
}

/// Most beginnings and ends that are tested one by one, where the subject has to be computed for each.
const MAX_TESTS: usize = 3;
/// Most bytes of one regular expression, so that its automaton stays small.
const MAX_REGEX_BYTES: usize = 2048;

/// Returns the same condition as [`one_of`] for a subject that has to be computed: the beginnings and ends of many
/// patterns are regular expressions.
pub(super) fn one_of_many(subject: &str, patterns: &[Pattern], present: &Condition) -> Condition {
    let (texts, others): (Vec<_>, Vec<_>) =
        patterns.iter().cloned().partition(|pattern| matches!(pattern, Pattern::Prefix(_) | Pattern::Suffix(_)));
    if texts.len() <= MAX_TESTS {
        return one_of(subject, patterns, present);
    }
    let (mut parts, mut part) = (Vec::new(), String::new());
    for pattern in &texts {
        let regex = match pattern {
            Pattern::Prefix(text) => format!("^{}", quoted(text)),
            other => format!("{}$", quoted(&other.example(""))),
        };
        if part.len() + regex.len() > MAX_REGEX_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if !part.is_empty() {
            part.push('|');
        }
        part.push_str(&regex);
    }
    parts.push(part);
    let regexes = parts.iter().map(|part| Condition::Call(format!("{subject}.matches({})", literal(part))));
    Condition::any(std::iter::once(one_of(subject, &others, present)).chain(regexes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_short_conditions() {
        let present = Condition::Call("has(x)".to_owned());
        for (patterns, expected) in [
            (&["a"][..], "x == 'a'"),
            (&["a", "b", "a"], "x in ['a', 'b']"),
            (&["/a/*", "*.txt", "c"], "x == 'c' || x.startsWith('/a/') || x.endsWith('.txt')"),
            (&["*"], "has(x)"),
            (&["**", "a*b"], "x == 'a*b' || x.endsWith('*')"),
        ] {
            let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::new(text)).collect();
            assert_eq!(one_of("x", &patterns, &present).text(), expected);
        }
    }

    #[test]
    fn many_beginnings_and_ends_are_one_regular_expression() {
        let patterns = ["a.b", "*.c", "d.*", "*.e", "f*"].map(Pattern::new);
        let found = one_of_many("x", &patterns, &Condition::Always(true)).text();
        assert_eq!(found, "x == 'a.b' || x.matches('\\\\.c$|^d\\\\.|\\\\.e$|^f')");
    }
}
