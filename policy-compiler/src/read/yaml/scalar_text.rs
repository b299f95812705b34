//! Maps a character of a scalar's value back to its place in the source.
//!
//! A CEL expression is the value of a YAML scalar, and its errors are offsets into that value. Quotes, escapes, line
//! folding and indentation make the value differ from the file. The map is made by walking both in step. If they
//! diverge, which would be a bug, the place is the whole scalar.

use granit_parser::ScalarStyle;

use super::node::Scalar;
use crate::report::source::{Sources, Span};

/// The place in the source of each character of a scalar's value.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarText {
    whole: Span,
    /// Byte range in the file of each character of the value. Empty if the two could not be aligned.
    places: Vec<(usize, usize)>,
}

impl ScalarText {
    /// Aligns the scalar with the source text of `span`, the span of its node.
    pub fn new(scalar: &Scalar, span: Span, sources: &Sources) -> Self {
        let source = sources.file(span.file).and_then(|file| file.text().get(span.range())).unwrap_or_default();
        let pieces = match scalar.style {
            ScalarStyle::Plain => folded_lines(source, &[]),
            ScalarStyle::SingleQuoted => folded_lines(inside(source), &["''"]),
            ScalarStyle::DoubleQuoted => double_quoted(inside(source)),
            ScalarStyle::Literal | ScalarStyle::Folded => block(source, &scalar.text),
        };
        let quote = usize::from(matches!(scalar.style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let base = span.range().start + quote;
        let aligned = pieces.len() == scalar.text.chars().count();
        let places = pieces.into_iter().map(|(start, end)| (base + start, base + end)).collect();
        Self { whole: span, places: if aligned { places } else { Vec::new() } }
    }

    /// Returns the place of the characters `start..end` of the value. An empty range is the character at `start`, or
    /// the place after the last one.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let Some(last) = self.places.last().copied() else { return self.whole };
        let from = self.places.get(start).map_or(last.1, |place| place.0);
        let to = match self.places.get(end.saturating_sub(1).max(start)) {
            Some(place) => place.1,
            None if start < self.places.len() => last.1,
            None => from,
        };
        Span::new(self.whole.file, from, to.max(from))
    }
}

fn inside(source: &str) -> &str {
    source.get(1..source.len().saturating_sub(1)).unwrap_or_default()
}

/// Reads a source text character by character, with byte offsets.
struct Reader<'s> {
    text: &'s str,
    at: usize,
    pieces: Vec<(usize, usize)>,
}

impl<'s> Reader<'s> {
    fn new(text: &'s str) -> Self {
        Self { text, at: 0, pieces: Vec::new() }
    }

    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Records the next `len` bytes as one character of the value.
    fn piece(&mut self, len: usize) {
        self.pieces.push((self.at, self.at + len));
        self.at += len;
    }

    /// Reads white space of a flow scalar. With `n` line breaks it is folded: one becomes a space, more become `n - 1`
    /// line breaks. With `escaped` the first break was escaped and does not count.
    fn white_space(&mut self, escaped: bool) {
        let rest = self.rest();
        let run = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let breaks = rest.get(..run).unwrap_or_default().matches('\n').count();
        let end = self.at + run;
        match (breaks, escaped) {
            (0, false) => (0..run).for_each(|_| self.piece(1)),
            (1, false) => self.pieces.push((self.at, end)),
            _ => (1..breaks).for_each(|_| self.pieces.push((self.at, end))),
        }
        self.at = end;
    }
}

/// Aligns plain and single-quoted scalars: lines are folded, and each of `pairs` is one character.
fn folded_lines(source: &str, pairs: &[&str]) -> Vec<(usize, usize)> {
    let mut reader = Reader::new(source);
    while let Some(next) = reader.rest().chars().next() {
        if matches!(next, ' ' | '\t' | '\n' | '\r') {
            reader.white_space(false);
        } else if let Some(pair) = pairs.iter().find(|pair| reader.rest().starts_with(**pair)) {
            reader.piece(pair.len());
        } else {
            reader.piece(next.len_utf8());
        }
    }
    reader.pieces
}

fn double_quoted(source: &str) -> Vec<(usize, usize)> {
    let mut reader = Reader::new(source);
    while let Some(next) = reader.rest().chars().next() {
        match next {
            ' ' | '\t' | '\n' | '\r' => reader.white_space(false),
            '\\' => escape(&mut reader),
            _ => reader.piece(next.len_utf8()),
        }
    }
    reader.pieces
}

/// Reads one escape: `\n`, `\x41`, `\u00e9`, a surrogate pair, or an escaped line break, which produces nothing.
fn escape(reader: &mut Reader<'_>) {
    let rest = reader.rest();
    let len = match rest.chars().nth(1) {
        Some('\n' | '\r') => {
            reader.at += 1;
            return reader.white_space(true);
        }
        Some('x') => 4,
        Some('u') if is_high_surrogate(rest) => 12,
        Some('u') => 6,
        Some('U') => 10,
        Some(other) => 1 + other.len_utf8(),
        None => 1,
    };
    reader.piece(len);
}

