//! Functions of strings. Positions are counted in characters, from 0.

use crate::vm::collection;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;
const OUT_OF_RANGE: EvalErrorKind = EvalErrorKind::IndexOutOfRange;

/// Returns the index of the first byte of the character at a position. The position after the last character is valid
/// too.
fn byte_at(text: &str, position: i64) -> Result<usize, EvalErrorKind> {
    let position = usize::try_from(position).map_err(|_| OUT_OF_RANGE)?;
    if text.is_ascii() {
        return if position <= text.len() { Ok(position) } else { Err(OUT_OF_RANGE) };
    }
    let mut starts = text.char_indices().map(|(at, _)| at).chain(core::iter::once(text.len()));
    starts.nth(position).ok_or(OUT_OF_RANGE)
}

/// Returns the number of characters before a byte.
fn position_of<'a>(text: &str, byte: usize) -> Value<'a> {
    let count = text.get(..byte).map_or(0, |before| before.chars().count());
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `charAt()`
pub(in crate::vm) fn char_at<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text), Value::Int(position)] = arguments else { return Err(NO_OVERLOAD) };
    let text: &'a str = text;
    let rest = text.get(byte_at(text, *position)?..).unwrap_or_default();
    let length = rest.chars().next().map_or(0, char::len_utf8);
    Ok(Value::String(rest.get(..length).unwrap_or_default()))
}

/// `indexOf()`; -1 if the part is not found, also if the search begins after the end.
pub(in crate::vm) fn index_of<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, part, from) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        _ => return Err(NO_OVERLOAD),
    };
    if from < 0 {
        return Err(OUT_OF_RANGE);
    }
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    let found = byte_at(text, from).ok().and_then(|start| Some(start.saturating_add(text.get(start..)?.find(part)?)));
    Ok(found.map_or(Value::Int(-1), |found| position_of(text, found)))
}

/// `lastIndexOf()`; -1 if the part is not found, also if the search begins after the end.
pub(in crate::vm) fn last_index_of<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, part, upto) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(upto)] => (text, part, Some(*upto)),
        _ => return Err(NO_OVERLOAD),
    };
    let Some(upto) = upto else {
        return Ok(text.rfind(part).map_or(Value::Int(-1), |found| position_of(text, found)));
    };
    if upto < 0 {
        return Err(OUT_OF_RANGE);
    }
    if part.is_empty() {
        return Ok(Value::Int(upto));
    }
    let found = byte_at(text, upto).ok().filter(|start| *start < text.len()).and_then(|start| {
        // A match may begin at the position itself, so it may end after it.
        let end = start.saturating_add(part.len()).min(text.len());
        text.as_bytes().get(..end).and_then(|bytes| last_match(bytes, part.as_bytes()))
    });
    Ok(found.map_or(Value::Int(-1), |found| position_of(text, found)))
}

/// Returns the start of the last occurrence of UTF-8 text in a prefix of UTF-8 text.
fn last_match(bytes: &[u8], part: &[u8]) -> Option<usize> {
    // The prefix may end inside a character. No match ends there.
    match core::str::from_utf8(bytes) {
        Ok(text) => text.rfind(core::str::from_utf8(part).ok()?),
        Err(error) => {
            let valid = core::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?;
            valid.rfind(core::str::from_utf8(part).ok()?)
        }
    }
}

/// `join()`
pub(in crate::vm) fn join<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (list, separator) = match arguments {
        [list] => (list, ""),
        [list, Value::String(separator)] => (list, *separator),
        _ => return Err(NO_OVERLOAD),
    };
    let values = collection::values(*list, env)?;
    let mut length = separator.len().saturating_mul(values.len().saturating_sub(1));
    for value in values {
        let Value::String(text) = value else { return Err(NO_OVERLOAD) };
        length = length.saturating_add(text.len());
    }
    env.reserve(length)?;
    let mut joined = bumpalo::collections::String::with_capacity_in(length, env.arena);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        if let Value::String(text) = value {
            joined.push_str(text);
        }
    }
    Ok(Value::String(joined.into_bump_str()))
}

