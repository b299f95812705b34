//! Lists and maps, whatever they are made of: JSON text, constants, headers or values.

use core::cmp::Ordering;
use core::slice::Iter;

use super::attribute;
use super::compare;
use super::env::{Env, Outcome};
use super::error::EvalErrorKind;
use super::value::Value;
use crate::artifact::tables::{Scalar, ScalarConstant};
use crate::context::json::{self, JsonKind};
use crate::headers::Headers;

/// Whether it is a list.
pub(super) fn is_list(value: Value<'_>) -> bool {
    match value {
        Value::Json(text, _) => json::kind(text) == JsonKind::Array,
        Value::Constants(_) | Value::StringSet(_) | Value::List(_) | Value::JsonList(_) => true,
        _ => false,
    }
}

/// Whether it is a map.
pub(super) fn is_map(value: Value<'_>) -> bool {
    match value {
        Value::Json(text, _) => json::kind(text) == JsonKind::Object,
        Value::Headers(_) | Value::ConstantMap(_) | Value::Map(_) | Value::JsonMap(_) => true,
        _ => false,
    }
}

/// The size of a value in units of fuel, as far as it can be told at a glance: what the elements of a list that a
/// condition made contain is not among it.
pub(super) fn units(value: Value<'_>) -> u64 {
    let elements = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    match value {
        Value::String(text) | Value::Json(text, _) => super::cost::text_units(text.len()),
        Value::Bytes(bytes) => super::cost::text_units(bytes.len()),
        Value::JsonList(list) => super::cost::text_units(list.text.len()),
        Value::JsonMap(map) => super::cost::text_units(map.text.len()),
        Value::Constants(items) => elements(items.len()),
        Value::List(items) => elements(items.len()),
        // A look-up, where there is something to find.
        Value::StringSet(words) => elements(words.len().min(1)),
        Value::ConstantMap(entries) => elements(entries.len().min(1)),
        Value::Map(entries) => elements(entries.len().min(1)),
        Value::Headers(headers) => elements(headers.len()),
        _ => 0,
    }
}

/// The number of characters, bytes, elements or entries.
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

/// Walks over a list or a map.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    index: i64,
    source: Source<'a>,
}

