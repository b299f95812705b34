//! Values on the stack, which borrow from the request, the artifact or the arena.

use core::net::IpAddr;

use super::error::{EvalError, EvalErrorKind};
use crate::address::Networks;
use crate::context::json::{self, JsonKind};
use crate::headers::Headers;
use crate::tables::{Scalar, ScalarConstant};

/// A point in time in the years 1 to 9999. The order of the fields is the order in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

impl Timestamp {
    /// The first second of the year 1 and the last one of the year 9999, in seconds since 1970.
    const SECONDS: core::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

    /// Returns whether it is within those years and its nanoseconds are within a second.
    pub(crate) fn is_valid(self) -> bool {
        Self::SECONDS.contains(&self.seconds) && self.nanos < 1_000_000_000
    }

    /// Returns the point in time this number of nanoseconds after 1970.
    pub(crate) fn from_nanos(nanos: i64) -> Self {
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
    /// A range of IP addresses: an address and the number of bits of its prefix.
    Cidr(IpAddr, u8),
    /// An optional.
    Optional(Option<&'a Value<'a>>),
    /// A JSON array or object as its text; its elements have this type. An object may contain a key twice: iteration
    /// visits both, and a look-up finds the last one.
    Json(&'a str, Scalar),
    /// A JSON array whose elements are parsed.
    JsonList(&'a Parsed<'a, Value<'a>>),
    /// A JSON object whose entries are parsed. It may contain a key twice, like [`Value::Json`].
    JsonMap(&'a Parsed<'a, (Value<'a>, Value<'a>)>),
    /// The request headers, as a map.
    Headers(&'a Headers<'a>),
    /// Query parameters or cookies, as a map: each name once, sorted as in [`super::pairs`].
    Pairs(&'a [(Value<'a>, Value<'a>)]),
    /// A list of constants.
    Constants(&'a [ScalarConstant]),
    /// A sorted list of constant strings.
    StringSet(&'a [String]),
    /// A set of networks.
    Networks(&'a Networks),
    /// A list that a condition made.
    List(&'a [Value<'a>]),
    /// A map of constants, sorted like [`Value::Map`].
    ConstantMap(&'a [(ScalarConstant, ScalarConstant)]),
    /// A map that a condition made. Its keys are ints, uints, strings or bools, distinct and sorted: bools, then
    /// numbers, then strings.
    Map(&'a [(Value<'a>, Value<'a>)]),
    /// An error.
    Error(EvalError),
}

/// A JSON array or object with its parsed elements or entries, in the order of the text.
#[derive(Debug)]
pub struct Parsed<'a, T> {
    /// The original text.
    pub text: &'a str,
    /// Elements, or keys and values. An element whose type is not that of the field is an error.
    pub items: &'a [T],
    /// The first error among the elements.
    pub(super) error: Option<EvalErrorKind>,
}

// The memory use of a decision depends on it, and must be the same in the filter and in the compiler's tests.
const _: () = assert!(size_of::<Value<'_>>() == 24, "the same on every platform");

impl<'a> Value<'a> {
    /// Returns an error value.
    pub const fn error(kind: EvalErrorKind) -> Self {
        Self::Error(EvalError { kind })
    }

    /// Returns the value of a constant.
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

    /// Returns whether it is a list.
    pub(super) fn is_list(self) -> bool {
        match self {
            Self::Json(text, _) => json::kind(text) == JsonKind::Array,
            Self::Constants(_) | Self::StringSet(_) | Self::List(_) | Self::JsonList(_) => true,
            _ => false,
        }
    }

    /// Returns whether it is a map.
    pub(super) fn is_map(self) -> bool {
        match self {
            Self::Json(text, _) => json::kind(text) == JsonKind::Object,
            Self::Headers(_) | Self::Pairs(_) | Self::ConstantMap(_) | Self::Map(_) | Self::JsonMap(_) => true,
            _ => false,
        }
    }

    /// Returns whether it is an optional, with or without a value.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::Optional(_))
    }

    /// Returns the value, or its error if it is one.
    pub(super) fn or_error(self) -> Result<Self, EvalErrorKind> {
        match self {
            Self::Error(error) => Err(error.kind),
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn time_before_1970_has_positive_nanoseconds() {
        assert_eq!(Timestamp::from_nanos(-1), Timestamp { seconds: -1, nanos: 999_999_999 });
        assert_eq!(Timestamp::from_nanos(1_500_000_000), Timestamp { seconds: 1, nanos: 500_000_000 });
    }
}
