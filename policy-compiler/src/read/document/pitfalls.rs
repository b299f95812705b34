//! CEL expressions of which YAML drops a part before the compiler sees it.

use crate::{
    read::yaml::{Scalar, ScalarStyle},
    report::{
        diagnostic::{Diagnostic, code},
        source::{Sources, Span},
    },
};

/// Returns the problem of an expression that YAML cut. Returns `None` if the expression is complete.
pub(super) fn pitfall(scalar: &Scalar, span: Span, sources: &Sources) -> Option<Diagnostic> {
    let file = sources.file(span.file)?;
    let rest = file.text().get(span.range().end..)?;
    let line = rest.lines().next().unwrap_or_default();
    if scalar.style == ScalarStyle::Plain && is_open(&scalar.text) && line.trim_start().starts_with('#') {
        let end = span.range().end;
        let at = Span::new(span.file, end, end + line.trim_end().len());
        let problem = Diagnostic::error(
            code::INVALID_VALUE,
            at,
            "YAML reads ` #` as the beginning of a comment, so the expression ends before it",
        );
        return Some(
            problem.help("put the expression in quotes, or into a block: `>-` and the expression on the next line"),
        );
    }
    // In a block with `|` the lines stay separate, and a comment ends with its own line.
    if scalar.style != ScalarStyle::Literal
        && behind_comment(&scalar.text).is_some_and(|rest| !rest.trim().is_empty())
        && is_folded(file.text().get(span.range())?)
    {
        let message = "the lines of this text are joined, so everything after `//` is a comment";
        let problem = Diagnostic::error(code::INVALID_VALUE, span, message);
        return Some(
            problem.help("write `|` instead of `>` to keep the lines, or put a YAML comment (`#`) before the text"),
        );
    }
    None
}

/// Whether the text spans several lines of the source.
fn is_folded(source: &str) -> bool {
    source.trim_end().contains('\n')
}

/// Whether a string is still open at the end of the text.
fn is_open(text: &str) -> bool {
    let mut open = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) if c == '\\' => _ = chars.next(),
            None if matches!(c, '\'' | '"') => open = Some(c),
            _ => {}
        }
    }
    open.is_some()
}

/// Returns the text after the first `//` that is not in a string.
fn behind_comment(text: &str) -> Option<&str> {
    let slashes = text.match_indices("//");
    slashes.map(|(at, found)| text.split_at(at + found.len())).find_map(|(before, rest)| {
        let before = before.strip_suffix("//").unwrap_or(before);
        (!is_open(before)).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_told_apart() {
        for (text, open, behind) in [
            ("a == 'b'", false, None),
            ("a == 'b", true, None),
            ("a == 'it\\'s", true, None),
            ("a == \"it's\"", false, None),
            ("a == 'http://x'", false, None),
            ("a // b || c", false, Some(" b || c")),
            ("a == 'http://x' // why", false, Some(" why")),
            ("a //", false, Some("")),
        ] {
            assert_eq!((is_open(text), behind_comment(text)), (open, behind), "{text}");
        }
    }
}
