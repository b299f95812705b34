//! The limits of numbers, which are compared exactly, both for integers and doubles.

use core::cmp::Ordering;

use crate::context::json;
use crate::tables::Number;

/// Returns the number of a JSON text: an integer if it is written as one and fits into 64 bits, otherwise the nearest
/// double. Returns `None` for any other text, and for a number outside the range of a double.
pub fn read(text: &str) -> Option<Number> {
    json::as_i64(text).map(Number::Int).or_else(|| json::as_f64(text).map(Number::Double))
}

/// Returns whether the JSON text is a number from `minimum` to `maximum`, both included. A limit that is `None` is not
/// checked.
pub fn is_within(text: &str, minimum: Option<Number>, maximum: Option<Number>) -> bool {
    if minimum.is_none() && maximum.is_none() {
        return true;
    }
    let Some(value) = read(text) else { return false };
    minimum.is_none_or(|least| order(value, least).is_ge()) && maximum.is_none_or(|most| order(value, most).is_le())
}

/// Returns whether the number is finite: not infinite and not NaN.
pub fn is_finite(number: Number) -> bool {
    match number {
        Number::Int(_) => true,
        Number::Double(double) => double.is_finite(),
    }
}

/// Returns the order by value, exact for all finite numbers: no integer is rounded to a double first. Zeros are equal.
/// Numbers that are not finite come after all others.
pub fn order(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Double(a), Number::Double(b)) => a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b)),
        (Number::Int(a), Number::Double(b)) => integer_to_double(a, b),
        (Number::Double(a), Number::Int(b)) => integer_to_double(b, a).reverse(),
    }
}

/// 2^63: the first double above all integers of 64 bits. Its negative is the smallest of them.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

fn integer_to_double(integer: i64, double: f64) -> Ordering {
    if !double.is_finite() || double >= BEYOND {
        return Ordering::Less;
    }
    if double < -BEYOND {
        return Ordering::Greater;
    }
    #[expect(clippy::as_conversions, reason = "the double is in range and has no fraction, so nothing is lost")]
    let whole = double.trunc() as i64;
    // The fraction has the sign of the double, so the integer is less if the fraction is positive.
    integer.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(double.fract() + 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Number::{Double, Int};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn integers_and_doubles_compare_by_value() {
        let big = 1_i64 << 53;
        for (a, b, expected) in [
            (Int(1), Int(2), Ordering::Less),
            (Int(1), Double(1.0), Ordering::Equal),
            (Int(0), Double(-0.0), Ordering::Equal),
            (Int(1), Double(1.5), Ordering::Less),
            (Int(2), Double(1.5), Ordering::Greater),
            (Int(-1), Double(-1.5), Ordering::Greater),
            (Int(-2), Double(-1.5), Ordering::Less),
            (Int(0), Double(-0.5), Ordering::Greater),
            (Int(big + 1), Double(9_007_199_254_740_992.0), Ordering::Greater),
            (Int(i64::MAX), Double(9_223_372_036_854_775_808.0), Ordering::Less),
            (Int(i64::MIN), Double(-9_223_372_036_854_775_808.0), Ordering::Equal),
            (Int(i64::MIN), Double(-1e300), Ordering::Greater),
            (Int(i64::MAX), Double(f64::INFINITY), Ordering::Less),
            (Double(0.0), Double(-0.0), Ordering::Equal),
            (Double(1e300), Double(2e300), Ordering::Less),
        ] {
            assert_eq!(order(a, b), expected, "{a:?} {b:?}");
            assert_eq!(order(b, a), expected.reverse(), "{b:?} {a:?}");
        }
    }

    #[test]
    fn a_text_is_within_its_limits_or_not() {
        for (text, minimum, maximum, expected) in [
            ("\"any\"", None, None, true),
            ("\"1\"", Some(Int(0)), None, false),
            ("1e999", Some(Int(0)), None, false),
            ("5", Some(Int(5)), Some(Int(5)), true),
            ("5.0", Some(Int(5)), Some(Int(5)), true),
            ("9007199254740993", None, Some(Double(9_007_199_254_740_992.0)), false),
            ("9223372036854775808", None, Some(Int(i64::MAX)), false),
            ("-0.1", Some(Int(0)), None, false),
        ] {
            assert_eq!(is_within(text, minimum, maximum), expected, "{text}");
        }
    }
}
