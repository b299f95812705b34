//! Numbers as text; doubles in the format of Go.

/// Writes an integer in decimal.
pub(super) fn write_integer(out: &mut String, negative: bool, amount: u64) {
    // The largest number has 20 digits.
    let mut digits = [b'0'; 20];
    let mut rest = amount;
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        first = at;
        if rest == 0 {
            break;
        }
    }
    if negative {
        out.push('-');
    }
    let digits = digits.get(first..).and_then(|digits| core::str::from_utf8(digits).ok());
    out.push_str(digits.unwrap_or_default());
}

/// Returns the shortest digits that read back as the same double, without its sign, and the exponent of the first
/// digit.
fn digits(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// Returns the name of a number that is not finite.
fn special(value: f64, infinite: &'static str, negative_infinite: &'static str) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { infinite } else { negative_infinite })
    } else {
        None
    }
}

/// Returns the number in Go's `%g`: the shortest digits, with an exponent if it is below -4 or above 5.
pub(in crate::vm) fn general(value: f64) -> String {
    if let Some(name) = special(value, "+Inf", "-Inf") {
        return name.to_owned();
    }
    let (digits, exponent) = digits(value);
    if !(-4..6).contains(&exponent) {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}{}", exponent_text(exponent));
    }
    format!("{value}")
}

/// Returns the exponent as text, with at least two digits and always a sign.
fn exponent_text(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", exponent.unsigned_abs())
}

/// Returns the shortest digits, never with an exponent.
pub(super) fn plain(value: f64) -> String {
    special(value, "Infinity", "-Infinity").map_or_else(|| format!("{value}"), str::to_owned)
}

/// Returns the number with this number of digits after the point, halves rounded to even.
pub(super) fn fixed(value: f64, precision: usize) -> String {
    special(value, "Infinity", "-Infinity").map_or_else(|| format!("{value:.precision$}"), str::to_owned)
}

/// Returns the number with one digit, this number of digits after the point, and an exponent.
pub(super) fn scientific(value: f64, precision: usize) -> String {
    if let Some(name) = special(value, "Infinity", "-Infinity") {
        return name.to_owned();
    }
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{mantissa}{}", exponent_text(exponent.parse().unwrap_or(0))),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn doubles_print_as_in_go() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (-123.456, "-123.456"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.8, "1.2345678e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-6.02214e23, "-6.02214e+23"),
            (1e-100, "1e-100"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(general(value), expected);
        }
    }

    #[test]
    fn precision_rounds_halves_to_even() {
        assert_eq!(fixed(2.5, 0), "2");
        assert_eq!(fixed(123.4994, 3), "123.499");
        assert_eq!(fixed(f64::NEG_INFINITY, 3), "-Infinity");
        assert_eq!(scientific(1_052.032_911_275, 6), "1.052033e+03");
        assert_eq!(scientific(-0.000_031_4, 1), "-3.1e-05");
        assert_eq!(scientific(0.0, 0), "0e+00");
        assert_eq!(plain(1e21), "1000000000000000000000");
        assert_eq!(plain(f64::NAN), "NaN");
    }
}
