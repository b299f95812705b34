//! `format`: replaces the clauses of a text by values.

use super::{convert, number, sort, time};
use crate::limits::MAX_VALUE_DEPTH;
use crate::vm::collection;
use crate::vm::cursor::Cursor;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;
const INVALID: EvalErrorKind = EvalErrorKind::InvalidArgument;

/// Number of digits after the point, if a clause does not specify it.
const DEFAULT_PRECISION: usize = 6;

/// Largest number of digits after the point. No double has more digits that are not zero.
const MAX_PRECISION: usize = 1000;

/// `format()`
pub(in crate::vm) fn format<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(template), list] = arguments else { return Err(NO_OVERLOAD) };
    let values = collection::values(*list, env)?;
    let mut out = core::mem::take(&mut env.buffer);
    let text = write_all(&mut out, template, values, env).map(|()| {
        // Every part was paid for when it was written.
        Value::String(env.arena.alloc_str(&out))
    });
    out.clear();
    env.buffer = out;
    text
}

/// Writes the template with the values in place of its clauses.
fn write_all<'a>(
    out: &mut String,
    template: &str,
    values: &[Value<'a>],
    env: &mut Env<'a>,
) -> Result<(), EvalErrorKind> {
    let mut values = values.iter();
    let mut rest = template;
    while let Some((plain, clause)) = split_clause(rest) {
        push(out, plain, env)?;
        if let Some(behind) = clause.strip_prefix('%') {
            push(out, "%", env)?;
            rest = behind;
            continue;
        }
        let value = values.next().ok_or(INVALID)?;
        rest = write_clause(out, clause, *value, env)?;
    }
    push(out, rest, env)
}

/// Returns the text up to the first `%` and the text after it. Templates are short: a plain loop is the fastest search.
fn split_clause(template: &str) -> Option<(&str, &str)> {
    let at = template.bytes().position(|byte| byte == b'%')?;
    let (plain, rest) = template.split_at_checked(at)?;
    Some((plain, rest.get(1..)?))
}

#[inline(never)]
fn push(out: &mut String, text: &str, env: &mut Env<'_>) -> Result<(), EvalErrorKind> {
    env.reserve(text.len())?;
    out.push_str(text);
    Ok(())
}

/// Writes a value as its clause specifies (the text after the `%`). Returns the text after the clause.
fn write_clause<'t, 'a>(
    out: &mut String,
    clause: &'t str,
    value: Value<'a>,
    env: &mut Env<'a>,
) -> Result<&'t str, EvalErrorKind> {
    let (precision, clause) = precision(clause)?;
    let mut characters = clause.chars();
    let text = match characters.next() {
        Some('s') => {
            write_value(out, value, env, MAX_VALUE_DEPTH)?;
            return Ok(characters.as_str());
        }
        Some('d') => {
            write_decimal(out, value, env)?;
            return Ok(characters.as_str());
        }
        Some('f') => double(value).map(|value| number::fixed(value, precision)),
        Some('e') => double(value).map(|value| number::scientific(value, precision)),
        Some('b') => binary(value),
        Some('o') => integer(value).map(|(sign, value)| format!("{sign}{value:o}")),
        Some('x') => hexadecimal(value, env)?,
        Some('X') => hexadecimal(value, env)?.map(|text| text.to_ascii_uppercase()),
        _ => return Err(INVALID),
    };
    push(out, &text.ok_or(NO_OVERLOAD)?, env)?;
    Ok(characters.as_str())
}

/// Returns the number of digits after the point that a clause specifies, and the rest of the clause.
fn precision(clause: &str) -> Result<(usize, &str), EvalErrorKind> {
    let Some(rest) = clause.strip_prefix('.') else { return Ok((DEFAULT_PRECISION, clause)) };
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at_checked(end).ok_or(INVALID)?;
    let precision = digits.parse().ok().filter(|precision| *precision <= MAX_PRECISION);
    Ok((precision.ok_or(INVALID)?, rest))
}

