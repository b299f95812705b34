//! Dynamic metadata of the proxy in a test, encoded as the protobuf `envoy.config.core.v3.Metadata` that Envoy
//! provides. Tests therefore read claims as a proxy does.

use super::fixture::HostAttribute;
use crate::read::yaml::{Node, Value};

/// Returns the attribute `metadata`. `node` maps namespaces to their keys and values.
pub(super) fn attribute(node: &Node) -> HostAttribute {
    let Value::Mapping(spaces) = &node.value else { return HostAttribute { path: path(), bytes: Vec::new() } };
    let spaces = spaces.iter().map(|(space, node)| {
        let fields = match &node.value {
            Value::Mapping(entries) => object(entries),
            _ => Vec::new(),
        };
        field(1, &entry(&space.value, &fields))
    });
    HostAttribute { path: path(), bytes: spaces.collect::<Vec<_>>().concat() }
}

fn path() -> Vec<String> {
    vec!["metadata".to_owned()]
}

/// Encodes a `Struct`.
fn object(entries: &[(crate::report::source::Spanned<String>, Node)]) -> Vec<u8> {
    let fields = entries.iter().map(|(name, node)| field(1, &entry(&name.value, &value(node))));
    fields.collect::<Vec<_>>().concat()
}

/// Encodes a `Value`.
fn value(node: &Node) -> Vec<u8> {
    match &node.value {
        Value::Mapping(entries) => field(5, &object(entries)),
        Value::Sequence(items) => {
            let items = items.iter().map(|item| field(1, &value(item)));
            field(6, &items.collect::<Vec<_>>().concat())
        }
        Value::Scalar(scalar) if scalar.is_null() => vec![1 << 3, 0],
        Value::Scalar(scalar) => match (scalar.as_bool(), scalar.as_double()) {
            (Some(truth), _) => vec![4 << 3, u8::from(truth)],
            (_, Some(number)) => [&[2 << 3 | 1][..], &number.to_le_bytes()].concat(),
            _ => field(3, scalar.text.as_bytes()),
        },
        Value::Refused => Vec::new(),
    }
}

/// Encodes an entry of a map.
fn entry(name: &str, value: &[u8]) -> Vec<u8> {
    [field(1, name.as_bytes()), field(2, value)].concat()
}

/// Encodes a length-delimited field of a message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or(0x7F);
        length >>= 7;
        if length == 0 {
            bytes.push(low);
            break;
        }
        bytes.push(low | 0x80);
    }
    bytes.extend_from_slice(content);
    bytes
}
