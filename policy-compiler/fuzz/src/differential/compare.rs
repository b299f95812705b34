//! Compares the results of both sides.

use cel::Value as Their;
use cel::objects::Key;
use context_mesh_core::vm::Value as Our;

use super::inputs::typed;
use super::theirs::Theirs;

/// Whether both are errors, or the same value of the same type. NaN equals NaN; 0.0 does not equal -0.0.
pub(super) fn same(ours: Our<'_>, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Our::Error(_), Theirs::Error) => true,
        (ours, Theirs::Value(theirs)) => same_value(ours, theirs),
        _ => false,
    }
}

fn same_value(ours: Our<'_>, theirs: &Their) -> bool {
    match (ours, theirs) {
        (Our::Null, Their::Null) => true,
        (Our::Bool(a), Their::Bool(b)) => a == *b,
        (Our::Int(a), Their::Int(b)) => a == *b,
        (Our::Uint(a), Their::UInt(b)) => a == *b,
        (Our::Double(a), Their::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Our::String(a), Their::String(b)) => a == b.as_str(),
        (Our::Bytes(a), Their::Bytes(b)) => a == b.as_slice(),
        (Our::Json(text, scalar), theirs) => {
            serde_json::from_str(text).is_ok_and(|json| identical(&typed(&json, scalar), theirs))
        }
        (Our::JsonList(a), Their::List(b)) => all(a.items.iter().copied(), b),
        // Of a duplicate key the last one counts, and the requests have no duplicate keys.
        (Our::JsonMap(a), Their::Map(b)) => {
            a.items.len() == b.map.len() && a.items.iter().all(|(key, value)| has(*key, *value, theirs))
        }
        (Our::List(a), Their::List(b)) => all(a.iter().copied(), b),
        (Our::Constants(a), Their::List(b)) => all(a.iter().map(Our::constant), b),
        (Our::StringSet(a), Their::List(b)) => all(a.iter().map(|item| Our::String(item)), b),
        (Our::Map(a), Their::Map(b)) => {
            a.len() == b.map.len() && a.iter().all(|(key, value)| has(*key, *value, theirs))
        }
        (Our::ConstantMap(a), Their::Map(b)) => {
            a.len() == b.map.len() && a.iter().all(|(key, value)| has(Our::constant(key), Our::constant(value), theirs))
        }
        _ => false,
    }
}

fn all<'a>(ours: impl ExactSizeIterator<Item = Our<'a>>, theirs: &[Their]) -> bool {
    ours.len() == theirs.len() && ours.zip(theirs).all(|(a, b)| same_value(a, b))
}

fn has(key: Our<'_>, value: Our<'_>, theirs: &Their) -> bool {
    let Their::Map(map) = theirs else { return false };
    let key = match key {
        Our::Bool(key) => Key::Bool(key),
        Our::Int(key) => Key::Int(key),
        Our::Uint(key) => Key::Uint(key),
        Our::String(key) => Key::from(key),
        _ => return false,
    };
    map.map.get(&key).is_some_and(|theirs| same_value(value, theirs))
}

/// Whether two of their values are the same, including the types of numbers.
fn identical(a: &Their, b: &Their) -> bool {
    match (a, b) {
        (Their::Float(a), Their::Float(b)) => a.to_bits() == b.to_bits(),
        (Their::List(a), Their::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| identical(a, b)),
        (Their::Map(a), Their::Map(b)) => {
            let has = |(key, value): (&Key, &Their)| b.map.get(key).is_some_and(|other| identical(value, other));
            a.map.len() == b.map.len() && a.map.iter().all(has)
        }
        (a, b) => a.type_of().to_string() == b.type_of().to_string() && a == b,
    }
}