/// `lowerAscii()`
pub(in crate::vm) fn lower_ascii<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Value::String(text));
    }
    env.text(&text.to_ascii_lowercase())
}

/// `upperAscii()`
pub(in crate::vm) fn upper_ascii<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Ok(Value::String(text));
    }
    env.text(&text.to_ascii_uppercase())
}

/// `strings.quote()`
pub(in crate::vm) fn quote<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    env.text(&quoted)
}

/// Returns the limit for a number of parts or replacements. A negative number means no limit.
fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Returns whether a text contains a part. A short text is searched directly, without preparing a search of `str`.
pub(in crate::vm) fn contains(text: &str, part: &str) -> bool {
    let (bytes, part_bytes) = (text.as_bytes(), part.as_bytes());
    let Some((first, behind)) = part_bytes.split_first() else { return true };
    if bytes.len() > PLAIN_SEARCH {
        return text.contains(part);
    }
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at.wrapping_add(1)..).unwrap_or_default();
        if rest.starts_with(behind) {
            return true;
        }
    }
    false
}

/// The longest text, in bytes, for which a direct search is never slower than one of `str`.
const PLAIN_SEARCH: usize = 64;

/// Returns the starts of the occurrences of a part. Most parts are one byte, which is found faster than a search of
/// `str` is prepared.
fn occurrences<'t>(text: &'t str, part: &'t str) -> impl Iterator<Item = usize> + 't {
    let byte = if let [byte] = part.as_bytes() { Some(*byte) } else { None };
    let of_byte = byte
        .into_iter()
        .flat_map(move |wanted| text.bytes().enumerate().filter(move |(_, byte)| *byte == wanted).map(|(at, _)| at));
    let of_part = byte.is_none().then(|| text.match_indices(part).map(|(at, _)| at));
    of_byte.chain(of_part.into_iter().flatten())
}

/// `replace()`
pub(in crate::vm) fn replace<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, from, to, count) = match arguments {
        [Value::String(text), Value::String(from), Value::String(to)] => (*text, *from, *to, usize::MAX),
        [Value::String(text), Value::String(from), Value::String(to), Value::Int(count)] => {
            (*text, *from, *to, limit(*count))
        }
        _ => return Err(NO_OVERLOAD),
    };
    if let ([from], [to], true) = (from.as_bytes(), to.as_bytes(), count == usize::MAX) {
        return replace_bytes(env, text, *from, *to);
    }
    // The size of the result is determined, and paid for, before it is made.
    let found = occurrences(text, from).take(count).count();
    if found == 0 {
        return Ok(Value::String(text));
    }
    let removed = found.saturating_mul(from.len());
    let length = text.len().saturating_sub(removed).saturating_add(found.saturating_mul(to.len()));
    env.reserve(length)?;
    let mut replaced = bumpalo::collections::String::with_capacity_in(length, env.arena);
    let mut behind = 0;
    for at in occurrences(text, from).take(count) {
        replaced.push_str(text.get(behind..at).unwrap_or_default());
        replaced.push_str(to);
        behind = at.saturating_add(from.len());
    }
    replaced.push_str(text.get(behind..).unwrap_or_default());
    Ok(Value::String(replaced.into_bump_str()))
}

/// Replaces a character of one byte by another one. Most replacements are of this kind.
fn replace_bytes<'a>(env: &mut Env<'a>, text: &'a str, from: u8, to: u8) -> Outcome<'a> {
    if !text.as_bytes().contains(&from) {
        return Ok(Value::String(text));
    }
    env.reserve(text.len())?;
    let replaced = env.arena.alloc_slice_copy(text.as_bytes());
    replaced.iter_mut().filter(|byte| **byte == from).for_each(|byte| *byte = to);
    // Neither byte is part of a longer character.
    core::str::from_utf8(replaced).map(Value::String).map_err(|_| EvalErrorKind::NotText)
}