/// Returns the sign and the absolute value of an integer.
fn integer(value: Value<'_>) -> Option<(&'static str, u64)> {
    match value {
        Value::Int(value) => Some((if value < 0 { "-" } else { "" }, value.unsigned_abs())),
        Value::Uint(value) => Some(("", value)),
        _ => None,
    }
}

fn write_decimal(out: &mut String, value: Value<'_>, env: &mut Env<'_>) -> Result<(), EvalErrorKind> {
    let (negative, amount) = match value {
        Value::Int(value) => (value < 0, value.unsigned_abs()),
        Value::Uint(value) => (false, value),
        Value::Double(value) => return push(out, &number::plain(value), env),
        _ => return Err(NO_OVERLOAD),
    };
    let before = out.len();
    number::write_integer(out, negative, amount);
    env.reserve(out.len().saturating_sub(before))
}

#[expect(clippy::as_conversions, reason = "an integer becomes the nearest double")]
fn double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Double(value) => Some(value),
        Value::Int(value) => Some(value as f64),
        Value::Uint(value) => Some(value as f64),
        _ => None,
    }
}

fn binary(value: Value<'_>) -> Option<String> {
    match value {
        Value::Bool(value) => Some(if value { "1" } else { "0" }.to_owned()),
        value => integer(value).map(|(sign, value)| format!("{sign}{value:b}")),
    }
}

fn hexadecimal(value: Value<'_>, env: &mut Env<'_>) -> Result<Option<String>, EvalErrorKind> {
    let bytes = match value {
        Value::String(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        value => return Ok(integer(value).map(|(sign, value)| format!("{sign}{value:x}"))),
    };
    env.burn_text(bytes.len().saturating_mul(2))?;
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    Ok(Some(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()))
}

/// Writes a value like `%s`.
fn write_value<'a>(out: &mut String, value: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<(), EvalErrorKind> {
    let depth = depth.checked_sub(1).ok_or(EvalErrorKind::TooDeep)?;
    match value {
        Value::String(text) => push(out, text, env),
        Value::Null => push(out, "null", env),
        Value::Bool(value) => push(out, if value { "true" } else { "false" }, env),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => write_decimal(out, value, env),
        Value::Bytes(bytes) => {
            env.burn_text(bytes.len())?;
            push(out, &lossy(bytes), env)
        }
        Value::Timestamp(point) => push(out, &time::timestamp_text(point), env),
        Value::Duration(nanos) => push(out, &time::duration_text(nanos), env),
        Value::Type(name) => push(out, name, env),
        Value::Error(error) => Err(error.kind),
        _ if value.is_list() => write_list(out, value, env, depth),
        _ if value.is_map() => write_map(out, value, env, depth),
        _ => push(out, &convert::address_text(value).ok_or(NO_OVERLOAD)?, env),
    }
}

/// Returns bytes as text. Each sequence of invalid bytes becomes one U+FFFD.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let joined = chunk.valid().is_empty() && text.ends_with(char::REPLACEMENT_CHARACTER);
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !joined {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

fn write_list<'a>(out: &mut String, list: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<(), EvalErrorKind> {
    push(out, "[", env)?;
    let mut elements = Cursor::new(list);
    let mut first = true;
    while let Some((_, element)) = elements.next(env, true)? {
        env.burn(1)?;
        if !core::mem::take(&mut first) {
            push(out, ", ", env)?;
        }
        write_value(out, element, env, depth)?;
    }
    push(out, "]", env)
}

