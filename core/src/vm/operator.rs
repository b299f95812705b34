//! The binary operators.
//!
//! Numbers and strings, the types of most conditions, come first and return their value directly: a `Result` around it
//! would be copied in pieces, which takes longer than the operator.

use core::cmp::Ordering;

use super::compare;
use super::env::{Env, Outcome};
use super::error::EvalErrorKind;
use super::fuse::Operator;
use super::library::{arithmetic, strings};
use super::member::member;
use super::select::{select, select_optional};
use super::value::Value;

/// Applies an operator. The first error among its operands is its result.
#[inline]
pub(super) fn apply<'a>(operator: Operator, env: &mut Env<'a>, left: Value<'a>, right: Value<'a>) -> Value<'a> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => of_strings(operator, env, a, b),
        (Value::Int(a), Value::Int(b)) => of_ints(operator, a, b),
        (Value::Double(a), Value::Double(b)) => of_doubles(operator, a, b),
        (Value::Error(error), _) | (_, Value::Error(error)) => Value::Error(error),
        _ => of_others(operator, env, left, right).unwrap_or_else(Value::error),
    }
}

#[inline]
fn of_ints<'a>(operator: Operator, a: i64, b: i64) -> Value<'a> {
    let exact = |result: Option<i64>| match result {
        Some(result) => Value::Int(result),
        None => Value::error(EvalErrorKind::Overflow),
    };
    match operator {
        Operator::Eq => Value::Bool(a == b),
        Operator::Ne => Value::Bool(a != b),
        Operator::Lt => Value::Bool(a < b),
        Operator::Le => Value::Bool(a <= b),
        Operator::Gt => Value::Bool(a > b),
        Operator::Ge => Value::Bool(a >= b),
        Operator::Add => exact(a.checked_add(b)),
        Operator::Sub => exact(a.checked_sub(b)),
        Operator::Mul => exact(a.checked_mul(b)),
        Operator::Div | Operator::Mod if b == 0 => Value::error(EvalErrorKind::DivisionByZero),
        Operator::Div => exact(a.checked_div(b)),
        Operator::Mod => exact(a.checked_rem(b)),
        _ => NO_OVERLOAD,
    }
}

#[inline]
fn of_doubles<'a>(operator: Operator, a: f64, b: f64) -> Value<'a> {
    match operator {
        Operator::Eq => Value::Bool(a == b),
        Operator::Ne => Value::Bool(a != b),
        // NaN has no order.
        Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge if a.is_nan() || b.is_nan() => NO_ORDER,
        Operator::Lt => Value::Bool(a < b),
        Operator::Le => Value::Bool(a <= b),
        Operator::Gt => Value::Bool(a > b),
        Operator::Ge => Value::Bool(a >= b),
        Operator::Add => Value::Double(a + b),
        Operator::Sub => Value::Double(a - b),
        Operator::Mul => Value::Double(a * b),
        Operator::Div => Value::Double(a / b),
        _ => NO_OVERLOAD,
    }
}

/// Applies an operator to strings. `startsWith` and `endsWith` only read as much of the text as the part is long.
#[inline]
fn of_strings<'a>(operator: Operator, env: &mut Env<'a>, a: &'a str, b: &'a str) -> Value<'a> {
    let looked_at = match operator {
        Operator::Add => return arithmetic::concatenate(env, a, b).unwrap_or_else(Value::error),
        Operator::Contains => a.len(),
        Operator::Sub | Operator::Mul | Operator::Div | Operator::Mod => return NO_OVERLOAD,
        Operator::In | Operator::Index | Operator::OptIndex => return NO_OVERLOAD,
        _ => a.len().min(b.len()),
    };
    if let Err(error) = env.burn_text(looked_at) {
        return Value::error(error);
    }
    Value::Bool(match operator {
        Operator::Eq => a == b,
        Operator::Ne => a != b,
        Operator::StartsWith => a.starts_with(b),
        Operator::EndsWith => a.ends_with(b),
        Operator::Contains => strings::contains(a, b),
        Operator::Lt => a < b,
        Operator::Le => a <= b,
        Operator::Gt => a > b,
        Operator::Ge => a >= b,
        _ => return NO_OVERLOAD,
    })
}

/// Applies an operator to all other types, including mixed ones.
#[inline(never)]
fn of_others<'a>(operator: Operator, env: &mut Env<'a>, a: Value<'a>, b: Value<'a>) -> Outcome<'a> {
    match operator {
        Operator::Eq => compare::equal(a, b, env).map(Value::Bool),
        Operator::Ne => compare::equal(a, b, env).map(|equal| Value::Bool(!equal)),
        Operator::Lt => order(env, a, b, Ordering::is_lt),
        Operator::Le => order(env, a, b, Ordering::is_le),
        Operator::Gt => order(env, a, b, Ordering::is_gt),
        Operator::Ge => order(env, a, b, Ordering::is_ge),
        Operator::In => member(a, b, env).map(Value::Bool),
        Operator::Index => select(a, b, env),
        Operator::OptIndex => select_optional(a, b, env),
        Operator::Add => arithmetic::add(env, a, b),
        Operator::Sub => arithmetic::subtract(a, b),
        Operator::Mul => arithmetic::multiply(a, b),
        Operator::Div => arithmetic::divide(a, b),
        Operator::Mod => arithmetic::remainder(a, b),
        Operator::StartsWith | Operator::EndsWith | Operator::Contains => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn order<'a>(env: &mut Env<'a>, a: Value<'a>, b: Value<'a>, holds: fn(Ordering) -> bool) -> Outcome<'a> {
    let ordering = compare::order(a, b, env)?.ok_or(EvalErrorKind::InvalidArgument)?;
    Ok(Value::Bool(holds(ordering)))
}

const NO_OVERLOAD: Value<'static> = Value::error(EvalErrorKind::NoSuchOverload);
const NO_ORDER: Value<'static> = Value::error(EvalErrorKind::InvalidArgument);
