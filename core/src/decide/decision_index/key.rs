//! What rules are filed under, as hashes.

use core::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use crate::tables::ScalarConstant;
use crate::vm::clauses::Subject;
use crate::vm::{Value, exact_i64};

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'k> {
    /// A bool.
    Bool(bool),
    /// A number without fraction.
    Int(i64),
    /// A string.
    Text(&'k [u8]),
    /// The beginning of a string.
    Beginning(&'k [u8]),
    /// The end of a string.
    End(&'k [u8]),
    /// A line of a string, between two line breaks.
    Line(&'k [u8]),
    /// A number in a list.
    IntElement(i64),
    /// A string in a list.
    TextElement(&'k [u8]),
}

/// Longest beginning or end that is looked up, in bytes. Their lengths are the bits of a number.
pub(super) const MAX_PART_BYTES: usize = 64;

/// The integers that a double holds exactly are within this distance of zero.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'k> Key<'k> {
    /// Returns the key of a constant, or `None` if values of other types may equal it.
    pub(super) fn of_constant(constant: &'k ScalarConstant) -> Option<Self> {
        match constant {
            ScalarConstant::Bool(value) => Some(Self::Bool(*value)),
            ScalarConstant::Int(value) => Some(Self::Int(*value)),
            ScalarConstant::Uint(value) => i64::try_from(*value).ok().map(Self::Int),
            ScalarConstant::Double(value) => of_double(*value),
            ScalarConstant::String(value) => Some(Self::Text(value.as_bytes())),
            _ => None,
        }
    }

    /// Returns the key of a [comparable](is_comparable) value, or `None` if no constant with a key equals it.
    pub(super) fn of_value(value: Value<'k>) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(value)),
            Value::Int(value) => Some(Self::Int(value)),
            Value::Uint(value) => i64::try_from(value).ok().map(Self::Int),
            Value::Double(value) => of_double(value),
            Value::String(value) => Some(Self::Text(value.as_bytes())),
            _ => None,
        }
    }

    /// Returns the key of the same value in a list. There are no rules with the others.
    pub(super) fn as_element(self) -> Self {
        match self {
            Self::Int(value) => Self::IntElement(value),
            Self::Text(value) => Self::TextElement(value),
            other => other,
        }
    }

    /// Returns the hash of the key of a subject. It is not keyed: whoever makes two texts collide makes a rule run that then
    /// does not match.
    pub(super) fn hash(self, subject: Subject) -> u64 {
        let mut hasher = SipHasher13::new();
        let (kind, bytes) = match self {
            Self::Bool(value) => (0, &[u8::from(value)][..]),
            Self::Int(value) => (1, &value.to_le_bytes()[..]),
            Self::Text(text) => (2, text),
            Self::Beginning(text) => (3, text),
            Self::End(text) => (4, text),
            Self::IntElement(value) => (5, &value.to_le_bytes()[..]),
            Self::TextElement(text) => (6, text),
            Self::Line(text) => (7, text),
        };
        let (of, number) = match subject {
            Subject::Attribute(index) => (0_u8, index.0),
            Subject::Presence(index) => (1, index.0),
            Subject::Variable(index) => (2, index.0),
        };
        let [a, b, c, d] = number.to_le_bytes();
        hasher.write(&[of, kind, a, b, c, d]);
        hasher.write(bytes);
        hasher.finish()
    }
}

/// Returns whether a value compares with every constant without an error, and equals only those with its key.
pub(super) fn is_comparable(value: Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_) => true,
        // Larger ones may equal an integer that is not their key.
        Value::Double(value) => value.is_nan() || value.abs() <= EXACT,
        _ => false,
    }
}

/// Returns the key of a double that is an integer.
fn of_double(value: f64) -> Option<Key<'static>> {
    exact_i64(value).filter(|_| value.abs() <= EXACT).map(Key::Int)
}
