//! Valid JSON that two readers may read as different values.
//!
//! RFC 8259 leaves open the meaning of a duplicate member of an object, and of half of a surrogate pair. Readers take
//! the first or the last, drop it, replace it, or fail. A null character ends the text for readers that use C strings.

use std::borrow::Cow;

use crate::context::json::{self, JsonKind};
use crate::fuel::{Exhausted, Fuel};
use crate::sort;

/// Returns whether a checked JSON text is ambiguous, at any depth.
pub(super) fn is_ambiguous(text: &str, fuel: &Fuel) -> Result<bool, Exhausted> {
    if text.contains('\\') && has_odd_escape(text.as_bytes()) {
        return Ok(true);
    }
    if !text.contains('{') {
        return Ok(false);
    }
    let mut todo = vec![text];
    while let Some(value) = todo.pop() {
        match json::kind(value) {
            JsonKind::Array => {
                fuel.text(value.len())?;
                todo.extend(json::elements(value));
            }
            JsonKind::Object => {
                fuel.text(value.len())?;
                let mut names: Vec<Cow<'_, str>> =
                    json::members(value).filter_map(|(name, _)| json::string_content(name)).collect();
                fuel.items(names.len())?;
                sort::sort(&mut names);
                if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                    return Ok(true);
                }
                todo.extend(json::members(value).map(|(_, member)| member));
            }
            _ => {}
        }
    }
    Ok(false)
}

/// Returns whether an escape is half of a surrogate pair, or a null character. Escapes only occur in strings.
fn has_odd_escape(mut text: &[u8]) -> bool {
    while let Some(at) = text.iter().position(|byte| *byte == b'\\') {
        let escape = text.get(at..).unwrap_or_default();
        let mut length = 2;
        if let Some(unit) = unit(escape) {
            length = 6;
            let next = escape.get(6..).and_then(self::unit);
            match unit {
                0 | 0xDC00..=0xDFFF => return true,
                0xD800..=0xDBFF if !matches!(next, Some(0xDC00..=0xDFFF)) => return true,
                0xD800..=0xDBFF => length = 12,
                _ => {}
            }
        }
        text = escape.get(length..).unwrap_or_default();
    }
    false
}

/// Returns the number of a `\uXXXX` at the beginning.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn members_that_stand_twice_and_halves_of_characters_are_ambiguous() {
        for (text, expected) in [
            (r#"{}"#, false),
            (r#"{"a":1,"b":{"a":2}}"#, false),
            (r#"[{"a":1},{"a":2}]"#, false),
            (r#"{ "a" : { "b" : 1 , "b" : 2 } }"#, true),
            (r#"["{","{"]"#, false),
            (r#"{"a":1,"a":1}"#, true),
            (r#"{"a":1,"b":2,"\u0061":3}"#, true),
            (r#"[1,{"x":[{"a":1,"a":2}]}]"#, true),
            (r#""\ud83d\ude00""#, false),
            (r#""\\ud800""#, false),
            (r#""\ud800""#, true),
            (r#""\ud800\n""#, true),
            (r#""\udc00""#, true),
            (r#""\ud83d\ude00\ude00""#, true),
            (r#"["\uD800"]"#, true),
            (r#"{"\ud800":1}"#, true),
            (r#""a\u0000b""#, true),
            (r#""\u0001""#, false),
        ] {
            assert_eq!(is_ambiguous(text, &Fuel::default()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_paid_for() {
        let text = format!("{}{}{}", "[{\"a\":".repeat(30), "1", "}]".repeat(30));
        let fuel = Fuel::default();
        assert_eq!(is_ambiguous(&text, &fuel), Ok(false));
        assert!(fuel.used() > 60);
        assert_eq!(is_ambiguous(&text, &Fuel::new(10)), Err(Exhausted));
    }
}
