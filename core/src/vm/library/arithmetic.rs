//! The arithmetic operators. Their result is exact or an error, and never wraps around.

use super::time;
use crate::vm::collection;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

fn int<'a>(result: Option<i64>) -> Outcome<'a> {
    result.map(Value::Int).ok_or(EvalErrorKind::Overflow)
}

fn uint<'a>(result: Option<u64>) -> Outcome<'a> {
    result.map(Value::Uint).ok_or(EvalErrorKind::Overflow)
}

fn duration<'a>(result: Option<i64>) -> Outcome<'a> {
    result.map(Value::Duration).ok_or(EvalErrorKind::Overflow)
}

/// `+`
pub(in crate::vm) fn add<'a>(env: &mut Env<'a>, a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match (a, b) {
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_add(b)),
        (Value::Bytes(a), Value::Bytes(b)) => {
            env.reserve(a.len().saturating_add(b.len()))?;
            let mut joined = bumpalo::collections::Vec::with_capacity_in(a.len().saturating_add(b.len()), env.arena);
            joined.extend_from_slice_copy(a);
            joined.extend_from_slice_copy(b);
            Ok(Value::Bytes(joined.into_bump_slice()))
        }
        (Value::Timestamp(point), Value::Duration(nanos)) | (Value::Duration(nanos), Value::Timestamp(point)) => {
            time::later(point, nanos)
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_add(b)),
        _ if a.is_list() && b.is_list() => add_lists(env, a, b),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Concatenates two texts.
#[inline(never)]
pub(in crate::vm) fn concatenate<'a>(env: &mut Env<'a>, a: &str, b: &str) -> Outcome<'a> {
    let length = a.len().saturating_add(b.len());
    env.reserve(length)?;
    let mut joined = bumpalo::collections::String::with_capacity_in(length, env.arena);
    joined.push_str(a);
    joined.push_str(b);
    Ok(Value::String(joined.into_bump_str()))
}

fn add_lists<'a>(env: &mut Env<'a>, a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    let (a, b) = (collection::values(a, env)?, collection::values(b, env)?);
    env.reserve(size_of_val(a).saturating_add(size_of_val(b)))?;
    let mut joined = bumpalo::collections::Vec::with_capacity_in(a.len().saturating_add(b.len()), env.arena);
    joined.extend_from_slice_copy(a);
    joined.extend_from_slice_copy(b);
    Ok(Value::List(joined.into_bump_slice()))
}

/// `-`
pub(in crate::vm) fn subtract<'a>(a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match (a, b) {
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_sub(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => duration(time::between(a, b)),
        (Value::Timestamp(point), Value::Duration(nanos)) => {
            time::later(point, nanos.checked_neg().ok_or(EvalErrorKind::Overflow)?)
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_sub(b)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `*`
pub(in crate::vm) fn multiply<'a>(a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match (a, b) {
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_mul(b)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `/`
pub(in crate::vm) fn divide<'a>(a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match (a, b) {
        (Value::Uint(_), Value::Uint(0)) => Err(EvalErrorKind::DivisionByZero),
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_div(b)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `%`
pub(in crate::vm) fn remainder<'a>(a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match (a, b) {
        (Value::Uint(_), Value::Uint(0)) => Err(EvalErrorKind::DivisionByZero),
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_rem(b)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Unary `-` of a number.
pub(in crate::vm) fn negate(value: Value<'_>) -> Outcome<'_> {
    match value {
        Value::Int(value) => int(value.checked_neg()),
        Value::Double(value) => Ok(Value::Double(-value)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}
