//! The form of reports: one line of `key=value`, separated by spaces.
//!
//! ```text
//! decision=continue peer=cart received=x-mesh-context:2,headers:1 by=card:shop/pay/no-cards fields=tenant,user
//! ```
//!
//! A value is a text, a number, or a list separated by `,`; an item may be a pair, separated by `:`. Every other byte than
//! visible ASCII is percent-escaped (RFC 3986), and so are `%`, `,`, `:`, `=`, `"` and `\`. So the line has no character
//! that JSON escapes: a proxy copies it into an access log of JSON as it is, which is much less work than escaping it.

use super::report::Problem;
use crate::percent;

/// A report while it is written. Keys are fixed words that need no escapes; keys without content are left out.
pub(super) struct Line {
    out: String,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { out: String::with_capacity(512) }
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key);
            self.escaped(text);
        }
    }

    pub(super) fn number(&mut self, key: &str, number: u64) {
        self.key(key);
        self.digits(number);
    }

    pub(super) fn list<'n>(&mut self, key: &str, mut items: impl Iterator<Item = &'n str>) {
        let Some(first) = items.next() else { return };
        self.key(key);
        self.escaped(first);
        for item in items {
            self.out.push(',');
            self.escaped(item);
        }
    }

    pub(super) fn pairs<'n>(&mut self, key: &str, pairs: impl Iterator<Item = (&'n str, &'n str)>) {
        let mut separator = None;
        for (name, text) in pairs {
            self.separate(key, &mut separator);
            self.escaped(name);
            self.out.push(':');
            self.escaped(text);
        }
    }

    pub(super) fn counts(&mut self, key: &str, counts: &[(&str, usize)]) {
        let mut separator = None;
        for (name, count) in counts {
            self.separate(key, &mut separator);
            self.escaped(name);
            self.out.push(':');
            self.digits(u64::try_from(*count).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn problems(&mut self, key: &str, problems: &[Problem]) {
        self.pairs(key, problems.iter().map(|problem| (problem.subject.as_str(), problem.error)));
    }

    fn key(&mut self, key: &str) {
        if !self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(key);
        self.out.push('=');
    }

    /// Writes the key before the first item, and a comma before the others.
    fn separate(&mut self, key: &str, separator: &mut Option<char>) {
        match separator.replace(',') {
            Some(comma) => self.out.push(comma),
            None => self.key(key),
        }
    }

    fn escaped(&mut self, text: &str) {
        if text.bytes().all(is_plain) {
            return self.out.push_str(text);
        }
        for byte in text.bytes() {
            if is_plain(byte) {
                self.out.push(char::from(byte));
            } else {
                self.out.push('%');
                self.out.extend(percent::digits(byte).map(char::from));
            }
        }
    }

    fn digits(&mut self, number: u64) {
        let mut divisor = 1_u64;
        while number.checked_div(divisor).is_some_and(|rest| rest > 9) {
            divisor = divisor.saturating_mul(10);
        }
        while let Some(rest) = number.checked_div(divisor) {
            let digit = u8::try_from(rest.wrapping_rem(10)).unwrap_or(0);
            self.out.push(char::from(digit.wrapping_add(b'0')));
            divisor = divisor.wrapping_div(10);
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b',' | b':' | b'=' | b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_line_has_no_character_that_json_escapes() {
        let mut line = Line::new();
        line.text("none", "");
        line.list("empty", std::iter::empty());
        line.text("rule", "mesh budget");
        line.counts("received", &[("x", 0), ("y", 10), ("z", 907)]);
        line.problems("problems", &[Problem::new("a:b,c=d\"%\\\n\u{7f}\u{e9}", "broken"), Problem::new("", "x")]);
        line.pairs("by", [("f", "a/b/c"), ("g", "d")].into_iter());
        line.list("fields", ["a", "", "b-c_d.e"].into_iter());
        line.number("fuel", u64::MAX);
        let text = line.into_text();
        assert_eq!(
            text,
            "rule=mesh%20budget received=x:0,y:10,z:907 \
             problems=a%3Ab%2Cc%3Dd%22%25%5C%0A%7F%C3%A9:broken,:x by=f:a/b/c,g:d fields=a,,b-c_d.e \
             fuel=18446744073709551615"
        );
        assert!(text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\')));
    }
}
