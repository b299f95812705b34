//! Optionals.

use crate::vm::collection;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;

/// `optional.of()`
pub(in crate::vm) fn of<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [value] = arguments else { return Err(NO_OVERLOAD) };
    env.some(*value)
}

/// `optional.none()`
pub(in crate::vm) fn none<'a>(_: &mut Env<'a>, _: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Optional(None))
}

/// `optional.ofNonZeroValue()`
pub(in crate::vm) fn of_non_zero_value<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [value] = arguments else { return Err(NO_OVERLOAD) };
    if is_zero(*value, env)? { Ok(Value::Optional(None)) } else { env.some(*value) }
}

fn is_zero<'a>(value: Value<'a>, env: &mut Env<'a>) -> Result<bool, EvalErrorKind> {
    Ok(match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
        Value::Double(value) => value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Optional(value) => value.is_none(),
        _ if value.is_list() || value.is_map() => collection::length(value, env)? == 0,
        _ => false,
    })
}

/// `hasValue()`
pub(in crate::vm) fn has_value<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::Optional(value)] = arguments else { return Err(NO_OVERLOAD) };
    Ok(Value::Bool(value.is_some()))
}

/// `value()`
pub(in crate::vm) fn value<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::Optional(value)] = arguments else { return Err(NO_OVERLOAD) };
    value.copied().ok_or(EvalErrorKind::EmptyOptional)
}

/// `optional.unwrap()`: the values of the optionals of a list that have one.
pub(in crate::vm) fn unwrap<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    let mut values = Vec::new();
    for item in collection::values(*list, env)? {
        match item {
            Value::Optional(value) => values.extend(value.copied()),
            _ => return Err(NO_OVERLOAD),
        }
    }
    env.list(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn zeros_become_empty() {
        let zeros = [
            Value::Null,
            Value::Bool(false),
            Value::Int(0),
            Value::Double(-0.0),
            Value::String(""),
            Value::Bytes(b""),
            Value::List(&[]),
            Value::Map(&[]),
            Value::Duration(0),
        ];
        for zero in zeros {
            assert_eq!(call("optional.ofNonZeroValue", &[zero]), "Optional(None)", "{zero:?}");
        }
        assert_eq!(call("optional.ofNonZeroValue", &[Value::Int(1)]), "Optional(Some(Int(1)))");
        assert_eq!(call("optional.of", &[Value::Int(0)]), "Optional(Some(Int(0)))");
    }

    #[test]
    fn values_come_out_again() {
        let (one, empty) = (Value::Optional(Some(&Value::Int(1))), Value::Optional(None));
        assert_eq!(call("value", &[one]), "Int(1)");
        assert_eq!(call("value", &[empty]), "empty-optional");
        assert_eq!(call("hasValue", &[one]), "Bool(true)");
        assert_eq!(call("hasValue", &[Value::Int(1)]), "no-such-overload");
        assert_eq!(call("optional.unwrap", &[Value::List(&[one, empty, one])]), "List([Int(1), Int(1)])");
        assert_eq!(call("unwrapOpt", &[Value::List(&[one, Value::Int(1)])]), "no-such-overload");
        assert_eq!(call("optional.none", &[]), "Optional(None)");
    }
}
