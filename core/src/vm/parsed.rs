//! Lists and maps of the context: JSON text whose elements a decision parses once.

use core::ops::ControlFlow;

use bumpalo::collections::Vec;

use super::env::Env;
use super::error::EvalErrorKind;
use super::value::{Parsed, Value};
use crate::context::json::{self, JsonKind};

/// The largest part of the remaining memory that parsing one text may take: one divided by this number.
const SHARE: usize = 4;

/// The most bytes of memory for a byte of text: an element has at least two bytes with its comma, an entry of two
/// values at least five, and the content of a string is never longer than its text.
const MOST_BYTES: usize = 13;

const _: () = assert!(MOST_BYTES == size_of::<Value<'_>>() / 2 + 1, "half a value and a byte of content");

/// Returns a JSON array or object with its elements parsed. Any other value is returned unchanged, and so is a text
/// that would take too much memory: it is scanned when it is needed.
///
/// Nested arrays and objects stay texts. Parsed values take memory and the fuel to fill it, like the values that a
/// condition makes.
#[inline(never)]
pub(super) fn parse<'a>(value: Value<'a>, env: &mut Env<'a>) -> Value<'a> {
    let Value::Json(text, scalar) = value else { return value };
    let most = text.len().saturating_mul(MOST_BYTES).saturating_add(HEAD);
    if most > env.memory().wrapping_div(SHARE) {
        return value;
    }
    let parsed = match json::kind(text) {
        JsonKind::Array => {
            let element = |text, env: &mut Env<'a>| Value::json(text, scalar, env);
            parse_items(text, json::elements(text), env, element, |item| *item).map(Value::JsonList)
        }
        _ => {
            let entry = |(key, text), env: &mut Env<'a>| (Value::json_string(key, env), Value::json(text, scalar, env));
            parse_items(text, json::members(text), env, entry, |(_, value)| *value).map(Value::JsonMap)
        }
    };
    // If the fuel is exhausted, the next instruction ends the run.
    parsed.unwrap_or(value)
}

fn parse_items<'a, I: Iterator + Clone, T: Copy>(
    text: &'a str,
    items: I,
    env: &mut Env<'a>,
    make: impl Fn(I::Item, &mut Env<'a>) -> T,
    value: impl Fn(&T) -> Value<'a>,
) -> Result<&'a Parsed<'a, T>, EvalErrorKind> {
    let count = items.clone().count();
    env.reserve(count.saturating_mul(size_of::<T>()).saturating_add(HEAD))?;
    let mut parsed = Vec::with_capacity_in(count, env.arena);
    parsed.extend(items.map(|item| make(item, env)));
    let items: &'a [T] = parsed.into_bump_slice();
    let error = items.iter().try_for_each(|item| match value(item) {
        Value::Error(error) => ControlFlow::Break(error.kind),
        _ => ControlFlow::Continue(()),
    });
    Ok(env.arena.alloc(Parsed { text, items, error: error.break_value() }))
}

/// Size of [`Parsed`] itself, on the platform where it is largest: a decision uses the same memory on all platforms.
const HEAD: usize = 40;

const _: () = assert!(size_of::<Parsed<'_, Value<'_>>>() <= HEAD, "what is reserved is enough");

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    use crate::limits::MAX_MADE_BYTES;
    use crate::tables::Scalar;
    use crate::vm::collection;
    use crate::vm::compare;
    use crate::vm::cost::units;
    use crate::vm::cursor::Cursor;
    use crate::vm::member;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Returns the results of all queries of a list or map, as text.
    fn seen<'a>(of: Value<'a>, env: &mut Env<'a>) -> String {
        let mut walked = Vec::new_in(env.arena);
        let mut cursor = Cursor::new(of);
        while let Some(item) = cursor.next(env, true).unwrap() {
            walked.push(item);
        }
        let keys = ["a", "b", "n\u{e9}w", ""].map(Value::String).into_iter().chain([Value::Int(1), Value::Double(0.0)]);
        let asked: std::vec::Vec<_> = keys
            .map(|key| {
                let found = of.is_map().then(|| collection::find(of, key, env));
                (member::member(key, of, env), collection::index(of, key, env), found)
            })
            .collect();
        let length = collection::length(of, env);
        let values = collection::values(of, env);
        let units = units(of);
        format!("{walked:?} {asked:?} {length:?} {values:?} {units} {:?}", of.to_json())
    }

    #[test]
    fn what_is_parsed_answers_as_the_text_does() {
        let cases = [
            ("[]", Scalar::String),
            (r#"["a", "n\u00e9w","b"]"#, Scalar::String),
            (r#"["a",1,null]"#, Scalar::String),
            ("[1, 2.5,1]", Scalar::Int),
            (r#"[[1],{"a":2},"a",1.0,18446744073709551615,true,null]"#, Scalar::Any),
            ("{}", Scalar::Any),
            (r#"{"a":1,"b":2,"a":3}"#, Scalar::Int),
            (r#"{"n\u00e9w":"\n","":[],"b":{"c":1}}"#, Scalar::Any),
            (r#"{"a":"text"}"#, Scalar::Int),
        ];
        for (text, scalar) in cases {
            let arena = Bump::new();
            let mut env = Env::new(&arena, &[]);
            let value = Value::Json(text, scalar);
            let parsed = parse(value, &mut env);
            assert!(matches!(parsed, Value::JsonList(_) | Value::JsonMap(_)), "{text}");
            assert_eq!(seen(parsed, &mut env), seen(value, &mut env), "{text}");
            assert_eq!(compare::equal(parsed, value, &mut env), compare::equal(value, value, &mut env), "{text}");
        }
    }

    #[test]
    fn what_would_take_too_much_memory_stays_a_text() {
        let arena = Bump::new();
        let mut env = Env::new(&arena, &[]);
        let long = format!("[{}0]", "1,".repeat(MAX_MADE_BYTES / SHARE / MOST_BYTES / 2));
        assert!(matches!(parse(Value::Json(&long, Scalar::Int), &mut env), Value::Json(..)));
        assert_eq!(env.made(), 0);
        let short = Value::Json(r#"["a","b"]"#, Scalar::String);
        assert!(matches!(parse(short, &mut env), Value::JsonList(_)));
        assert_eq!(env.made(), HEAD + 2 * size_of::<Value<'_>>());
        env.reserve(env.memory() - 8 * MOST_BYTES).unwrap();
        assert!(matches!(parse(short, &mut env), Value::Json(..)));
    }
}
