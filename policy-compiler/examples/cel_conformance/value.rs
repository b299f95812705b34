//! The values of the suite: read, written as CEL, and compared with what the machine gives.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use context_mesh_core::vm::Value;
use serde_json::Value as Json;

/// A value of the suite.
#[derive(Debug)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    List(Vec<Constant>),
    Map(Vec<(Constant, Constant)>),
    Type(String),
    Timestamp(String),
    Duration(String),
    /// A protobuf message.
    Object,
}

impl Constant {
    /// Reads `{"tag": content}`.
    pub(crate) fn read(json: &Json) -> Option<Self> {
        let (tag, content) = json.as_object()?.iter().next()?;
        let text = || content.as_str().map(str::to_owned);
        Some(match tag.as_str() {
            "null" => Self::Null,
            "bool" => Self::Bool(content.as_bool()?),
            "int" => Self::Int(text()?.parse().ok()?),
            "uint" => Self::Uint(text()?.parse().ok()?),
            "double" => Self::Double(text()?.parse().ok()?),
            "string" => Self::String(text()?),
            "bytes" => Self::Bytes(STANDARD.decode(text()?).ok()?),
            "list" => Self::List(content.as_array()?.iter().map(Self::read).collect::<Option<_>>()?),
            "map" => {
                let entry = |entry: &Json| match entry.as_array()?.as_slice() {
                    [key, value] => Some((Self::read(key)?, Self::read(value)?)),
                    _ => None,
                };
                Self::Map(content.as_array()?.iter().map(entry).collect::<Option<_>>()?)
            }
            "type" => Self::Type(text()?),
            "timestamp" => Self::Timestamp(text()?),
            "duration" => Self::Duration(text()?),
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// The value as a CEL expression; `None` for a message.
    pub(crate) fn source(&self) -> Option<String> {
        let list = |items: Vec<String>| items.join(", ");
        Some(match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => format!("{value}u"),
            Self::Double(value) if value.is_nan() => "0.0 / 0.0".to_owned(),
            Self::Double(value) if value.is_infinite() => format!("{}1.0 / 0.0", if *value < 0.0 { "-" } else { "" }),
            Self::Double(value) => format!("{value:?}"),
            Self::String(value) => quoted(value),
            Self::Bytes(value) => {
                format!("b'{}'", value.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>())
            }
            Self::List(items) => format!("[{}]", list(items.iter().map(Self::source).collect::<Option<_>>()?)),
            Self::Map(entries) => {
                let entry = |(key, value): &(Self, Self)| Some(format!("{}: {}", key.source()?, value.source()?));
                format!("{{{}}}", list(entries.iter().map(entry).collect::<Option<_>>()?))
            }
            Self::Type(name) => name.clone(),
            Self::Timestamp(text) => format!("timestamp({})", quoted(text)),
            Self::Duration(text) => format!("duration({})", quoted(text)),
            Self::Object => return None,
        })
    }

    /// Whether the machine gave this: by type and value, maps without order, NaN like NaN.
    pub(crate) fn is(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => *a == b,
            (Self::Int(a), Value::Int(b)) => *a == b,
            (Self::Uint(a), Value::Uint(b)) => *a == b,
            (Self::Double(a), Value::Double(b)) => *a == b || (a.is_nan() && b.is_nan()),
            (Self::String(a), Value::String(b)) => a == b,
            (Self::Bytes(a), Value::Bytes(b)) => a == b,
            (Self::Type(a), Value::Type(b)) => a == b,
            (Self::Timestamp(a), Value::Timestamp(b)) => timestamp(a) == Some((b.seconds, b.nanos)),
            (Self::Duration(a), Value::Duration(b)) => duration(a) == Some(i128::from(b)),
            (Self::List(a), b) => {
                elements(b).is_some_and(|b| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b)))
            }
            (Self::Map(a), b) => entries(b).is_some_and(|b| {
                let has = |(key, value): &(Self, Self)| b.iter().any(|(k, v)| key.is(*k) && value.is(*v));
                a.len() == b.len() && a.iter().all(has)
            }),
            _ => false,
        }
    }
}

fn elements(value: Value<'_>) -> Option<Vec<Value<'_>>> {
    match value {
        Value::List(items) => Some(items.to_vec()),
        Value::Constants(items) => Some(items.iter().map(Value::constant).collect()),
        Value::StringSet(items) => Some(items.iter().map(|item| Value::String(item)).collect()),
        _ => None,
    }
}

fn entries(value: Value<'_>) -> Option<Vec<(Value<'_>, Value<'_>)>> {
    match value {
        Value::Map(entries) => Some(entries.to_vec()),
        Value::ConstantMap(entries) => {
            Some(entries.iter().map(|(k, v)| (Value::constant(k), Value::constant(v))).collect())
        }
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        ' '..='~' if c != '\'' && c != '\\' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    });
    format!("'{}'", escaped.collect::<String>())
}

/// Seconds since 1970 and nanoseconds.
fn timestamp(text: &str) -> Option<(i64, u32)> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    let nanos = timestamp.as_nanosecond();
    Some((i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?, u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?))
}

/// Nanoseconds of `1.5s`.
fn duration(text: &str) -> Option<i128> {
    let text = text.strip_suffix('s')?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(sign * (seconds.parse::<i128>().ok()? * 1_000_000_000 + nanos))
}