/// `split()`; an empty separator splits between all characters.
pub(in crate::vm) fn split<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, separator, count) = match arguments {
        [Value::String(text), Value::String(separator)] => (*text, *separator, usize::MAX),
        [Value::String(text), Value::String(separator), Value::Int(count)] => (*text, *separator, limit(*count)),
        _ => return Err(NO_OVERLOAD),
    };
    let mut parts = Vec::with_capacity(8);
    let mut rest = Some(text).filter(|text| count > 0 && !(text.is_empty() && separator.is_empty()));
    while let Some(text) = rest {
        env.reserve(size_of::<Value<'_>>())?;
        let (part, behind) = match first_part(text, separator) {
            Some((part, behind)) if parts.len().saturating_add(1) < count => (part, Some(behind)),
            _ => (text, None),
        };
        parts.push(Value::String(part));
        rest = behind;
    }
    // Every part was paid for when it was found.
    Ok(Value::List(env.arena.alloc_slice_copy(&parts)))
}

/// Returns the text up to the separator and the text after it.
fn first_part<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    if separator.is_empty() {
        let first = text.chars().next()?;
        return text.split_at_checked(first.len_utf8()).filter(|(_, rest)| !rest.is_empty());
    }
    let at = occurrences(text, separator).next()?;
    let (part, rest) = text.split_at_checked(at)?;
    Some((part, rest.get(separator.len()..)?))
}

/// `substring()`
pub(in crate::vm) fn substring<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (text, from, to) = match arguments {
        [Value::String(text), Value::Int(from)] => (*text, *from, None),
        [Value::String(text), Value::Int(from), Value::Int(to)] => (*text, *from, Some(*to)),
        _ => return Err(NO_OVERLOAD),
    };
    let start = byte_at(text, from)?;
    let end = match to {
        Some(to) => byte_at(text, to)?,
        None => text.len(),
    };
    text.get(start..end).map(Value::String).ok_or(OUT_OF_RANGE)
}

/// `trim()`
pub(in crate::vm) fn trim<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    Ok(Value::String(text.trim()))
}

