//! Conversions between types.

use super::{number, time};
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

/// `type()`
pub(in crate::vm) fn type_of<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [value] = arguments else { return Err(EvalErrorKind::NoSuchOverload) };
    Ok(Value::Type(type_name(*value)))
}

/// Returns the name of a value's type.
fn type_name(value: Value<'_>) -> &'static str {
    match value {
        Value::Null => "null_type",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint",
        Value::Double(_) => "double",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::Timestamp(_) => "google.protobuf.Timestamp",
        Value::Duration(_) => "google.protobuf.Duration",
        Value::Type(_) => "type",
        Value::Ip(_) => "net.IP",
        Value::Cidr(..) => "net.CIDR",
        Value::Optional(_) => "optional_type",
        other if other.is_list() => "list",
        _ => "map",
    }
}

/// `bool()`
pub(in crate::vm) fn bool<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Bool(value)] => Ok(Value::Bool(*value)),
        [Value::String("1" | "t" | "T" | "true" | "True" | "TRUE")] => Ok(Value::Bool(true)),
        [Value::String("0" | "f" | "F" | "false" | "False" | "FALSE")] => Ok(Value::Bool(false)),
        [Value::String(_)] => Err(EvalErrorKind::InvalidArgument),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `int()`
pub(in crate::vm) fn int<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let result = match arguments {
        [Value::Int(value)] => Some(*value),
        [Value::Uint(value)] => i64::try_from(*value).ok(),
        [Value::Double(value)] => truncated_i64(*value),
        [Value::Timestamp(point)] => Some(point.seconds),
        [Value::String(text)] => return text.parse().map(Value::Int).map_err(|_| EvalErrorKind::InvalidArgument),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    };
    result.map(Value::Int).ok_or(EvalErrorKind::Overflow)
}

/// 2^63 and 2^64.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// Returns the integer part of a double. As in cel-go, `-2^63` itself is out of range.
#[expect(clippy::as_conversions, reason = "the range is checked before")]
fn truncated_i64(value: f64) -> Option<i64> {
    (value > -TWO_63 && value < TWO_63).then_some(value as i64)
}

/// Returns the integer that equals a double.
pub(crate) fn exact_i64(value: f64) -> Option<i64> {
    truncated_i64(value).filter(|_| value.trunc() == value)
}

/// `uint()`
#[expect(clippy::as_conversions, reason = "the range is checked before")]
pub(in crate::vm) fn uint<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let result = match arguments {
        [Value::Uint(value)] => Some(*value),
        [Value::Int(value)] => u64::try_from(*value).ok(),
        [Value::Double(value)] => (*value >= 0.0 && *value < TWO_64).then_some(*value as u64),
        [Value::String(text)] => {
            let parsed = if text.starts_with('+') { None } else { text.parse().ok() };
            return parsed.map(Value::Uint).ok_or(EvalErrorKind::InvalidArgument);
        }
        _ => return Err(EvalErrorKind::NoSuchOverload),
    };
    result.map(Value::Uint).ok_or(EvalErrorKind::Overflow)
}

/// `double()`
#[expect(clippy::as_conversions, reason = "an integer becomes the nearest double")]
pub(in crate::vm) fn double<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Double(value)] => Ok(Value::Double(*value)),
        [Value::Int(value)] => Ok(Value::Double(*value as f64)),
        [Value::Uint(value)] => Ok(Value::Double(*value as f64)),
        [Value::String(text)] => parse_double(text).map(Value::Double).ok_or(EvalErrorKind::InvalidArgument),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn parse_double(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let spelled = text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'i'));
    (spelled || !value.is_infinite()).then_some(value)
}

/// `string()`
pub(in crate::vm) fn string<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text)] => Ok(Value::String(text)),
        [Value::Bool(value)] => Ok(Value::String(if *value { "true" } else { "false" })),
        [Value::Int(value)] => env.written(|out| number::write_integer(out, *value < 0, value.unsigned_abs())),
        [Value::Uint(value)] => env.written(|out| number::write_integer(out, false, *value)),
        [Value::Double(value)] => env.text(&number::general(*value)),
        [Value::Bytes(bytes)] => {
            core::str::from_utf8(bytes).map(Value::String).map_err(|_| EvalErrorKind::InvalidArgument)
        }
        [Value::Timestamp(point)] => env.text(&time::timestamp_text(*point)),
        [Value::Duration(nanos)] => env.text(&time::duration_text(*nanos)),
        [value] => match address_text(*value) {
            Some(text) => env.text(&text),
            None => Err(EvalErrorKind::NoSuchOverload),
        },
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Returns an address or a range as text.
pub(in crate::vm) fn address_text(value: Value<'_>) -> Option<String> {
    match value {
        Value::Ip(address) => Some(address.to_string()),
        Value::Cidr(address, bits) => Some(format!("{address}/{bits}")),
        _ => None,
    }
}

