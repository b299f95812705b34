//! The name of the version of the sources that an artifact was built from.

use core::fmt;

use crate::limits::MAX_REVISION_BYTES;

/// The name of the version of the sources that an artifact was built from, such as a commit of git.
///
/// INVARIANT: ASCII letters, digits, `.`, `-`, `_`, `+` and `/`, the first one a letter or a digit, and at most
/// [`MAX_REVISION_BYTES`] of them. So it can stand unchanged in logs, in JSON and in names of statistics, and `-` can stand for
/// none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

/// Why a text is no revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionError {
    /// It is empty.
    Empty,
    /// It is longer than [`MAX_REVISION_BYTES`].
    TooLong,
    /// It begins with something else than a letter or a digit.
    First(char),
    /// It has a character that revisions cannot have.
    Character(char),
}

impl fmt::Display for RevisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a revision has at least one character"),
            Self::TooLong => write!(f, "a revision has at most {MAX_REVISION_BYTES} characters"),
            Self::First(_) => f.write_str("a revision begins with a letter or a digit"),
            Self::Character(_) => f.write_str("a revision has only ASCII letters, digits, `.`, `-`, `_`, `+` and `/`"),
        }
    }
}

impl core::error::Error for RevisionError {}

impl Revision {
    /// Reads a revision.
    ///
    /// # Errors
    /// The text is empty, too long, or has characters that a revision cannot have.
    pub fn parse(text: &str) -> Result<Self, RevisionError> {
        let first = text.chars().next().ok_or(RevisionError::Empty)?;
        let is_known = |c: &char| u8::try_from(*c).is_ok_and(is_part);
        if let Some(other) = text.chars().find(|c| !is_known(c)) {
            return Err(RevisionError::Character(other));
        }
        if text.len() > MAX_REVISION_BYTES {
            return Err(RevisionError::TooLong);
        }
        Self::from_bytes(text.as_bytes()).ok_or(RevisionError::First(first))
    }

    /// Reads a revision. `None` in place of the reason.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let fits = first.is_ascii_alphanumeric() && bytes.len() <= MAX_REVISION_BYTES;
        let fits = fits && bytes.iter().all(|byte| is_part(*byte));
        // Its bytes are ASCII.
        core::str::from_utf8(bytes).ok().filter(|_| fits).map(|text| Self(text.to_owned()))
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'/')
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn revisions_are_names_of_commits_releases_and_branches() {
        let longest = "a".repeat(MAX_REVISION_BYTES);
        for text in ["3f2a", "1.4.0+build.7", "release/2026-03", "v1_2-dirty", "0", longest.as_str()] {
            assert_eq!(Revision::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let too_long = "a".repeat(MAX_REVISION_BYTES + 1);
        let cases = [
            ("", RevisionError::Empty),
            (too_long.as_str(), RevisionError::TooLong),
            ("-", RevisionError::First('-')),
            (".a", RevisionError::First('.')),
            ("/", RevisionError::First('/')),
            ("a b", RevisionError::Character(' ')),
            ("a:b", RevisionError::Character(':')),
            ("a\"b", RevisionError::Character('"')),
            ("a\nb", RevisionError::Character('\n')),
            ("\u{e4}", RevisionError::Character('\u{e4}')),
        ];
        for (text, error) in cases {
            assert_eq!(Revision::parse(text), Err(error), "{text:?}");
        }
    }
}
