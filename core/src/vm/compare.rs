//! Equality, order and membership as CEL defines them: numbers compare across their types, values of different
//! types are unequal, and order exists only within a type.

use core::cmp::Ordering;

use bumpalo::Bump;

use super::error::EvalErrorKind;
use super::value::Value;
use crate::artifact::tables::Scalar;
use crate::context::json::{self, JsonKind};

/// Deepest nesting that equality of lists and maps descends into; deeper values are unequal-by-error.
const MAX_EQUALITY_DEPTH: usize = 16;

/// `==`; `None` when the values nest too deeply to be compared.
pub(super) fn equal<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Bump) -> Option<bool> {
    equal_at(a, b, arena, MAX_EQUALITY_DEPTH)
}

fn equal_at<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Bump, depth: usize) -> Option<bool> {
    if let Some(ordering) = numeric(a, b) {
        return Some(ordering == Some(Ordering::Equal));
    }
    match (a, b) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::String(a), Value::String(b)) => Some(a == b),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a == b),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a == b),
        _ if is_list(a) && is_list(b) => equal_lists(a, b, arena, depth.checked_sub(1)?),
        _ if is_map(a) && is_map(b) => equal_maps(a, b, arena, depth.checked_sub(1)?),
        _ => Some(false),
    }
}

fn equal_lists<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Bump, depth: usize) -> Option<bool> {
    if length(a) != length(b) {
        return Some(false);
    }
    for (a, b) in elements(a, arena).zip(elements(b, arena)) {
        if !equal_at(a, b, arena, depth)? {
            return Some(false);
        }
    }
    Some(true)
}

fn equal_maps<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Bump, depth: usize) -> Option<bool> {
    let (Value::Json(a, a_type), Value::Json(b, b_type)) = (a, b) else {
        return Some(false);
    };
    if json::members(a).count() != json::members(b).count() {
        return Some(false);
    }
    for (key, value) in json::members(a) {
        let key = json::string_content(key);
        let Some((_, other)) = json::members(b).find(|(other, _)| json::string_content(other) == key) else {
            return Some(false);
        };
        if !equal_at(Value::json(value, a_type, arena), Value::json(other, b_type, arena), arena, depth)? {
            return Some(false);
        }
    }
    Some(true)
}

/// The order of two numbers of any numeric types; the outer `None` says that they are not both numbers, the
/// inner one that one is not a number (NaN).
fn numeric(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(&b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(&b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Value::Int(a), Value::Double(b)) => integer_to_double(i128::from(a), b),
        (Value::Uint(a), Value::Double(b)) => integer_to_double(i128::from(a), b),
        (Value::Double(a), Value::Int(b)) => integer_to_double(i128::from(b), a).map(Ordering::reverse),
        (Value::Double(a), Value::Uint(b)) => integer_to_double(i128::from(b), a).map(Ordering::reverse),
        _ => return None,
    })
}

/// Compares without losing digits: beyond 2^64 the double decides alone, below it is an integer and a rest.
#[expect(clippy::as_conversions, reason = "a truncated double within 2^64 is an exact i128")]
fn integer_to_double(integer: i128, double: f64) -> Option<Ordering> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double <= -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = double.trunc();
    let fraction = 0.0_f64.partial_cmp(&(double - whole))?;
    Some(integer.cmp(&(whole as i128)).then(fraction))
}

/// `<` and its kin; the error is that the types have no order.
pub(super) fn order(a: Value<'_>, b: Value<'_>) -> Result<Option<Ordering>, EvalErrorKind> {
    if let Some(ordering) = numeric(a, b) {
        return Ok(ordering);
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(&b))),
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(Some(a.cmp(&b))),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `in`: an element of a list, a key of a map.
pub(super) fn member<'a>(value: Value<'a>, of: Value<'a>, arena: &'a Bump) -> Result<bool, EvalErrorKind> {
    match (value, of) {
        (Value::String(value), Value::StringSet(words)) => {
            Ok(words.binary_search_by(|word| word.as_str().cmp(value)).is_ok())
        }
        (_, Value::StringSet(_)) => Ok(false),
        (Value::String(name), Value::Headers(headers)) => Ok(headers.contains(name)),
        (Value::String(name), Value::Json(text, _)) if json::kind(text) == JsonKind::Object => {
            Ok(find_member(text, name).is_some())
        }
        _ if is_list(of) => {
            for element in elements(of, arena) {
                if equal(value, element, arena).ok_or(EvalErrorKind::NoSuchOverload)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// The text of an object's member of that name; the last one when the name is there twice.
pub(super) fn find_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let same = |key: &str| json::string_content(key).is_some_and(|key| key == name);
    json::members(object).filter(|(key, _)| same(key)).last().map(|(_, value)| value)
}

fn is_list(value: Value<'_>) -> bool {
    match value {
        Value::Json(text, _) => json::kind(text) == JsonKind::Array,
        Value::Constants(_) | Value::StringSet(_) | Value::List(_) => true,
        _ => false,
    }
}

fn is_map(value: Value<'_>) -> bool {
    matches!(value, Value::Json(text, _) if json::kind(text) == JsonKind::Object)
}

/// The number of elements or members; `None` for a value without a size.
pub(super) fn length(value: Value<'_>) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Bytes(bytes) => Some(bytes.len()),
        Value::Json(text, _) if json::kind(text) == JsonKind::Array => Some(json::elements(text).count()),
        Value::Json(text, _) => Some(json::members(text).count()),
        Value::Constants(items) => Some(items.len()),
        Value::StringSet(items) => Some(items.len()),
        Value::List(items) => Some(items.len()),
        Value::Headers(headers) => {
            let mut names: Vec<&[u8]> = headers.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            Some(names.len())
        }
        _ => None,
    }
}

/// The elements of a list, in order; nothing for any other value.
pub(super) fn elements<'a>(list: Value<'a>, arena: &'a Bump) -> impl Iterator<Item = Value<'a>> {
    let (text, scalar) = if let Value::Json(text, scalar) = list { (text, scalar) } else { ("[]", Scalar::Any) };
    let constants = if let Value::Constants(items) = list { items } else { &[] };
    let words = if let Value::StringSet(words) = list { words } else { &[] };
    let made = if let Value::List(items) = list { items } else { &[] };
    json::elements(text)
        .map(move |text| Value::json(text, scalar, arena))
        .chain(constants.iter().map(Value::constant))
        .chain(words.iter().map(|word| Value::String(word)))
        .chain(made.iter().copied())
}