/// `bytes()`
pub(in crate::vm) fn bytes<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes)),
        [Value::String(text)] => Ok(Value::Bytes(text.as_bytes())),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    use crate::vm::value::Timestamp;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(function: &str, cases: &[(Value<'_>, &str)]) {
        for (value, expected) in cases {
            assert_eq!(call(function, &[*value]), *expected, "{function}({value:?})");
        }
    }

    #[test]
    fn to_int() {
        check(
            "int",
            &[
                (Value::Int(-1), "Int(-1)"),
                (Value::Uint(u64::MAX), "overflow"),
                (Value::Double(-1.9), "Int(-1)"),
                (Value::Double(9_223_372_036_854_775_807.0), "overflow"),
                (Value::Double(-9_223_372_036_854_775_808.0), "overflow"),
                (Value::Double(f64::NAN), "overflow"),
                (Value::String("-5"), "Int(-5)"),
                (Value::String("+5"), "Int(5)"),
                (Value::String("5.0"), "invalid-argument"),
                (Value::String("0x5"), "invalid-argument"),
                (Value::Timestamp(Timestamp { seconds: 7, nanos: 9 }), "Int(7)"),
                (Value::Bool(true), "no-such-overload"),
            ],
        );
    }

    #[test]
    fn to_uint_and_double() {
        check(
            "uint",
            &[
                (Value::Int(-1), "overflow"),
                (Value::Double(1.9), "Uint(1)"),
                (Value::Double(-0.5), "overflow"),
                (Value::Double(TWO_64), "overflow"),
                (Value::String("7"), "Uint(7)"),
                (Value::String("+7"), "invalid-argument"),
                (Value::String("-7"), "invalid-argument"),
            ],
        );
        check(
            "double",
            &[
                (Value::Int(2), "Double(2.0)"),
                (Value::Uint(2), "Double(2.0)"),
                (Value::String("1e3"), "Double(1000.0)"),
                (Value::String("NaN"), "Double(NaN)"),
                (Value::String("-Infinity"), "Double(-inf)"),
                (Value::String("1e999"), "invalid-argument"),
                (Value::String("x"), "invalid-argument"),
            ],
        );
    }

    #[test]
    fn to_string_bytes_and_bool() {
        check(
            "string",
            &[
                (Value::Int(-1), "String(\"-1\")"),
                (Value::Double(1e6), "String(\"1e+06\")"),
                (Value::Bytes(b"ab"), "String(\"ab\")"),
                (Value::Bytes(b"\xff"), "invalid-argument"),
                (Value::Bool(true), "String(\"true\")"),
                (Value::Duration(1_500_000_000), "String(\"1.5s\")"),
                (Value::Timestamp(Timestamp { seconds: 0, nanos: 0 }), "String(\"1970-01-01T00:00:00Z\")"),
                (Value::Null, "no-such-overload"),
                (Value::List(&[]), "no-such-overload"),
            ],
        );
        check("bytes", &[(Value::String("a"), "Bytes([97])"), (Value::Int(1), "no-such-overload")]);
        check(
            "bool",
            &[
                (Value::String("t"), "Bool(true)"),
                (Value::String("False"), "Bool(false)"),
                (Value::String("TrUe"), "invalid-argument"),
                (Value::Int(1), "no-such-overload"),
            ],
        );
    }

    #[test]
    fn types_have_names() {
        check(
            "type",
            &[
                (Value::Null, "Type(\"null_type\")"),
                (Value::List(&[]), "Type(\"list\")"),
                (Value::Map(&[]), "Type(\"map\")"),
                (Value::Json("[]", crate::tables::Scalar::Any), "Type(\"list\")"),
                (Value::Optional(None), "Type(\"optional_type\")"),
                (Value::Type("int"), "Type(\"type\")"),
            ],
        );
    }
}
