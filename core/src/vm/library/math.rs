//! Functions of numbers.

use core::cmp::Ordering;

use crate::vm::collection;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::numeric::numeric;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;

/// `math.greatest()`: the first of equal numbers.
pub(in crate::vm) fn greatest<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    extreme(env, arguments, Ordering::Greater)
}

/// `math.least()`: the first of equal numbers.
pub(in crate::vm) fn least<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    extreme(env, arguments, Ordering::Less)
}

fn extreme<'a>(env: &mut Env<'a>, arguments: &[Value<'a>], wanted: Ordering) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    let mut best = None;
    for number in collection::values(*list, env)? {
        // Checks that the element is a number: anything else has no numeric order with itself.
        numeric(*number, *number).ok_or(NO_OVERLOAD)?;
        let better = best.is_none_or(|best| numeric(*number, best).flatten() == Some(wanted));
        if better {
            best = Some(*number);
        }
    }
    best.ok_or(EvalErrorKind::InvalidArgument)
}

/// Returns the result of a function of one double.
fn double<'a>(arguments: &[Value<'a>], apply: impl FnOnce(f64) -> Value<'a>) -> Outcome<'a> {
    match arguments {
        [Value::Double(value)] => Ok(apply(*value)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `math.ceil()`
pub(in crate::vm) fn ceil<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Double(value.ceil()))
}

/// `math.floor()`
pub(in crate::vm) fn floor<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Double(value.floor()))
}

/// `math.round()`: halves away from zero.
pub(in crate::vm) fn round<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Double(value.round()))
}

/// `math.trunc()`
pub(in crate::vm) fn trunc<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Double(value.trunc()))
}

/// `math.isInf()`
pub(in crate::vm) fn is_inf<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Bool(value.is_infinite()))
}

/// `math.isNaN()`
pub(in crate::vm) fn is_nan<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Bool(value.is_nan()))
}

/// `math.isFinite()`
pub(in crate::vm) fn is_finite<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    double(arguments, |value| Value::Bool(value.is_finite()))
}

/// `math.abs()`
pub(in crate::vm) fn abs<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Int(value)] => value.checked_abs().map(Value::Int).ok_or(EvalErrorKind::Overflow),
        [Value::Uint(value)] => Ok(Value::Uint(*value)),
        _ => double(arguments, |value| Value::Double(value.abs())),
    }
}

/// `math.sign()`
pub(in crate::vm) fn sign<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Int(value)] => Ok(Value::Int(value.signum())),
        [Value::Uint(value)] => Ok(Value::Uint(*value.min(&1))),
        // The sign of zero is 0, whatever its bits.
        _ => double(arguments, |value| Value::Double(if value == 0.0 { 0.0 } else { value.signum() })),
    }
}

/// `math.sqrt()`
#[expect(clippy::as_conversions, reason = "an integer becomes the nearest double")]
pub(in crate::vm) fn sqrt<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Int(value)] => Ok(Value::Double((*value as f64).sqrt())),
        [Value::Uint(value)] => Ok(Value::Double((*value as f64).sqrt())),
        _ => double(arguments, |value| Value::Double(value.sqrt())),
    }
}

/// Returns the result of a bitwise operation on two ints or two uints.
fn bits<'a>(arguments: &[Value<'a>], int: fn(i64, i64) -> i64, uint: fn(u64, u64) -> u64) -> Outcome<'a> {
    match arguments {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(int(*a, *b))),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(uint(*a, *b))),
        _ => Err(NO_OVERLOAD),
    }
}

/// `math.bitAnd()`
pub(in crate::vm) fn bit_and<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    bits(arguments, |a, b| a & b, |a, b| a & b)
}

/// `math.bitOr()`
pub(in crate::vm) fn bit_or<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    bits(arguments, |a, b| a | b, |a, b| a | b)
}

/// `math.bitXor()`
pub(in crate::vm) fn bit_xor<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    bits(arguments, |a, b| a ^ b, |a, b| a ^ b)
}

/// `math.bitNot()`
pub(in crate::vm) fn bit_not<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Int(value)] => Ok(Value::Int(!value)),
        [Value::Uint(value)] => Ok(Value::Uint(!value)),
        _ => Err(NO_OVERLOAD),
    }
}

