//! Lists and maps of all representations: JSON text, constants, headers or values.

use core::cmp::Ordering;

use super::attribute;
use super::cost::units;
use super::cursor::Cursor;
use super::env::{Env, Outcome};
use super::error::EvalErrorKind;
use super::numeric::numeric;
use super::pairs;
use super::value::Value;
use crate::context::json::{self, JsonKind};

/// Returns the number of characters, bytes, elements or entries.
///
/// # Errors
/// The value has no size.
#[inline(never)]
pub(super) fn length<'a>(value: Value<'a>, env: &mut Env<'a>) -> Result<usize, EvalErrorKind> {
    env.burn(units(value))?;
    match value {
        Value::String(text) => Ok(text.chars().count()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        Value::Json(text, _) if json::kind(text) == JsonKind::Array => Ok(json::elements(text).count()),
        Value::Json(text, _) => Ok(json::members(text).count()),
        Value::JsonList(list) => Ok(list.items.len()),
        Value::JsonMap(map) => Ok(map.items.len()),
        Value::Constants(items) => Ok(items.len()),
        Value::StringSet(items) => Ok(items.len()),
        Value::List(items) => Ok(items.len()),
        Value::ConstantMap(entries) => Ok(entries.len()),
        Value::Map(entries) => Ok(entries.len()),
        Value::Pairs(pairs) => Ok(pairs.len()),
        Value::Headers(_) => {
            let mut names = Cursor::new(value);
            let mut count = 0_usize;
            while names.next(env, false)?.is_some() {
                count = count.saturating_add(1);
            }
            Ok(count)
        }
        Value::Error(error) => Err(error.kind),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Returns the value of a map's key, if it is present. A double finds the integer that it equals.
///
/// # Errors
/// The value is not a map, or there is not enough fuel.
#[inline(never)]
pub(super) fn find<'a>(map: Value<'a>, key: Value<'a>, env: &mut Env<'a>) -> Result<Option<Value<'a>>, EvalErrorKind> {
    env.burn(units(map))?;
    match (map, key) {
        (Value::Json(text, scalar), _) if json::kind(text) == JsonKind::Object => match key {
            Value::String(name) => Ok(find_member(text, name).map(|text| Value::json(text, scalar, env))),
            _ => Ok(None),
        },
        (Value::JsonMap(map), Value::String(name)) => {
            let named = map.items.iter().rfind(|(key, _)| matches!(key, Value::String(key) if *key == name));
            Ok(named.map(|(_, value)| *value))
        }
        (Value::JsonMap(_), _) => Ok(None),
        (Value::Headers(headers), Value::String(name)) => {
            let found = headers.contains(attribute::map_name(name));
            Ok(found.then(|| attribute::header(headers, name, EvalErrorKind::NoSuchKey, env)))
        }
        (Value::Pairs(pairs), Value::String(name)) => Ok(pairs::find(pairs, name)),
        (Value::Headers(_) | Value::Pairs(_), _) => Ok(None),
        (Value::ConstantMap(entries), _) => {
            let place = entries.binary_search_by(|(known, _)| search_order(Value::constant(known), key));
            let entry = place.ok().and_then(|place| entries.get(place));
            Ok(entry.map(|(_, value)| Value::constant(value)))
        }
        (Value::Map(entries), _) => {
            let place = entries.binary_search_by(|(known, _)| search_order(*known, key));
            Ok(place.ok().and_then(|place| entries.get(place)).map(|(_, value)| *value))
        }
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Returns the order of a map's key and a wanted value. A value that cannot be a key comes after all keys.
fn search_order(known: Value<'_>, wanted: Value<'_>) -> Ordering {
    key_order(known, wanted).unwrap_or(Ordering::Less)
}

/// Returns the order of the keys in a map: bools, numbers, strings. Returns `None` for a value that cannot be a key,
/// except that a number may be a double.
pub(super) fn key_order(a: Value<'_>, b: Value<'_>) -> Option<Ordering> {
    if let Some(ordering) = numeric(a, b) {
        return ordering;
    }
    let rank = |value: Value<'_>| match value {
        Value::Bool(_) => Some(0_u8),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => Some(1),
        Value::String(_) => Some(2),
        _ => None,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => Some(rank(a)?.cmp(&rank(b)?)),
    }
}

/// Returns the text of an object's member with this name; the last one if the name is repeated.
fn find_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    json::members(object).filter(|(key, _)| json::is_string(key, name)).last().map(|(_, value)| value)
}

/// `a[b]`: an element of a list or the value of a key.
///
/// # Errors
/// It is not present, or the types do not fit.
#[inline(never)]
pub(super) fn index<'a>(of: Value<'a>, index: Value<'a>, env: &mut Env<'a>) -> Outcome<'a> {
    if of.is_map() {
        return match index {
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_) => {
                find(of, index, env)?.ok_or(EvalErrorKind::NoSuchKey)
            }
            _ => Err(EvalErrorKind::NoSuchOverload),
        };
    }
    if !of.is_list() {
        return Err(EvalErrorKind::NoSuchOverload);
    }
    element(of, list_index(index)?, env)?.ok_or(EvalErrorKind::IndexOutOfRange)
}

/// Returns an index of a list: an integer of any numeric type.
fn list_index(index: Value<'_>) -> Result<usize, EvalErrorKind> {
    let index = match index {
        Value::Int(index) => usize::try_from(index).ok(),
        Value::Uint(index) => usize::try_from(index).ok(),
        Value::Double(double) => match super::library::convert::exact_i64(double) {
            Some(index) => usize::try_from(index).ok(),
            None => return Err(EvalErrorKind::NoSuchOverload),
        },
        _ => return Err(EvalErrorKind::NoSuchOverload),
    };
    index.ok_or(EvalErrorKind::IndexOutOfRange)
}

/// Returns the element of a list at an index, if the list is long enough.
pub(super) fn element<'a>(
    list: Value<'a>,
    index: usize,
    env: &mut Env<'a>,
) -> Result<Option<Value<'a>>, EvalErrorKind> {
    Ok(match list {
        Value::List(items) => items.get(index).copied(),
        Value::JsonList(list) => list.items.get(index).copied(),
        Value::Constants(items) => items.get(index).map(Value::constant),
        Value::StringSet(items) => items.get(index).map(|item| Value::String(item)),
        Value::Json(text, scalar) => {
            env.burn_text(text.len())?;
            json::elements(text).nth(index).map(|text| Value::json(text, scalar, env))
        }
        _ => None,
    })
}

/// Returns the elements of a list, all of them as values.
///
/// # Errors
/// The value is not a list, or one of its elements is an error.
#[inline(never)]
pub(super) fn values<'a>(list: Value<'a>, env: &mut Env<'a>) -> Result<&'a [Value<'a>], EvalErrorKind> {
    match list {
        Value::List(items) => return Ok(items),
        Value::JsonList(list) => return list.error.map_or(Ok(list.items), Err),
        _ => {}
    }
    if !list.is_list() {
        return Err(EvalErrorKind::NoSuchOverload);
    }
    let count = length(list, env)?;
    env.reserve(count.saturating_mul(size_of::<Value<'_>>()))?;
    let mut items = bumpalo::collections::Vec::with_capacity_in(count, env.arena);
    let mut elements = Cursor::new(list);
    while let Some((_, element)) = elements.next(env, true)? {
        items.push(element.or_error()?);
    }
    Ok(items.into_bump_slice())
}
