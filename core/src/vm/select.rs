//! `a.b`, `a[b]`, `a.?b` and `has(a.b)`. The result of a selection from an optional is an optional.

use super::collection;
use super::env::{Env, Outcome};
use super::error::EvalErrorKind;
use super::value::Value;

/// `a.b` and `a[b]`. For an optional the result is an optional, as for `a.?b`.
pub(super) fn select<'a>(of: Value<'a>, key: Value<'a>, env: &mut Env<'a>) -> Outcome<'a> {
    if of.is_optional() { select_optional(of, key, env) } else { collection::index(of, key, env) }
}

/// `a.?b` and `a[?b]`: empty if the key or index is not present.
pub(super) fn select_optional<'a>(of: Value<'a>, key: Value<'a>, env: &mut Env<'a>) -> Outcome<'a> {
    let of = match of {
        Value::Optional(Some(of)) => *of,
        Value::Optional(None) => return Ok(of),
        of => of,
    };
    match collection::index(of, key, env).and_then(Value::or_error) {
        Ok(value) => env.some(value),
        Err(EvalErrorKind::NoSuchKey | EvalErrorKind::IndexOutOfRange) => Ok(Value::Optional(None)),
        Err(error) => Err(error),
    }
}

/// `has(a.b)`
pub(super) fn has<'a>(of: Value<'a>, key: Value<'a>, env: &mut Env<'a>) -> Outcome<'a> {
    match of {
        Value::Optional(None) => Ok(Value::Bool(false)),
        Value::Optional(Some(of)) => collection::find(*of, key, env).map(|found| Value::Bool(found.is_some())),
        of => collection::find(of, key, env).map(|found| Value::Bool(found.is_some())),
    }
}
