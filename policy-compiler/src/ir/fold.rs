//! What can be computed without a request.

use std::cmp::Ordering;

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};

use super::{Comparison, Node, TextTest};

/// A comparison of two constants; `None` where the machine shall say (values of different types, NaN).
pub(super) fn compare(comparison: Comparison, left: &Node, right: &Node) -> Option<Node> {
    let ordering = order(left.scalar()?, right.scalar()?)?;
    Some(Node::bool(match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterEqual => ordering.is_ge(),
    }))
}

fn order(left: &ScalarConstant, right: &ScalarConstant) -> Option<Ordering> {
    match (left, right) {
        (ScalarConstant::Bool(a), ScalarConstant::Bool(b)) => Some(a.cmp(b)),
        (ScalarConstant::Int(a), ScalarConstant::Int(b)) => Some(a.cmp(b)),
        (ScalarConstant::Uint(a), ScalarConstant::Uint(b)) => Some(a.cmp(b)),
        (ScalarConstant::Double(a), ScalarConstant::Double(b)) => a.partial_cmp(b),
        (ScalarConstant::String(a), ScalarConstant::String(b)) => Some(a.cmp(b)),
        (ScalarConstant::Bytes(a), ScalarConstant::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Membership of a constant string in a set, or of anything in nothing that is known to have no elements.
pub(super) fn membership(value: &Node, of: &Node) -> Option<Node> {
    match (value, of) {
        (value, Node::Constant(Constant::StringSet(words))) => {
            Some(Node::bool(words.iter().any(|word| Some(word.as_str()) == value.as_str())))
                .filter(|_| value.scalar().is_some())
        }
        _ => None,
    }
}

/// A test of one constant text for another.
pub(super) fn text(test: TextTest, text: &Node, part: &Node) -> Option<Node> {
    let (text, part) = (text.as_str()?, part.as_str()?);
    Some(Node::bool(match test {
        TextTest::Prefix => text.starts_with(part),
        TextTest::Suffix => text.ends_with(part),
        TextTest::Part => text.contains(part),
    }))
}

/// The size of a constant.
pub(super) fn size(of: &Node) -> Option<Node> {
    let size = match of {
        Node::Constant(Constant::Scalar(ScalarConstant::String(text))) => text.chars().count(),
        Node::Constant(Constant::Scalar(ScalarConstant::Bytes(bytes))) => bytes.len(),
        Node::Constant(Constant::List(items)) => items.len(),
        _ => return None,
    };
    Some(Node::Constant(Constant::Scalar(ScalarConstant::Int(i64::try_from(size).ok()?))))
}

/// The element of a constant list; `None` when there is none, which is an error only when it runs.
pub(super) fn index(of: &Node, index: &Node) -> Option<Node> {
    let (Node::Constant(Constant::List(items)), ScalarConstant::Int(index)) = (of, index.scalar()?) else {
        return None;
    };
    let item = items.get(usize::try_from(*index).ok()?)?;
    Some(Node::Constant(Constant::Scalar(item.clone())))
}

/// A list: a constant if all its elements are single constants.
pub(super) fn list(elements: Vec<Node>) -> Node {
    let constants: Option<Vec<ScalarConstant>> = elements.iter().map(|element| element.scalar().cloned()).collect();
    match constants {
        Some(constants) => Node::Constant(Constant::List(constants)),
        None => Node::List(elements),
    }
}

/// A list that is only looked into: a set if all its elements are strings.
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
