//! Converts values to JSON text, for the fields that a rule sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::library::{convert, time};
use super::value::Value;
use crate::context::json;
use crate::limits::{MAX_MADE_BYTES, MAX_VALUE_DEPTH};
use crate::tables::ScalarConstant;

impl Value<'_> {
    /// Returns the value as JSON text: timestamps, durations, addresses and bytes as strings, as in protobuf's mapping.
    /// Returns `None` for an error, for a value that does not exist in JSON, and for one that is nested deeper than
    /// [`MAX_VALUE_DEPTH`] or longer than [`MAX_MADE_BYTES`].
    pub fn to_json(&self) -> Option<String> {
        let mut out = String::new();
        write(&mut out, *self, MAX_VALUE_DEPTH)?;
        Some(out)
    }
}

fn write(out: &mut String, value: Value<'_>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    if out.len() > MAX_MADE_BYTES {
        return None;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Double(value) if value.is_finite() => out.push_str(&format!("{value:?}")),
        Value::String(value) => json::write_string(out, value),
        Value::Bytes(value) => json::write_string(out, &STANDARD.encode(value)),
        Value::Timestamp(value) => json::write_string(out, &time::timestamp_text(value)),
        Value::Duration(value) => json::write_string(out, &time::duration_text(value)),
        Value::Ip(_) | Value::Cidr(..) => json::write_string(out, &convert::address_text(value)?),
        Value::Optional(Some(value)) => write(out, *value, depth)?,
        Value::Json(text, _) => out.push_str(text),
        Value::JsonList(list) => out.push_str(list.text),
        Value::JsonMap(map) => out.push_str(map.text),
        Value::Constants(items) => list(out, items.iter().map(Value::constant), depth)?,
        Value::StringSet(items) => list(out, items.iter().map(|item| Value::String(item)), depth)?,
        Value::List(items) => list(out, items.iter().copied(), depth)?,
        Value::Map(entries) => map(out, entries.iter().copied(), depth)?,
        Value::ConstantMap(entries) => map(out, entries.iter().map(constants), depth)?,
        Value::Double(_)
        | Value::Networks(_)
        | Value::Headers(_)
        | Value::Pairs(_)
        | Value::Optional(None)
        | Value::Type(_)
        | Value::Error(_) => return None,
    }
    Some(())
}

fn constants((key, value): &(ScalarConstant, ScalarConstant)) -> (Value<'_>, Value<'_>) {
    (Value::constant(key), Value::constant(value))
}

fn list<'v>(out: &mut String, items: impl Iterator<Item = Value<'v>>, depth: usize) -> Option<()> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item, depth)?;
    }
    out.push(']');
    Some(())
}

fn map<'v>(out: &mut String, entries: impl Iterator<Item = (Value<'v>, Value<'v>)>, depth: usize) -> Option<()> {
    out.push('{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(',');
        }
        match key {
            Value::String(key) => json::write_string(out, key),
            key => {
                out.push('"');
                write(out, key, depth)?;
                out.push('"');
            }
        }
        out.push(':');
        write(out, value, depth)?;
    }
    out.push('}');
    Some(())
}
