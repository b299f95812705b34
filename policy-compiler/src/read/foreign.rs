//! Access to documents of other projects, such as Envoy and Kubernetes: keys in snake_case or camelCase, messages with
//! their types beside them. What is missing or of another kind is skipped.

use super::yaml::{Node, Value};
use crate::report::source::Spanned;

/// Returns the value of a key; `name` is in snake_case.
pub(crate) fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    entries(node).iter().find(|(key, _)| same(&key.value, name)).map(|(_, value)| value)
}

/// Returns the value at the end of a path of keys.
pub(crate) fn path<'n>(node: &'n Node, names: &[&str]) -> Option<&'n Node> {
    names.iter().try_fold(node, |node, name| get(node, name))
}

/// Returns the elements of the list of a key, or none if there is no list.
pub(crate) fn list<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    get(node, name).map_or(&[], elements)
}

/// Returns the text of a key.
pub(crate) fn text(node: &Node, name: &str) -> Option<Spanned<String>> {
    get(node, name).and_then(scalar)
}

/// Returns the elements of a list, or none for any other node.
pub(crate) fn elements(node: &Node) -> &[Node] {
    match &node.value {
        Value::Sequence(nodes) => nodes,
        _ => &[],
    }
}

/// Returns the keys of a mapping with their values, or none for any other node.
pub(crate) fn entries(node: &Node) -> &[(Spanned<String>, Node)] {
    match &node.value {
        Value::Mapping(entries) => entries,
        _ => &[],
    }
}

/// Returns the text of a scalar that is not null.
pub(crate) fn scalar(node: &Node) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(Spanned::new(scalar.text.clone(), node.span)),
        _ => None,
    }
}

/// Returns whether the value of the key is `true`.
pub(crate) fn is_true(node: &Node, name: &str) -> bool {
    matches!(get(node, name).map(|node| &node.value), Some(Value::Scalar(scalar)) if scalar.as_bool() == Some(true))
}

/// Returns a message with its type, such as `envoy.config.route.v3.Route`. The type is empty if there is none. A
/// message in a `TypedStruct` is unwrapped.
pub(crate) fn typed(node: &Node) -> (&str, &Node) {
    let url = |key: &str| match get(node, key).map(|node| &node.value) {
        Some(Value::Scalar(scalar)) => scalar.text.rsplit('/').next().unwrap_or_default(),
        _ => "",
    };
    match url("@type") {
        name if name.ends_with(".TypedStruct") => (url("type_url"), get(node, "value").unwrap_or(node)),
        name => (name, node),
    }
}

/// Calls `see` for a node and everything below it. If it returns `false`, the nodes below are skipped.
pub(crate) fn walk<'n>(node: &'n Node, see: &mut dyn FnMut(&'n Node) -> bool) {
    if !see(node) {
        return;
    }
    elements(node).iter().for_each(|node| walk(node, see));
    entries(node).iter().for_each(|(_, node)| walk(node, see));
}

/// Returns whether a key is this name, in snake_case or in camelCase.
fn same(key: &str, name: &str) -> bool {
    key == name || (key.len() <= name.len() && letters(key).eq(letters(name)))
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_key_are_known() {
        for (key, expected) in [("header_name", true), ("headerName", true), ("header", false), ("headerNames", false)]
        {
            assert_eq!(same(key, "header_name"), expected, "{key}");
        }
    }
}
