//! The values of literals.

use std::num::IntErrorKind;

use super::mistake;
use super::token::Token;
use super::tree::{Literal, Place};
use crate::expression::cel::problem::Problem;

/// Reads a number, with the place of its sign. Reports a number that does not fit.
pub(super) fn number(token: &Token<'_>, negative: bool, place: Place, problems: &mut Vec<Problem>) -> Literal {
    let sign = if negative { "-" } else { "" };
    let read = |digits: &str, radix| i64::from_str_radix(&format!("{sign}{digits}"), radix);
    let hexadecimal = token.text.strip_prefix("0x");
    let (digits, radix) = hexadecimal.map_or((token.text, 10), |digits| (digits, 16));
    let value = if let Some(digits) = digits.strip_suffix(['u', 'U']) {
        u64::from_str_radix(digits, radix).map(Literal::Uint).map_err(|_| None)
    } else if hexadecimal.is_none() && digits.contains(['.', 'e', 'E']) {
        let value = format!("{sign}{digits}").parse().unwrap_or(f64::INFINITY);
        if value.is_finite() { Ok(Literal::Double(value)) } else { Err(None) }
    } else {
        read(digits, radix).map(Literal::Int).map_err(|error| {
            // What is too large for an int may fit into a uint.
            let unsigned = *error.kind() == IntErrorKind::PosOverflow && u64::from_str_radix(digits, radix).is_ok();
            unsigned.then(|| format!("an `int` ends at {}; as a `uint` it is `{}u`", i64::MAX, token.text))
        })
    };
    value.unwrap_or_else(|help| {
        problems.push(mistake::number_too_large(sign, token.text, place).maybe_help(help));
        Literal::Null
    })
}

/// Reads a string or bytes literal. Reports escapes without a meaning.
pub(super) fn text(token: &Token<'_>, problems: &mut Vec<Problem>) -> Literal {
    let prefix = token.text.find(['\'', '"']).unwrap_or(0);
    let (prefix, body) = token.text.split_at_checked(prefix).unwrap_or_default();
    let is_bytes = prefix.contains(['b', 'B']);
    let raw = prefix.contains(['r', 'R']);
    let quotes = if body.starts_with("'''") || body.starts_with("\"\"\"") { 3 } else { 1 };
    let content = body.get(quotes..body.len().saturating_sub(quotes)).unwrap_or_default();
    let mut reader = Reader {
        rest: content,
        at: token.place.0 + prefix.len() + quotes,
        is_bytes,
        out: Vec::with_capacity(content.len()),
        problems,
    };
    while let Some(character) = reader.next() {
        match character {
            '\\' if !raw => reader.escape(),
            // Line endings are normalised.
            '\r' => {
                if reader.rest.starts_with('\n') {
                    reader.next();
                }
                reader.out.push(b'\n');
            }
            other => reader.push(other),
        }
    }
    let out = reader.out;
    if is_bytes { Literal::Bytes(out) } else { Literal::String(String::from_utf8(out).unwrap_or_default()) }
}

struct Reader<'t, 'p> {
    rest: &'t str,
    /// The index of the first character of `rest`.
    at: usize,
    is_bytes: bool,
    out: Vec<u8>,
    problems: &'p mut Vec<Problem>,
}

impl<'t> Reader<'t, '_> {
    fn next(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let next = rest.next()?;
        self.rest = rest.as_str();
        self.at += 1;
        Some(next)
    }

    fn push(&mut self, character: char) {
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Reads an escape after its backslash.
    fn escape(&mut self) {
        let start = self.at - 1;
        let Some(escaped) = self.next() else { return };
        let plain = match escaped {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '`' | '?' => escaped,
            'x' | 'X' => return self.code(start, escaped, 2, 16),
            'u' => return self.code(start, escaped, 4, 16),
            'U' => return self.code(start, escaped, 8, 16),
            '0'..='3' => return self.code(start, escaped, 2, 8),
            other => return self.problems.push(mistake::unknown_escape(other, (start, self.at))),
        };
        self.push(plain);
    }

    /// Reads an escape with the code of a character or a byte.
    fn code(&mut self, start: usize, kind: char, length: usize, radix: u32) {
        if self.is_bytes && matches!(kind, 'u' | 'U') {
            return self.problems.push(mistake::escape_not_in_bytes(kind, (start, self.at)));
        }
        // The first octal digit is `kind` itself.
        let mut code = kind.to_digit(8).unwrap_or(0);
        for _ in 0..length {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(radix)) else {
                return self.problems.push(mistake::short_escape(kind, length, radix, (start, self.at)));
            };
            self.next();
            code = code.wrapping_mul(radix) | digit;
        }
        match (u8::try_from(code), char::from_u32(code)) {
            (Ok(byte), _) if self.is_bytes => self.out.push(byte),
            (_, Some(character)) => self.push(character),
            _ => self.problems.push(mistake::no_character(code, (start, self.at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::tree::ExprKind;
    use super::*;

    fn literal(text: &str) -> Option<Literal> {
        match parse(text).ok()?.kind {
            ExprKind::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    #[test]
    fn numbers_have_their_values_up_to_the_last() {
        let cases = [
            ("0", Literal::Int(0)),
            ("007", Literal::Int(7)),
            ("9223372036854775807", Literal::Int(i64::MAX)),
            ("-9223372036854775808", Literal::Int(i64::MIN)),
            ("- 1", Literal::Int(-1)),
            ("-0x8000000000000000", Literal::Int(i64::MIN)),
            ("0xfF", Literal::Int(255)),
            ("0x1eU", Literal::Uint(30)),
            ("18446744073709551615u", Literal::Uint(u64::MAX)),
            (".5", Literal::Double(0.5)),
            ("-1e-3", Literal::Double(-0.001)),
            ("1.7976931348623157e308", Literal::Double(f64::MAX)),
        ];
        for (text, expected) in cases {
            assert_eq!(literal(text), Some(expected), "{text}");
        }
        for text in
            ["9223372036854775808", "-9223372036854775809", "0x8000000000000000", "18446744073709551616u", "1e309"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn texts_have_their_characters_and_bytes() {
        let string = |text: &str| Literal::String(text.to_owned());
        let cases = [
            (r#""\a\b\f\n\r\t\v\\\'\"\`\?""#, string("\u{7}\u{8}\u{c}\n\r\t\u{b}\\'\"`?")),
            (r"'\x41\X41\101\u00e9\U0001F600\377'", string("AAAé😀ÿ")),
            (r"r'\d\'", string(r"\d\")),
            ("'''a\r\n'b'\rc'''", string("a\n'b'\nc")),
            ("R\"\"\"a\\\"\"\"", string("a\\")),
            ("''", string("")),
            ("''''''", string("")),
            (r"b'\xff\377é\?'", Literal::Bytes(vec![0xff, 0xff, 0xc3, 0xa9, b'?'])),
            (r"Br'\x'", Literal::Bytes(b"\\x".to_vec())),
        ];
        for (text, expected) in cases {
            assert_eq!(literal(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn every_bad_escape_is_reported_at_its_place() {
        let places = |text: &str| {
            let problems = parse(text).unwrap_err();
            problems.iter().map(|problem| (problem.start, problem.end)).collect::<Vec<_>>()
        };
        assert_eq!(places(r"'é\d + \w'"), [(2, 4), (7, 9)]);
        assert_eq!(places(r"'\u12' + '\xg' + '\400' + '\18'"), [(1, 5), (10, 12), (18, 20), (27, 29)]);
        assert_eq!(places(r"'\ud800' + '\UFFFFFFFF' + b'\u0041'"), [(1, 7), (12, 22), (28, 30)]);
    }
}
