//! Conditions about networks, which become look-ups in a set: however many networks there are, they cost one search.

use context_mesh_core::address::Networks;
use context_mesh_core::artifact::tables::{Constant, ScalarConstant};
use context_mesh_core::vm::function::Function;

use super::Node;
use crate::expression::cel::{Element, TypedExpr, TypedKind, library_function};

/// Returns the set of a list of literals, each a network.
pub(super) fn literals(list: &TypedExpr) -> Option<Node> {
    let TypedKind::List(elements) = &list.kind else { return None };
    let literal = |element: &Element<TypedExpr>| match &element.value.kind {
        TypedKind::Literal(ScalarConstant::String(text)) => Some(text.clone()),
        _ => None,
    };
    let texts: Option<Vec<String>> = elements.iter().map(literal).collect();
    set(texts?.iter().map(String::as_str))
}

fn set<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Node> {
    Some(Node::Constant(Constant::Networks(Networks::of(texts)?)))
}

fn text(constant: &ScalarConstant) -> Option<&str> {
    if let ScalarConstant::String(text) = constant { Some(text) } else { None }
}

/// Returns `cidr('10.0.0.0/8').containsIP(address)` as a look-up.
pub(super) fn contains(name: &str, arguments: &[Node]) -> Option<Node> {
    let (network, address) = contains_ip(library_function(name, arguments.len())?, arguments)?;
    Some(Node::In(Box::new([address.clone(), set([network.as_str()?])?])))
}

/// Returns `list.exists(network, cidr(network).containsIP(address))` as a look-up, for a list of constants.
pub(super) fn any_contains(body: &Node, network: u32, list: &Node) -> Option<Node> {
    let Node::Call(function, arguments) = body else { return None };
    let (of, address) = contains_ip(*function, arguments)?;
    let Node::Constant(Constant::List(items)) = list else { return None };
    // An empty list evaluates nothing, not even an address that is an error.
    if *of != Node::Local(network) || items.is_empty() || !is_apart(address, network) {
        return None;
    }
    let texts: Option<Vec<&str>> = items.iter().map(text).collect();
    Some(Node::In(Box::new([address.clone(), set(texts?)?])))
}

/// Whether a node is known not to read a local.
fn is_apart(node: &Node, local: u32) -> bool {
    match node {
        Node::Attribute(_) | Node::Variable(_) => true,
        Node::Local(other) => *other != local,
        Node::Call(_, arguments) => arguments.iter().all(|argument| is_apart(argument, local)),
        _ => false,
    }
}

/// Returns the argument of `cidr` and the address of `cidr(...).containsIP(address)`.
fn contains_ip(function: Function, arguments: &[Node]) -> Option<(&Node, &Node)> {
    let [Node::Call(cidr, of), address] = arguments else { return None };
    let is_it = Some(function) == library_function("containsIP", 2) && Some(*cidr) == library_function("cidr", 1);
    match of.as_slice() {
        [of] if is_it => Some((of, address)),
        _ => None,
    }
}

/// Joins the look-ups of one address among the parts of an `||`.
pub(super) fn join(parts: &mut Vec<Node>) {
    let mut joined: Vec<Node> = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        if let Some((address, set)) = look_up(&part)
            && let Some(earlier) = joined.iter_mut().find(|one| look_up(one).is_some_and(|(of, _)| of == address))
            && let Some((_, others)) = look_up(earlier)
        {
            let set = Node::Constant(Constant::Networks(others.or(set)));
            *earlier = Node::In(Box::new([address.clone(), set]));
            continue;
        }
        joined.push(part);
    }
    *parts = joined;
}

fn look_up(node: &Node) -> Option<(&Node, &Networks)> {
    match node {
        Node::In(pair) => match &**pair {
            [address, Node::Constant(Constant::Networks(set))] => Some((address, set)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::cel::{Environment, Expected, check};
    use crate::expression::codegen::lower;
    use crate::expression::ir::Node;

    #[test]
    fn all_ways_to_say_it_are_one_look_up() {
        let root = |text: &str| lower(&check(&Environment::new([]), text, Expected::Bool).unwrap()).root;
        let expected = root("source.ip.inNetworks(['10.0.0.0/8', '2001:db8::/32'])");
        assert!(matches!(expected, Node::In(_)));
        for text in [
            "source.ip.inNetworks(['2001:db8::/32', '10.0.0.0/9', '10.128.0.0/9', '10.0.0.0/8'])",
            "['10.0.0.0/8', '2001:db8::/32'].exists(n, cidr(n).containsIP(source.ip))",
            "cidr('10.0.0.0/8').containsIP(source.ip) || cidr('2001:db8::/32').containsIP(source.ip)",
            "source.ip.inNetworks(['10.0.0.0/8']) || source.ip.inNetworks(['2001:db8::/32'])",
        ] {
            assert_eq!(root(text), expected, "{text}");
        }
        for text in [
            "[].exists(n, cidr(n).containsIP(source.ip))",
            "[source.ip].exists(n, cidr(n).containsIP(source.ip))",
            "['10.0.0.0/8'].exists(n, cidr(n).containsIP(n))",
            "['10.0.0.0/8'].all(n, cidr(n).containsIP(source.ip))",
        ] {
            assert!(!matches!(root(text), Node::In(_)), "{text}");
        }
    }
}
