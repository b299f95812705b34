//! What stands on the stack: values that borrow from the request, the artifact or the arena.

use core::net::IpAddr;
use std::borrow::Cow;

use bumpalo::Bump;

use super::error::{EvalError, EvalErrorKind};
use crate::artifact::tables::{Scalar, ScalarConstant};
use crate::context::json::{self, JsonKind};
use crate::headers::Headers;

/// A point in time of the years 1 to 9999. The order of the fields is the order in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

impl Timestamp {
    /// The point in time so many nanoseconds after 1970.
    pub fn from_nanos(nanos: i64) -> Self {
        const SECOND: i64 = 1_000_000_000;
        let rest = nanos.checked_rem_euclid(SECOND).unwrap_or(0);
        Self { seconds: nanos.checked_div_euclid(SECOND).unwrap_or(0), nanos: u32::try_from(rest).unwrap_or(0) }
    }
}

/// A CEL value.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// A bool.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A double.
    Double(f64),
    /// A string.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A point in time.
    Timestamp(Timestamp),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A type, by its name.
    Type(&'a str),
    /// An IP address.
    Ip(IpAddr),
    /// A range of IP addresses: an address and how many of its bits are the prefix.
    Cidr(IpAddr, u8),
    /// An optional.
    Optional(Option<&'a Value<'a>>),
    /// A JSON array or object as its text; its elements have this type.
    Json(&'a str, Scalar),
    /// The request headers, as a map.
    Headers(&'a Headers<'a>),
    /// A list of constants.
    Constants(&'a [ScalarConstant]),
    /// A sorted list of constant strings.
    StringSet(&'a [String]),
    /// A list that a condition made.
    List(&'a [Value<'a>]),
    /// A map of constants.
    ConstantMap(&'a [(ScalarConstant, ScalarConstant)]),
    /// A map that a condition made: its keys are distinct ints, uints, strings or bools.
    Map(&'a [(Value<'a>, Value<'a>)]),
    /// An error.
    Error(EvalError),
}

impl<'a> Value<'a> {
    /// An error value.
    pub const fn error(kind: EvalErrorKind) -> Self {
        Self::Error(EvalError { kind })
    }

    /// The value of a constant.
    pub fn constant(constant: &'a ScalarConstant) -> Self {
        match constant {
            ScalarConstant::Null => Self::Null,
            ScalarConstant::Bool(value) => Self::Bool(*value),
            ScalarConstant::Int(value) => Self::Int(*value),
            ScalarConstant::Uint(value) => Self::Uint(*value),
            ScalarConstant::Double(value) => Self::Double(*value),
            ScalarConstant::String(value) => Self::String(value),
            ScalarConstant::Bytes(value) => Self::Bytes(value),
            ScalarConstant::Duration(nanos) => Self::Duration(*nanos),
            ScalarConstant::Timestamp { seconds, nanos } => {
                Self::Timestamp(Timestamp { seconds: *seconds, nanos: *nanos })
            }
            ScalarConstant::Type(name) => Self::Type(name),
        }
    }

    /// The value of a JSON text whose type the schema states. A text of another type is an error.
    pub fn json(text: &'a str, scalar: Scalar, arena: &'a Bump) -> Self {
        let fits = match (scalar, json::kind(text)) {
            (Scalar::Any, _) | (Scalar::String, JsonKind::String) | (Scalar::Bool, JsonKind::Bool) => true,
            (Scalar::Int, JsonKind::Number) => json::as_i64(text).is_some(),
            (Scalar::Double, JsonKind::Number) => return json::as_f64(text).map_or(no_overload(), Self::Double),
            _ => false,
        };
        if fits { Self::any_json(text, arena) } else { no_overload() }
    }

    /// The value of any JSON text. Numbers without fraction are integers while they fit, so that ids stay exact.
    fn any_json(text: &'a str, arena: &'a Bump) -> Self {
        match json::kind(text) {
            JsonKind::Null => Self::Null,
            JsonKind::Bool => Self::Bool(text == "true"),
            JsonKind::Number => json::as_i64(text)
                .map(Self::Int)
                .or_else(|| json::as_u64(text).map(Self::Uint))
                .or_else(|| json::as_f64(text).map(Self::Double))
                .unwrap_or(no_overload()),
            JsonKind::String => match json::string_content(text) {
                Some(Cow::Borrowed(content)) => Self::String(content),
                Some(Cow::Owned(content)) => Self::String(arena.alloc_str(&content)),
                None => no_overload(),
            },
            JsonKind::Array | JsonKind::Object => Self::Json(text, Scalar::Any),
        }
    }

    /// Writes the value as JSON text; `None` for an error and for a value that JSON does not have.
    pub fn to_json(&self) -> Option<String> {
        let mut out = String::new();
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Uint(value) => out.push_str(&value.to_string()),
            Self::Double(value) if value.is_finite() => out.push_str(&format!("{value:?}")),
            Self::String(value) => json::write_string(&mut out, value),
            Self::Json(text, _) => out.push_str(text),
            Self::Constants(items) => write_list(&mut out, items.iter().map(Value::constant))?,
            Self::StringSet(items) => write_list(&mut out, items.iter().map(|item| Value::String(item)))?,
            Self::List(items) => write_list(&mut out, items.iter().copied())?,
            _ => return None,
        }
        Some(out)
    }
}

const fn no_overload<'a>() -> Value<'a> {
    Value::error(EvalErrorKind::NoSuchOverload)
}

/// Lists of lists do not recurse far: a condition nests them no deeper than its source is nested.
fn write_list<'a>(out: &mut String, items: impl Iterator<Item = Value<'a>>) -> Option<()> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&item.to_json()?);
    }
    out.push(']');
    Some(())
}
