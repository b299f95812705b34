//! JSON text, read in place: without a tree, recursion or allocation, except where a function documents one.
//!
//! A context holds values as text and forwards the same bytes. So most functions here check a text (RFC 8259, strictly)
//! and find the end of a value. An object may contain a key twice: RFC 8259 leaves the meaning open, and a text that is
//! only forwarded must not change. A reader of the members sees both, in order.
//!
//! The functions other than [`check`] expect text that passed it. On any other text their result is unspecified, but
//! they neither panic nor run endlessly.

use core::cmp::Ordering;
use std::borrow::Cow;
use std::fmt::Write;

use crate::limits::MAX_JSON_DEPTH;

/// The error of a text that is not one JSON value, with its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// The kind of the error.
    pub kind: JsonErrorKind,
    /// Its position, as an offset in bytes.
    pub at: usize,
}

/// The kind of an error in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// The text ends inside the value, or is empty.
    End,
    /// A character that is not allowed here, such as whitespace around the value.
    Unexpected,
    /// A number that is invalid in RFC 8259, such as `01`, `1.` or `+1`.
    Number,
    /// A control character or an unknown escape inside a string.
    String,
    /// Nested deeper than [`MAX_JSON_DEPTH`].
    TooDeep,
    /// Text after the value.
    Trailing,
}

/// The kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Checks that `text` is exactly one JSON value (RFC 8259), without whitespace around it.
///
/// A lone surrogate in a `\u` escape is accepted, as RFC 8259 section 8.2 allows; its content reads as U+FFFD.
///
/// # Errors
/// [`JsonError`]: the first error and its position.
pub fn check(text: &str) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text);
    let mut levels = Levels::default();
    let mut expect = Expect::Value;
    loop {
        if levels.depth > 0 {
            scanner.skip_whitespace();
        }
        let byte = scanner.peek().ok_or(scanner.error(JsonErrorKind::End))?;
        let complete = match (expect, byte) {
            (Expect::Value | Expect::ValueOrEnd, b'[' | b'{') => {
                levels.push(byte == b'{').ok_or(scanner.error(JsonErrorKind::TooDeep))?;
                scanner.advance(1);
                expect = if byte == b'{' { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                false
            }
            (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => {
                levels.pop();
                scanner.advance(1);
                true
            }
            (Expect::Value | Expect::ValueOrEnd, _) => {
                scanner.scalar(byte)?;
                true
            }
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                scanner.string()?;
                scanner.skip_whitespace();
                scanner.expect(b':')?;
                expect = Expect::Value;
                false
            }
            (Expect::CommaOrEnd, b',') => {
                scanner.advance(1);
                expect = if levels.in_object() { Expect::Key } else { Expect::Value };
                false
            }
            (Expect::CommaOrEnd, b']' | b'}') if levels.in_object() == (byte == b'}') => {
                levels.pop();
                scanner.advance(1);
                true
            }
            _ => return Err(scanner.error(JsonErrorKind::Unexpected)),
        };
        if complete {
            if levels.depth == 0 {
                break;
            }
            expect = Expect::CommaOrEnd;
        }
    }
    if scanner.peek().is_some() { Err(scanner.error(JsonErrorKind::Trailing)) } else { Ok(()) }
}

/// The tokens that may follow.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
}

/// The containers around the current position: one bit each, set for an object.
#[derive(Default)]
struct Levels {
    bits: u64,
    depth: usize,
}

const _: () = assert!(MAX_JSON_DEPTH <= 64, "one bit a level");