/// Returns the result of shifting the bits. From 64 on, all bits are gone.
fn shift<'a>(arguments: &[Value<'a>], apply: fn(u64, u32) -> Option<u64>) -> Outcome<'a> {
    let [value, Value::Int(by)] = arguments else { return Err(NO_OVERLOAD) };
    if *by < 0 {
        return Err(EvalErrorKind::InvalidArgument);
    }
    let shifted = |value| u32::try_from(*by).ok().and_then(|by| apply(value, by)).unwrap_or(0);
    match value {
        Value::Int(value) => Ok(Value::Int(shifted(value.cast_unsigned()).cast_signed())),
        Value::Uint(value) => Ok(Value::Uint(shifted(*value))),
        _ => Err(NO_OVERLOAD),
    }
}

/// `math.bitShiftLeft()`
pub(in crate::vm) fn bit_shift_left<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    shift(arguments, u64::checked_shl)
}

/// `math.bitShiftRight()`: shifts in zeros from the left, also for a negative int.
pub(in crate::vm) fn bit_shift_right<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    shift(arguments, u64::checked_shr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    use Value::{Double, Int, List, Uint};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(cases: &[(&str, &[Value<'_>], &str)]) {
        for (function, arguments, expected) in cases {
            assert_eq!(call(&format!("math.{function}"), arguments), *expected, "{function}{arguments:?}");
        }
    }

    #[test]
    fn extremes_compare_across_types() {
        check(&[
            ("greatest", &[List(&[Int(1), Double(2.5), Uint(2)])], "Double(2.5)"),
            ("least", &[List(&[Uint(1), Int(1), Double(1.0)])], "Uint(1)"),
            ("greatest", &[List(&[Int(-1)])], "Int(-1)"),
            ("greatest", &[List(&[])], "invalid-argument"),
            ("least", &[List(&[Int(1), Value::String("a")])], "no-such-overload"),
        ]);
    }

    #[test]
    fn rounding() {
        check(&[
            ("ceil", &[Double(1.2)], "Double(2.0)"),
            ("floor", &[Double(-1.2)], "Double(-2.0)"),
            ("round", &[Double(-1.5)], "Double(-2.0)"),
            ("round", &[Double(0.5)], "Double(1.0)"),
            ("trunc", &[Double(-1.9)], "Double(-1.0)"),
            ("round", &[Int(1)], "no-such-overload"),
            ("isInf", &[Double(f64::INFINITY)], "Bool(true)"),
            ("isNaN", &[Double(f64::NAN)], "Bool(true)"),
            ("isFinite", &[Double(1.0)], "Bool(true)"),
            ("sqrt", &[Int(9)], "Double(3.0)"),
            ("sqrt", &[Double(-1.0)], "Double(NaN)"),
        ]);
    }

    #[test]
    fn signs() {
        check(&[
            ("abs", &[Int(-5)], "Int(5)"),
            ("abs", &[Int(i64::MIN)], "overflow"),
            ("abs", &[Uint(5)], "Uint(5)"),
            ("abs", &[Double(-0.5)], "Double(0.5)"),
            ("sign", &[Int(-5)], "Int(-1)"),
            ("sign", &[Uint(7)], "Uint(1)"),
            ("sign", &[Double(-0.0)], "Double(0.0)"),
            ("sign", &[Double(f64::NAN)], "Double(NaN)"),
        ]);
    }

    #[test]
    fn bits_move_without_their_sign() {
        check(&[
            ("bitAnd", &[Int(3), Int(6)], "Int(2)"),
            ("bitOr", &[Uint(1), Uint(2)], "Uint(3)"),
            ("bitXor", &[Int(3), Int(5)], "Int(6)"),
            ("bitXor", &[Int(3), Uint(5)], "no-such-overload"),
            ("bitNot", &[Int(1)], "Int(-2)"),
            ("bitNot", &[Uint(1)], "Uint(18446744073709551614)"),
            ("bitShiftLeft", &[Int(1), Int(63)], "Int(-9223372036854775808)"),
            ("bitShiftLeft", &[Int(1), Int(64)], "Int(0)"),
            ("bitShiftRight", &[Int(-1024), Int(3)], "Int(2305843009213693824)"),
            ("bitShiftRight", &[Uint(8), Int(1 << 40)], "Uint(0)"),
            ("bitShiftRight", &[Uint(8), Int(-1)], "invalid-argument"),
        ]);
    }
}
