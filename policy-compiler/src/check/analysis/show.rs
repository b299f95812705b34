//! Formatting of terms and values for messages.

use context_mesh_core::artifact::tables::ScalarConstant;
use serde_json::Value as Json;

use crate::expression::codegen::attribute_name;
use crate::expression::ir::Node;

/// Returns the name of a term as conditions write it, or `None` if it has no short name.
pub(super) fn name(node: &Node) -> Option<String> {
    match node {
        Node::Attribute(attribute) => Some(attribute_name(attribute)),
        Node::Member(of, member) | Node::HasMember(of, member) => {
            let plain = member.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let of = name(of)?;
            Some(if plain { format!("{of}.{member}") } else { format!("{of}['{member}']") })
        }
        Node::Size(of) => Some(format!("size({})", name(of)?)),
        _ => None,
    }
}

/// Formats a value in CEL notation.
pub(super) fn value(value: &Json) -> String {
    match value {
        Json::String(text) => format!("'{text}'"),
        Json::Array(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Converts a constant to JSON. Returns `None` if JSON has no such value.
pub(super) fn constant(constant: &ScalarConstant) -> Option<Json> {
    Some(match constant {
        ScalarConstant::Null => Json::Null,
        ScalarConstant::Bool(value) => Json::from(*value),
        ScalarConstant::Int(value) => Json::from(*value),
        ScalarConstant::Uint(value) => Json::from(*value),
        ScalarConstant::Double(value) => Json::from(*value),
        ScalarConstant::String(value) => Json::from(value.as_str()),
        _ => return None,
    })
}
