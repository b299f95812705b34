//! Equality and order as CEL defines them: numbers compare across their types, values of different types are unequal,
//! and only values of the same type have an order.

use core::cmp::Ordering;

use super::collection;
use super::cursor::Cursor;
use super::env::Env;
use super::error::EvalErrorKind;
use super::numeric::numeric;
use super::value::Value;
use crate::limits::MAX_VALUE_DEPTH;

/// `==`. Takes fuel for everything that it reads.
///
/// # Errors
/// An element that is an error; values nested deeper than [`MAX_VALUE_DEPTH`].
#[inline]
pub(super) fn equal<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>) -> Result<bool, EvalErrorKind> {
    match (a, b) {
        // The values that most conditions compare, without a call.
        (Value::String(a), Value::String(b)) => equal_bytes(a.as_bytes(), b.as_bytes(), env),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        _ => equal_at(a, b, env, MAX_VALUE_DEPTH),
    }
}

#[inline]
fn equal_bytes(a: &[u8], b: &[u8], env: &mut Env<'_>) -> Result<bool, EvalErrorKind> {
    env.burn_text(a.len().min(b.len()))?;
    Ok(a == b)
}

fn equal_at<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<bool, EvalErrorKind> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => equal_bytes(a.as_bytes(), b.as_bytes(), env),
        (Value::Bytes(a), Value::Bytes(b)) => equal_bytes(a, b, env),
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(a == b),
        (Value::Duration(a), Value::Duration(b)) => Ok(a == b),
        (Value::Type(a), Value::Type(b)) => Ok(a == b),
        (Value::Ip(a), Value::Ip(b)) => Ok(a == b),
        (Value::Cidr(a, a_bits), Value::Cidr(b, b_bits)) => Ok(a == b && a_bits == b_bits),
        (Value::Optional(None), Value::Optional(None)) => Ok(true),
        (Value::Error(error), _) | (_, Value::Error(error)) => Err(error.kind),
        _ => {
            let depth = depth.checked_sub(1).ok_or(EvalErrorKind::TooDeep)?;
            equal_nested(a, b, env, depth)
        }
    }
}

fn equal_nested<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<bool, EvalErrorKind> {
    if let Some(ordering) = numeric(a, b) {
        return Ok(ordering == Some(Ordering::Equal));
    }
    match (a, b) {
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => equal_at(*a, *b, env, depth),
        _ if a.is_list() && b.is_list() => equal_lists(a, b, env, depth),
        _ if a.is_map() && b.is_map() => equal_maps(a, b, env, depth),
        _ => Ok(false),
    }
}

fn equal_lists<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<bool, EvalErrorKind> {
    let (mut left, mut right) = (Cursor::new(a), Cursor::new(b));
    loop {
        env.burn(1)?;
        match (left.next(env, true)?, right.next(env, true)?) {
            (None, None) => return Ok(true),
            (Some((_, a)), Some((_, b))) if equal_at(a, b, env, depth)? => {}
            _ => return Ok(false),
        }
    }
}

fn equal_maps<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>, depth: usize) -> Result<bool, EvalErrorKind> {
    if collection::length(a, env)? != collection::length(b, env)? {
        return Ok(false);
    }
    let mut entries = Cursor::new(a);
    while let Some((key, value)) = entries.next(env, true)? {
        env.burn(1)?;
        match collection::find(b, key, env)? {
            Some(other) if equal_at(value, other, env, depth)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// `<`, `<=`, `>` and `>=`. Returns `None` for a comparison with NaN. Takes fuel for everything that it reads.
///
/// # Errors
/// The types have no order.
pub(super) fn order<'a>(a: Value<'a>, b: Value<'a>, env: &mut Env<'a>) -> Result<Option<Ordering>, EvalErrorKind> {
    if let Some(ordering) = numeric(a, b) {
        return Ok(ordering);
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(&b))),
        (Value::String(a), Value::String(b)) => {
            env.burn_text(a.len().min(b.len()))?;
            Ok(Some(a.cmp(b)))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            env.burn_text(a.len().min(b.len()))?;
            Ok(Some(a.cmp(b)))
        }
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(Some(a.cmp(&b))),
        (Value::Duration(a), Value::Duration(b)) => Ok(Some(a.cmp(&b))),
        (Value::Error(error), _) | (_, Value::Error(error)) => Err(error.kind),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}