fn is_high_surrogate(escape: &str) -> bool {
    let unit = escape.get(2..6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit))
}

/// Aligns block scalars. Characters other than white space are the same in the value and in the source, so they are
/// matched one by one. White space is matched between them. After a line break it is matched from its end, because
/// indentation is dropped from the front.
fn block(source: &str, value: &str) -> Vec<(usize, usize)> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let mut pieces = Vec::new();
    let (mut at, mut value) = (0, value);
    while !value.is_empty() {
        let spaces: &str = &value[..value.len() - value.trim_start_matches(is_space).len()];
        let rest = source.get(at..).unwrap_or_default();
        let run = rest.len() - rest.trim_start_matches(is_space).len();
        let end = at + run;
        let kept_indent = spaces.len() - spaces.rfind('\n').map_or(0, |i| i + 1);
        for (i, _) in spaces.char_indices() {
            let from_end = spaces.len() - i;
            let start = if from_end <= kept_indent { end.saturating_sub(from_end) } else { (at + i).min(end) };
            pieces.push((start, (start + 1).min(end.max(start))));
        }
        at = end;
        value = &value[spaces.len()..];
        for c in value.chars().take_while(|c| !is_space(*c)) {
            pieces.push((at, at + c.len_utf8()));
            at += c.len_utf8();
        }
        value = value.trim_start_matches(|c| !is_space(c));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read::yaml, report::diagnostic::Diagnostics};

    /// Checks the source of each character that is not white space, and of the whole word `word`.
    fn check(text: &str, word: &str, expected: &str) {
        let mut sources = Sources::new("t");
        let id = sources.add("a.yaml", text);
        let mut diagnostics = Diagnostics::new();
        let documents = yaml::parse(id, sources.file(id).unwrap(), &mut diagnostics);
        let yaml::Value::Mapping(entries) = &documents[0].value else { panic!("{text}") };
        let yaml::Value::Scalar(scalar) = &entries[0].1.value else { panic!("{text}") };
        let map = ScalarText::new(scalar, entries[0].1.span, &sources);
        assert_eq!(map.places.len(), scalar.text.chars().count(), "{text:?} is {:?}", scalar.text);
        let byte = scalar.text.find(word).unwrap_or_else(|| panic!("no {word:?} in {:?}", scalar.text));
        let start = scalar.text[..byte].chars().count();
        let span = map.span(start, start + word.chars().count());
        assert_eq!(&text[span.range()], expected, "{text:?}");
        for (i, c) in scalar.text.chars().enumerate().filter(|(_, c)| c.is_alphanumeric()) {
            let piece = &text[map.span(i, i + 1).range()];
            assert!(piece.starts_with([c, '\\']), "{c:?} is {piece:?} in {text:?}");
        }
        let end = map.span(map.places.len(), map.places.len());
        assert!(end.start == end.end && end.start >= span.end, "the end of {text:?}");
    }

    #[test]
    fn every_style_maps_back_to_the_source() {
        let cases = [
            ("a: x == foo\n", "foo", "foo"),
            ("a: x ==\n  foo\n\n  bar # c\n", "foo\nbar", "foo\n\n  bar"),
            ("a: 'it''s foo'\n", "foo", "foo"),
            ("a: 'it''s foo'\n", "'s", "''s"),
            ("a: 'x\n  foo'\n", "foo", "foo"),
            ("a: \"x == foo\"\n", "foo", "foo"),
            ("a: \"\\u00e9 == \\\"foo\\\"\"\n", "foo", "foo"),
            ("a: \"\\u00e9 == \\\"foo\\\"\"\n", "\"foo\"", "\\\"foo\\\""),
            ("a: \"\\uD834\\uDD1E \\x41 \\U0001F600 foo\"\n", "foo", "foo"),
            ("a: \"x \\\n   foo\"\n", "foo", "foo"),
            ("a: \"x\\n\\t\n\n   foo\"\n", "foo", "foo"),
            ("a: \"x\\\n\n\n   foo\"\n", "foo", "foo"),
            ("a: |\n  x ==\n    foo\n\n  bar\n", "  foo", "  foo"),
            ("a: |\n  x ==\n    foo\n\n  bar\n", "bar", "bar"),
            ("a: |2-\n    x\n    foo", "foo", "foo"),
            ("a: >\n  x ==\n  foo\n\n  bar\n", "foo", "foo"),
            ("a: >-\n  x\n   foo\n  bar\n", "bar", "bar"),
            ("a: |\n\n\n  foo ü bar\n", "bar", "bar"),
            ("a: \"ü\u{1F600} foo\"\n", "foo", "foo"),
            ("a: |\r\n  x\r\n  foo\r\n", "foo", "foo"),
            ("a: \"x\r\n  foo\"\r\n", "foo", "foo"),
        ];
        for (text, word, expected) in cases {
            check(text, word, expected);
        }
    }
}
