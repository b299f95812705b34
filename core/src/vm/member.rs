//! `in`: whether a list contains an element, a map a key, or a set of networks an address.

use super::collection::find;
use super::compare;
use super::cost::{text_units, units};
use super::cursor::Cursor;
use super::env::Env;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::address;
use crate::context::json::{self, JsonKind};
use crate::tables::Scalar;

/// `in`: an element of a list, a key of a map.
///
/// # Errors
/// The value is neither list nor map; or an element is an error and no element equals the value.
pub(super) fn member<'a>(value: Value<'a>, of: Value<'a>, env: &mut Env<'a>) -> Result<bool, EvalErrorKind> {
    match (value, of) {
        (Value::String(value), Value::StringSet(words)) => {
            Ok(words.binary_search_by(|word| word.as_str().cmp(value)).is_ok())
        }
        (_, Value::StringSet(_)) => Ok(false),
        (Value::Ip(address), Value::Networks(networks)) => Ok(networks.contains(address)),
        (Value::String(text), Value::Networks(networks)) => {
            address::parse(text).map(|address| networks.contains(address)).ok_or(EvalErrorKind::InvalidArgument)
        }
        (Value::String(value), Value::Json(text, Scalar::String)) if json::kind(text) == JsonKind::Array => {
            has_string(text, value, env)
        }
        (Value::String(text), Value::JsonList(list)) => has_text(text, list.items, env),
        (_, Value::JsonList(list)) => has_element(value, list.items.iter().copied(), env),
        (_, Value::List(items)) => has_element(value, items.iter().copied(), env),
        (_, Value::Constants(items)) => has_element(value, items.iter().map(Value::constant), env),
        (Value::String(name), Value::Headers(headers)) => {
            env.burn(units(of))?;
            Ok(headers.contains(super::attribute::map_name(name)))
        }
        _ if of.is_map() => Ok(find(of, value, env)?.is_some()),
        _ if of.is_list() => {
            let mut elements = Cursor::new(of);
            let mut error = None;
            while let Some((_, element)) = elements.next(env, true)? {
                if is(value, element, &mut error, env)? {
                    return Ok(true);
                }
            }
            error.map_or(Ok(false), Err)
        }
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn has_element<'a>(
    value: Value<'a>,
    elements: impl Iterator<Item = Value<'a>>,
    env: &mut Env<'a>,
) -> Result<bool, EvalErrorKind> {
    let mut error = None;
    for element in elements {
        if is(value, element, &mut error, env)? {
            return Ok(true);
        }
    }
    error.map_or(Ok(false), Err)
}

/// Returns whether the element equals the value. An error of the element is kept in `error`, because a later element
/// may equal the value.
#[inline]
fn is<'a>(
    value: Value<'a>,
    element: Value<'a>,
    error: &mut Option<EvalErrorKind>,
    env: &mut Env<'a>,
) -> Result<bool, EvalErrorKind> {
    env.burn(1)?;
    Ok(compare::equal(value, element, env).unwrap_or_else(|kind| {
        *error = Some(kind);
        false
    }))
}

/// Returns the same as [`has_element`], for the most frequent type.
fn has_text(text: &str, elements: &[Value<'_>], env: &mut Env<'_>) -> Result<bool, EvalErrorKind> {
    let mut error = None;
    for element in elements {
        env.burn(1)?;
        match element {
            Value::String(element) => {
                env.burn_text(element.len().min(text.len()))?;
                if *element == text {
                    return Ok(true);
                }
            }
            Value::Error(element) => error = Some(element.kind),
            _ => {}
        }
    }
    error.map_or(Ok(false), Err)
}

/// Returns whether an array of strings contains this one. The strings are compared in place.
fn has_string(array: &str, value: &str, env: &mut Env<'_>) -> Result<bool, EvalErrorKind> {
    let mut all_strings = true;
    for element in json::elements(array) {
        env.burn(text_units(element.len()).saturating_add(1))?;
        if json::is_string(element, value) {
            return Ok(true);
        }
        all_strings &= json::kind(element) == JsonKind::String;
    }
    if all_strings { Ok(false) } else { Err(EvalErrorKind::NoSuchOverload) }
}
