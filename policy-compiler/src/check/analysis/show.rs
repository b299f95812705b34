//! Terms and values as messages show them.

use context_mesh_core::artifact::tables::ScalarConstant;
use serde_json::Value as Json;

use crate::expression::codegen::attribute_name;
use crate::expression::ir::Node;

/// The name of a term, as conditions write it; `None` for one that has no short name.
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

/// A value as CEL writes it.
pub(super) fn value(value: &Json) -> String {
    match value {
        Json::String(text) => format!("'{text}'"),
        Json::Array(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A constant as JSON; `None` for one that JSON does not have.
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
