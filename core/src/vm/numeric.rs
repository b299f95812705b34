//! The order of numbers across their types.

use core::cmp::Ordering;

use super::value::Value;

/// Returns the order of two numbers of any numeric types. The outer `None` means that they are not both numbers, the
/// inner one that one of them is NaN.
pub(super) fn numeric(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
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

/// Compares as cel-go does: an integer that no double equals is rounded to the nearest double, and a double outside the
/// range of the integer's type is beyond all of its integers.
#[expect(clippy::as_conversions, reason = "rounding is what is asked for")]
fn integer_to_double(integer: i128, double: f64) -> Option<Ordering> {
    (integer as f64).partial_cmp(&double)
}