/// Returns the characters in reverse order.
pub(super) fn reverse<'a>(env: &mut Env<'a>, text: &str) -> Outcome<'a> {
    env.reserve(text.len())?;
    let mut reversed = bumpalo::collections::String::with_capacity_in(text.len(), env.arena);
    text.chars().rev().for_each(|character| reversed.push(character));
    Ok(Value::String(reversed.into_bump_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    use Value::{Int, String as Text};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(cases: &[(&str, &[Value<'_>], &str)]) {
        for (function, arguments, expected) in cases {
            assert_eq!(call(function, arguments), *expected, "{function}{arguments:?}");
        }
    }

    #[test]
    fn positions_count_characters() {
        check(&[
            ("charAt", &[Text("tacocat"), Int(3)], r#"String("o")"#),
            ("charAt", &[Text("ta©o©αT"), Int(5)], r#"String("α")"#),
            ("charAt", &[Text("ab"), Int(2)], r#"String("")"#),
            ("charAt", &[Text("ab"), Int(3)], "index-out-of-range"),
            ("charAt", &[Text("ab"), Int(-1)], "index-out-of-range"),
            ("substring", &[Text("tacocat"), Int(4)], r#"String("cat")"#),
            ("substring", &[Text("ta©o©αT"), Int(2), Int(6)], r#"String("©o©α")"#),
            ("substring", &[Text("ab"), Int(2)], r#"String("")"#),
            ("substring", &[Text("ab"), Int(1), Int(0)], "index-out-of-range"),
            ("substring", &[Text("ab"), Int(0), Int(3)], "index-out-of-range"),
            ("substring", &[Text("ab"), Int(-1)], "index-out-of-range"),
        ]);
    }

    #[test]
    fn searches() {
        check(&[
            ("indexOf", &[Text("tacocat"), Text("")], "Int(0)"),
            ("indexOf", &[Text("tacocat"), Text("ac")], "Int(1)"),
            ("indexOf", &[Text("tacocat"), Text("none")], "Int(-1)"),
            ("indexOf", &[Text("tacocat"), Text("a"), Int(3)], "Int(5)"),
            ("indexOf", &[Text("ta©o©αT"), Text("©"), Int(3)], "Int(4)"),
            ("indexOf", &[Text("tacocat"), Text(""), Int(3)], "Int(3)"),
            ("indexOf", &[Text("tacocat"), Text("a"), Int(30)], "Int(-1)"),
            ("indexOf", &[Text("tacocat"), Text("a"), Int(-1)], "index-out-of-range"),
            ("lastIndexOf", &[Text("tacocat"), Text("")], "Int(7)"),
            ("lastIndexOf", &[Text("tacocat"), Text("at")], "Int(5)"),
            ("lastIndexOf", &[Text("tacocat"), Text("none")], "Int(-1)"),
            ("lastIndexOf", &[Text("ta©o©αT"), Text("©"), Int(3)], "Int(2)"),
            ("lastIndexOf", &[Text("ta©o©αT"), Text("©α"), Int(4)], "Int(4)"),
            ("lastIndexOf", &[Text("ta©o©αT"), Text("a"), Int(2)], "Int(1)"),
            ("lastIndexOf", &[Text("tacocat"), Text("cat"), Int(6)], "Int(4)"),
            ("lastIndexOf", &[Text("tacocat"), Text("a"), Int(30)], "Int(-1)"),
            ("lastIndexOf", &[Text("tacocat"), Text("a"), Int(-1)], "index-out-of-range"),
        ]);
    }

    #[test]
    fn changes() {
        check(&[
            ("lowerAscii", &[Text("TacoCÆt")], r#"String("tacocÆt")"#),
            ("upperAscii", &[Text("tacoCÆt")], r#"String("TACOCÆT")"#),
            ("trim", &[Text(" \u{85}\ttext \u{2000}\n")], r#"String("text")"#),
            ("trim", &[Text("\u{200b}x")], r#"String("\u{200b}x")"#),
            ("reverse", &[Text("ta©α")], r#"String("α©at")"#),
            ("replace", &[Text("12 days"), Text("{0}"), Text("2")], r#"String("12 days")"#),
            ("replace", &[Text("abab"), Text("a"), Text("xy")], r#"String("xybxyb")"#),
            ("replace", &[Text("abab"), Text("a"), Text(""), Int(1)], r#"String("bab")"#),
            ("replace", &[Text("abab"), Text("a"), Text("x"), Int(0)], r#"String("abab")"#),
            ("replace", &[Text("abab"), Text("a"), Text("x"), Int(-1)], r#"String("xbxb")"#),
            ("replace", &[Text("ab"), Text(""), Text("_")], r#"String("_a_b_")"#),
            ("replace", &[Text("ab"), Text(""), Text("_"), Int(2)], r#"String("_a_b")"#),
            ("strings.quote", &[Text("a\"\\\n\u{7}é")], r#"String("\"a\\\"\\\\\\n\\aé\"")"#),
            ("trim", &[Int(1)], "no-such-overload"),
        ]);
    }

    #[test]
    fn parts_and_wholes() {
        check(&[
            ("split", &[Text("a,b,c"), Text(",")], r#"List([String("a"), String("b"), String("c")])"#),
            ("split", &[Text("a,b,c"), Text(","), Int(2)], r#"List([String("a"), String("b,c")])"#),
            ("split", &[Text("a,b"), Text(","), Int(0)], "List([])"),
            ("split", &[Text("a,b"), Text(","), Int(1)], r#"List([String("a,b")])"#),
            ("split", &[Text("a,b"), Text(","), Int(-1)], r#"List([String("a"), String("b")])"#),
            ("split", &[Text("aé"), Text("")], r#"List([String("a"), String("é")])"#),
            ("split", &[Text("aéb"), Text(""), Int(2)], r#"List([String("a"), String("éb")])"#),
            ("split", &[Text(""), Text(",")], r#"List([String("")])"#),
            ("split", &[Text(""), Text("")], "List([])"),
            ("split", &[Text("a,"), Text(",")], r#"List([String("a"), String("")])"#),
            ("join", &[Value::List(&[Text("a"), Text(""), Text("b")]), Text("-")], r#"String("a--b")"#),
            ("join", &[Value::List(&[Text("a"), Text("b")])], r#"String("ab")"#),
            ("join", &[Value::List(&[]), Text("-")], r#"String("")"#),
            ("join", &[Value::List(&[Int(1)])], "no-such-overload"),
        ]);
    }
}