#[derive(Debug, Clone)]
enum Source<'a> {
    Elements(json::Elements<'a>, Scalar),
    Members(json::Members<'a>, Scalar),
    Constants(Iter<'a, ScalarConstant>),
    Words(Iter<'a, String>),
    Values(Iter<'a, Value<'a>>),
    ConstantEntries(Iter<'a, (ScalarConstant, ScalarConstant)>),
    Entries(Iter<'a, (Value<'a>, Value<'a>)>),
    Headers(&'a Headers<'a>),
}

impl<'a> Cursor<'a> {
    /// In front of the first element; of an empty list for a value that is neither list nor map.
    pub(super) fn new(value: Value<'a>) -> Self {
        let source = match value {
            Value::Json(text, scalar) if json::kind(text) == JsonKind::Array => {
                Source::Elements(json::elements(text), scalar)
            }
            Value::Json(text, scalar) => Source::Members(json::members(text), scalar),
            Value::Headers(headers) => Source::Headers(headers),
            Value::Constants(items) => Source::Constants(items.iter()),
            Value::StringSet(items) => Source::Words(items.iter()),
            Value::List(items) => Source::Values(items.iter()),
            Value::JsonList(list) => Source::Values(list.items.iter()),
            Value::JsonMap(map) => Source::Entries(map.items.iter()),
            Value::ConstantMap(entries) => Source::ConstantEntries(entries.iter()),
            Value::Map(entries) => Source::Entries(entries.iter()),
            _ => Source::Values([].iter()),
        };
        Self { index: 0, source }
    }

    /// Whether it walks over a map.
    pub(super) fn is_map(&self) -> bool {
        use Source::{ConstantEntries, Entries, Headers, Members};
        matches!(self.source, Members(..) | ConstantEntries(_) | Entries(_) | Headers(_))
    }

    /// The next element of a list of values that are made already; `None` for anything else.
    #[inline]
    pub(super) fn next_made(&mut self) -> Option<Option<Value<'a>>> {
        let Source::Values(items) = &mut self.source else { return None };
        let item = items.next().copied();
        if item.is_some() {
            self.index = self.index.saturating_add(1);
        }
        Some(item)
    }

    /// The next index and element of a list, or key and value of a map. Without `with_value` the value of a map
    /// may be left out.
    ///
    /// # Errors
    /// There is not enough fuel to read it.
    #[inline(never)]
    pub(super) fn next(
        &mut self,
        env: &mut Env<'a>,
        with_value: bool,
    ) -> Result<Option<(Value<'a>, Value<'a>)>, EvalErrorKind> {
        let index = Value::Int(self.index);
        let item = match &mut self.source {
            Source::Elements(elements, scalar) => match elements.next() {
                Some(text) => {
                    env.burn_text(text.len())?;
                    Some((index, Value::json(text, *scalar, env)))
                }
                None => None,
            },
            Source::Members(members, scalar) => match members.next() {
                Some((key, text)) => {
                    env.burn_text(key.len().saturating_add(text.len()))?;
                    let value = if with_value { Value::json(text, *scalar, env) } else { Value::Null };
                    Some((Value::json_string(key, env), value))
                }
                None => None,
            },
            Source::Constants(items) => items.next().map(|item| (index, Value::constant(item))),
            Source::Words(items) => items.next().map(|item| (index, Value::String(item))),
            Source::Values(items) => items.next().map(|item| (index, *item)),
            Source::ConstantEntries(entries) => {
                entries.next().map(|(key, value)| (Value::constant(key), Value::constant(value)))
            }
            Source::Entries(entries) => entries.next().copied(),
            Source::Headers(headers) => {
                let headers = *headers;
                return self.next_header(headers, env, with_value);
            }
        };
        if item.is_some() {
            self.index = self.index.saturating_add(1);
        }
        Ok(item)
    }

    /// A repeated header is one entry, where its name stands first.
    fn next_header(
        &mut self,
        headers: &'a Headers<'a>,
        env: &mut Env<'a>,
        with_value: bool,
    ) -> Result<Option<(Value<'a>, Value<'a>)>, EvalErrorKind> {
        loop {
            let at = usize::try_from(self.index).unwrap_or(usize::MAX);
            self.index = self.index.saturating_add(1);
            let Some((name, _)) = headers.iter().nth(at) else { return Ok(None) };
            env.burn(units(Value::Headers(headers)))?;
            if headers.iter().take(at).any(|(earlier, _)| earlier == name) {
                continue;
            }
            let Ok(name) = core::str::from_utf8(name) else {
                return Ok(Some((Value::error(EvalErrorKind::NotText), Value::Null)));
            };
            let value =
                if with_value { attribute::header(headers, name, EvalErrorKind::NoSuchKey, env) } else { Value::Null };
            return Ok(Some((Value::String(name), value)));
        }
    }
}

/// The value of a map's key, if it is there. A double finds the integer that it equals.
///
/// # Errors
/// The value is no map, or there is not enough fuel.
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
            let found = headers.contains(name);
            Ok(found.then(|| attribute::header(headers, name, EvalErrorKind::NoSuchKey, env)))
        }
        (Value::Headers(_), _) => Ok(None),
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

/// The order of a map's key and what is looked for. What cannot be a key is beyond all of them.
fn search_order(known: Value<'_>, wanted: Value<'_>) -> Ordering {
    key_order(known, wanted).unwrap_or(Ordering::Less)
}

/// The order of the keys in a map: bools, numbers, strings. `None` for what cannot be a key, except that a number
/// may be a double.
pub(super) fn key_order(a: Value<'_>, b: Value<'_>) -> Option<Ordering> {
    if let Some(ordering) = compare::numeric(a, b) {
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

/// The text of an object's member of that name; the last one when the name is there twice.
fn find_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    json::members(object).filter(|(key, _)| json::is_string(key, name)).last().map(|(_, value)| value)
}

/// `a[b]`: an element of a list or the value of a key.
///
/// # Errors
/// It is not there, or the types do not fit.
#[inline(never)]
pub(super) fn index<'a>(of: Value<'a>, index: Value<'a>, env: &mut Env<'a>) -> Outcome<'a> {
    if is_map(of) {
        return match index {
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_) => {
                find(of, index, env)?.ok_or(EvalErrorKind::NoSuchKey)
            }
            _ => Err(EvalErrorKind::NoSuchOverload),
        };
    }
    if !is_list(of) {
        return Err(EvalErrorKind::NoSuchOverload);
    }
    element(of, list_index(index)?, env)?.ok_or(EvalErrorKind::IndexOutOfRange)
}

/// An index of a list: an integer, of whatever type.
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

/// The element of a list at an index, if the list is that long.
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

/// `in`: an element of a list, a key of a map.
///
/// # Errors
/// The value is neither list nor map; an element is an error and none is the value.
pub(super) fn member<'a>(value: Value<'a>, of: Value<'a>, env: &mut Env<'a>) -> Result<bool, EvalErrorKind> {
    match (value, of) {
        (Value::String(value), Value::StringSet(words)) => {
            Ok(words.binary_search_by(|word| word.as_str().cmp(value)).is_ok())
        }
        (_, Value::StringSet(_)) => Ok(false),
        (Value::String(value), Value::Json(text, Scalar::String)) if json::kind(text) == JsonKind::Array => {
            has_string(text, value, env)
        }
        (Value::String(text), Value::JsonList(list)) => has_text(text, list.items, env),
        (_, Value::JsonList(list)) => has_element(value, list.items.iter().copied(), env),
        (_, Value::List(items)) => has_element(value, items.iter().copied(), env),
        (_, Value::Constants(items)) => has_element(value, items.iter().map(Value::constant), env),
        (Value::String(name), Value::Headers(headers)) => {
            env.burn(units(of))?;
            Ok(headers.contains(name))
        }
        _ if is_map(of) => Ok(find(of, value, env)?.is_some()),
        _ if is_list(of) => {
            let mut elements = Cursor::new(of);
            let mut error = None;
            while let Some((_, element)) = elements.next(env, true)? {
                env.burn(1)?;
                match compare::equal(value, element, env) {
                    Ok(true) => return Ok(true),
                    Ok(false) => {}
                    Err(kind) => error = Some(kind),
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
        env.burn(1)?;
        match compare::equal(value, element, env) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(kind) => error = Some(kind),
        }
    }
    error.map_or(Ok(false), Err)
}

/// As [`has_element`], for what is asked most often.
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

/// Whether an array of strings has this one. The strings are compared where they stand.
fn has_string(array: &str, value: &str, env: &mut Env<'_>) -> Result<bool, EvalErrorKind> {
    let mut all_strings = true;
    for element in json::elements(array) {
        env.burn(super::cost::text_units(element.len()).saturating_add(1))?;
        if json::is_string(element, value) {
            return Ok(true);
        }
        all_strings &= json::kind(element) == JsonKind::String;
    }
    if all_strings { Ok(false) } else { Err(EvalErrorKind::NoSuchOverload) }
}

/// The elements of a list, all of them values.
///
/// # Errors
/// The value is no list, or one of its elements is an error.
#[inline(never)]
pub(super) fn values<'a>(list: Value<'a>, env: &mut Env<'a>) -> Result<&'a [Value<'a>], EvalErrorKind> {
    match list {
        Value::List(items) => return Ok(items),
        Value::JsonList(list) => return list.error.map_or(Ok(list.items), Err),
        _ => {}
    }
    if !is_list(list) {
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
