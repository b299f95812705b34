//! Constant folding.

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};

use super::{Evaluate, Node};

/// Replaces a node by a constant, if it is the same for every request and is not an error. Errors stay, because they
/// only matter when they are reached.
pub(super) fn constant(node: Node, evaluate: Evaluate) -> Node {
    if matches!(node, Node::Constant(_) | Node::Local(_)) || !node.is_closed() {
        return node;
    }
    match evaluate(&node) {
        Some(constant) => Node::Constant(constant),
        None => node,
    }
}

/// Converts a list that is only searched to a set, if all its elements are strings.
pub(super) fn set(list: Node) -> Node {
    let Node::Constant(Constant::List(items)) = &list else { return list };
    let words: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            ScalarConstant::String(word) => Some(word.clone()),
            _ => None,
        })
        .collect();
    match words {
        Some(mut words) if !words.is_empty() => {
            words.sort_unstable();
            words.dedup();
            Node::Constant(Constant::StringSet(words))
        }
        _ => list,
    }
}