/// Writes a map. The entries are in the order of their keys' texts.
fn write_map<'a>(out: &mut String, map: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<(), EvalErrorKind> {
    let mut entries = Vec::new();
    let mut cursor = Cursor::new(map);
    while let Some((key, value)) = cursor.next(env, true)? {
        env.burn(1)?;
        let mut text = String::new();
        write_value(&mut text, key, env, depth)?;
        entries.push((text, value));
    }
    let order = sort::indices(entries.len(), &mut |a, b| {
        env.burn(1)?;
        Ok(entries.get(a).map(|(key, _)| key).cmp(&entries.get(b).map(|(key, _)| key)))
    })?;
    push(out, "{", env)?;
    for (number, index) in order.into_iter().enumerate() {
        let Some((key, value)) = entries.get(index) else { continue };
        push(out, if number > 0 { ", " } else { "" }, env)?;
        push(out, key, env)?;
        push(out, ": ", env)?;
        write_value(out, *value, env, depth)?;
    }
    push(out, "}", env)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Scalar;
    use crate::vm::library::testing::call;
    use crate::vm::value::Timestamp;
    use Value::{Bool, Double, Int, List, String as Text, Uint};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn clauses_say_how_a_value_is_written() {
        let cases: &[(&str, &[Value<'_>], &str)] = &[
            ("no clause", &[], "no clause"),
            ("%% %s%%", &[Text("a")], "% a%"),
            ("%s and %s", &[Int(-1), Bool(true)], "-1 and true"),
            ("%s", &[Double(1e21)], "1000000000000000000000"),
            ("%s", &[Double(f64::NEG_INFINITY)], "-Infinity"),
            ("%s", &[Value::Null], "null"),
            ("%s", &[Value::Bytes(b"a\xff\xfeb\xff")], "a\u{fffd}b\u{fffd}"),
            ("%s", &[Value::Duration(1_500_000_000)], "1.5s"),
            ("%s", &[Value::Timestamp(Timestamp { seconds: 0, nanos: 0 })], "1970-01-01T00:00:00Z"),
            ("%s", &[Value::Type("int")], "int"),
            ("%s", &[List(&[Text("a"), List(&[Int(1), Double(2.5)])])], "[a, [1, 2.5]]"),
            (
                "%s",
                &[Value::Map(&[(Int(2), Text("b")), (Int(10), Text("a")), (Text("k"), Int(1))])],
                "{10: a, 2: b, k: 1}",
            ),
            ("%s", &[Value::Json(r#"{"b":[1],"a":null}"#, Scalar::Any)], "{a: null, b: [1]}"),
            ("%d %d", &[Int(i64::MIN), Uint(u64::MAX)], "-9223372036854775808 18446744073709551615"),
            ("%d", &[Double(2.5)], "2.5"),
            ("%f %.1f %.0f", &[Int(1), Double(3.12), Double(2.5)], "1.000000 3.1 2"),
            ("%e %.2e", &[Double(1052.032911275), Int(0)], "1.052033e+03 0.00e+00"),
            ("%f", &[Double(f64::NAN)], "NaN"),
            ("%b %b %b", &[Int(-5), Uint(5), Bool(true)], "-101 101 1"),
            ("%o %o", &[Int(-8), Uint(9)], "-10 11"),
            ("%x %X %x", &[Int(-30), Uint(30), Text("é")], "-1e 1E c3a9"),
            ("%X", &[Value::Bytes(b"\x0f\xa0")], "0FA0"),
        ];
        for (template, values, expected) in cases {
            assert_eq!(call("format", &[Text(template), List(values)]), format!("String({expected:?})"), "{template}");
        }
    }

    #[test]
    fn mistakes_are_errors() {
        let cases: &[(&str, &[Value<'_>], &str)] = &[
            ("%s", &[], "invalid-argument"),
            ("%", &[Int(1)], "invalid-argument"),
            ("%.", &[Int(1)], "invalid-argument"),
            ("%.f", &[Int(1)], "invalid-argument"),
            ("%.1001f", &[Int(1)], "invalid-argument"),
            ("%.99999999999999999999f", &[Int(1)], "invalid-argument"),
            ("%q", &[Int(1)], "invalid-argument"),
            ("%é", &[Int(1)], "invalid-argument"),
            ("%d", &[Text("a")], "no-such-overload"),
            ("%b", &[Double(1.0)], "no-such-overload"),
            ("%x", &[Double(1.0)], "no-such-overload"),
            ("%o", &[Bool(true)], "no-such-overload"),
            ("%s", &[Value::Optional(None)], "no-such-overload"),
        ];
        for (template, values, expected) in cases {
            assert_eq!(call("format", &[Text(template), List(values)]), *expected, "{template}");
        }
    }
}