impl Levels {
    fn push(&mut self, object: bool) -> Option<()> {
        if self.depth >= MAX_JSON_DEPTH {
            return None;
        }
        self.bits = (self.bits << 1) | u64::from(object);
        self.depth = self.depth.saturating_add(1);
        Some(())
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth = self.depth.saturating_sub(1);
    }

    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// A position in a text.
#[derive(Debug, Clone)]
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn advance(&mut self, by: usize) {
        self.at = self.at.saturating_add(by).min(self.bytes.len());
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, at: self.at }
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest();
        let count = rest.iter().position(|byte| !accept(*byte)).unwrap_or(rest.len());
        self.advance(count);
        count
    }

    fn skip_whitespace(&mut self) {
        self.skip_while(is_whitespace);
    }

    fn expect(&mut self, wanted: u8) -> Result<(), JsonError> {
        match self.peek() {
            Some(byte) if byte == wanted => {
                self.advance(1);
                Ok(())
            }
            Some(_) => Err(self.error(JsonErrorKind::Unexpected)),
            None => Err(self.error(JsonErrorKind::End)),
        }
    }

    fn scalar(&mut self, first: u8) -> Result<(), JsonError> {
        match first {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => Err(self.error(JsonErrorKind::Unexpected)),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        word.iter().try_for_each(|byte| self.expect(*byte))
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.advance(1);
        }
        if self.peek() == Some(b'0') {
            self.advance(1);
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.error(JsonErrorKind::Number));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.advance(1);
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.advance(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.advance(1);
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if self.skip_while(|byte| byte.is_ascii_digit()) > 0 {
            return Ok(());
        }
        let kind = if self.peek().is_none() { JsonErrorKind::End } else { JsonErrorKind::Number };
        Err(self.error(kind))
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.expect(b'"')?;
        loop {
            self.skip_while(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
            match self.peek() {
                None => return Err(self.error(JsonErrorKind::End)),
                Some(b'"') => {
                    self.advance(1);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.error(JsonErrorKind::String)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.advance(1);
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.advance(1);
                Ok(())
            }
            Some(b'u') => {
                self.advance(1);
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.advance(1),
                        Some(_) => return Err(self.error(JsonErrorKind::String)),
                        None => return Err(self.error(JsonErrorKind::End)),
                    }
                }
                Ok(())
            }
            Some(_) => Err(self.error(JsonErrorKind::String)),
            None => Err(self.error(JsonErrorKind::End)),
        }
    }

    /// Skips a string of checked text. Returns `None` if it does not end.
    fn skip_string(&mut self) -> Option<()> {
        let mut at = self.at.wrapping_add(1);
        loop {
            let rest = self.bytes.get(at..)?;
            let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            // A backslash escapes the next byte.
            let escape = rest.get(stop) == Some(&b'\\');
            at = at.wrapping_add(stop).wrapping_add(if escape { 2 } else { 1 });
            if !escape {
                self.at = at;
                return Some(());
            }
        }
    }

    /// Skips a number, `true`, `false` or `null` of checked text. Returns `None` if there is none.
    fn skip_word(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let end = rest.iter().position(|byte| is_whitespace(*byte) || matches!(byte, b',' | b':' | b']' | b'}'));
        let length = end.unwrap_or(rest.len());
        self.at = self.at.wrapping_add(length);
        (length > 0).then_some(())
    }

    /// Skips one value of checked text. Returns `None` if there is none.
    fn skip_value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.skip_string(),
            b'[' | b'{' => self.skip_nested(),
            _ => self.skip_word(),
        }
    }

    /// Skips an array or object of checked text. Returns `None` if it does not end.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'[' | b'{' => {
                    depth = depth.saturating_add(1);
                    self.advance(1);
                }
                b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    self.advance(1);
                }
                _ => {
                    self.skip_while(|byte| !matches!(byte, b'"' | b'[' | b'{' | b']' | b'}'));
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns the kind of a checked text, by its first byte.
pub fn kind(text: &str) -> JsonKind {
    match text.as_bytes().first() {
        Some(b'"') => JsonKind::String,
        Some(b'[') => JsonKind::Array,
        Some(b'{') => JsonKind::Object,
        Some(b't' | b'f') => JsonKind::Bool,
        Some(b'n') | None => JsonKind::Null,
        Some(_) => JsonKind::Number,
    }
}

/// Returns the content of a JSON string: borrowed if it contains no escape, otherwise allocated. Returns `None` for a
/// text that is not a string. A lone surrogate becomes U+FFFD.
pub(crate) fn string_content(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') { Some(Cow::Owned(unescape(inner))) } else { Some(Cow::Borrowed(inner)) }
}

/// Returns whether a text is the JSON string with this content. Allocates only for a string with escapes that may be
/// equal.
pub fn is_string(text: &str, content: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    // Every escape is longer than the character that it represents.
    match inner.len().cmp(&content.len()) {
        Ordering::Less => false,
        Ordering::Equal => inner == content && !inner.as_bytes().contains(&b'\\'),
        Ordering::Greater => inner.as_bytes().contains(&b'\\') && unescape(inner) == content,
    }
}

fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escaped.chars();
        let decoded = match characters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (decoded, behind) = unicode_escape(characters.as_str());
                out.push(decoded);
                rest = behind;
                continue;
            }
            Some(other) => other,
            None => char::REPLACEMENT_CHARACTER,
        };
        out.push(decoded);
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// Decodes the text after `\u`. Returns the character and the rest of the text.
fn unicode_escape(text: &str) -> (char, &str) {
    let Some((unit, rest)) = code_unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    if let Some(character) = char::from_u32(unit) {
        return (character, rest);
    }
    let pair = rest.strip_prefix("\\u").and_then(code_unit).and_then(|(low, behind)| {
        let high = unit.checked_sub(0xD800).filter(|high| *high < 0x400)?;
        let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        let scalar = (high << 10 | low).checked_add(0x10000)?;
        Some((char::from_u32(scalar)?, behind))
    });
    pair.unwrap_or((char::REPLACEMENT_CHARACTER, rest))
}

fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Returns the value of an integer: digits without fraction and exponent that fit into 64 bits.
pub fn as_i64(text: &str) -> Option<i64> {
    if kind(text) == JsonKind::Number { text.parse().ok() } else { None }
}

/// Returns the value of an integer like [`as_i64`], but unsigned.
pub fn as_u64(text: &str) -> Option<u64> {
    if kind(text) == JsonKind::Number { text.parse().ok() } else { None }
}

/// Returns the nearest double of a number, or `None` if it is out of the range of a double.
pub fn as_f64(text: &str) -> Option<f64> {
    if kind(text) == JsonKind::Number { text.parse().ok().filter(|value: &f64| value.is_finite()) } else { None }
}

/// Returns the value of `true` and `false`.
pub fn as_bool(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Returns whether two texts mean the same value: strings are compared by content, numbers by value, the rest as text.
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (kind(a), kind(b)) {
        (JsonKind::String, JsonKind::String) => string_content(a) == string_content(b),
        (JsonKind::Number, JsonKind::Number) => match (as_i64(a), as_i64(b)) {
            (Some(a), Some(b)) => a == b,
            // Integers beyond 64 bits differ if their texts do: as doubles, neighbours would be equal.
            _ if is_integer(a) && is_integer(b) => false,
            _ => as_f64(a).is_some_and(|value| as_f64(b) == Some(value)),
        },
        _ => false,
    }
}

fn is_integer(text: &str) -> bool {
    text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the texts of an array's elements, in order; none for a text that is not an array.
pub fn elements(text: &str) -> Elements<'_> {
    Elements(Inside::new(text, b'['))
}

/// Returns the members of an object, in order: the key as written, with its quotes, and the text of the value. Returns
/// none for a text that is not an object.
pub fn members(text: &str) -> Members<'_> {
    Members(Inside::new(text, b'{'))
}

/// Iterator over the elements of an array; see [`elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a>(Inside<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.next_value()
    }
}

/// Iterator over the members of an object; see [`members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let key = self.0.next_value().filter(|key| key.starts_with('"'))?;
        Some((key, self.0.next_value()?))
    }
}

/// Iterates over the values directly inside an array or object.
#[derive(Debug, Clone)]
struct Inside<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
}

impl<'a> Inside<'a> {
    fn new(text: &'a str, opening: u8) -> Self {
        let mut scanner = Scanner::new(text);
        let step = if scanner.peek() == Some(opening) { 1 } else { text.len() };
        scanner.advance(step);
        Self { text, scanner }
    }

    fn next_value(&mut self) -> Option<&'a str> {
        let rest = self.scanner.bytes.get(self.scanner.at..)?;
        let between = rest.iter().position(|byte| !is_whitespace(*byte) && !matches!(byte, b',' | b':'))?;
        let start = self.scanner.at.wrapping_add(between);
        self.scanner.at = start;
        self.scanner.skip_value()?;
        self.text.get(start..self.scanner.at)
    }
}

/// Appends `content` as a JSON string, with only the escapes that RFC 8259 requires.
pub(crate) fn write_string(out: &mut String, content: &str) {
    out.push('"');
    let mut rest = content;
    while let Some(at) = rest.as_bytes().iter().position(|byte| needs_escape(*byte)) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            write_escape(out, character);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Returns whether a byte of UTF-8 is a character that must be escaped inside a JSON string.
pub(crate) fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a String cannot fail.
        other => drop(write!(out, "\\u{:04x}", u32::from(other))),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
