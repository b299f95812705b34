//! The pattern of a field: a regular expression for the whole string.
//!
//! It is compiled together with the patterns of CEL's `matches`, so that both use one dialect and equal patterns are
//! stored once. This module only has what is needed to point at a mistake.

use crate::{read::yaml::ScalarText, report::source::Span};

/// A pattern as written in the YAML.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The regular expression.
    pub text: String,
    /// The place of each of its characters.
    pub map: ScalarText,
}

impl Pattern {
    /// Returns the place of a mistake: the part that the regex parser reports, or the whole pattern.
    pub(crate) fn place_of_error(&self) -> Span {
        let (start, end) = error_range(&self.text).unwrap_or((0, self.text.chars().count()));
        self.map.span(start, end)
    }
}

/// Returns the characters that the regex parser reports, if any.
fn error_range(pattern: &str) -> Option<(usize, usize)> {
    let span = match regex_syntax::Parser::new().parse(pattern).err()? {
        regex_syntax::Error::Parse(error) => *error.span(),
        regex_syntax::Error::Translate(error) => *error.span(),
        _ => return None,
    };
    let characters = |offset: usize| pattern.get(..offset).map(|before| before.chars().count());
    Some((characters(span.start.offset)?, characters(span.end.offset)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_a_place_in_characters() {
        assert_eq!(error_range("ü(a"), Some((1, 2)));
        assert_eq!(error_range("a"), None);
        assert!(error_range(&"(".repeat(5000)).is_some());
    }
}
