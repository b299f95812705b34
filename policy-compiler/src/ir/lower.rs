//! Typed expressions to the normal form.

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};

use super::{Comparison, Ir, Node, Pattern, TextTest, fold};
use crate::cel::{Function, Type, TypedExpr, TypedKind};

/// Brings a checked expression into the normal form.
pub fn lower(expr: &TypedExpr) -> Ir {
    Ir { root: node(expr), start: expr.start, end: expr.end }
}

fn node(expr: &TypedExpr) -> Node {
    match &expr.kind {
        TypedKind::Literal(constant) => Node::Constant(Constant::Scalar(constant.clone())),
        TypedKind::Attribute(attribute) => Node::Attribute(attribute.clone()),
        TypedKind::HasAttribute(attribute) => Node::Has(attribute.clone()),
        TypedKind::Variable(index) => Node::Variable(*index),
        TypedKind::List(elements) => fold::list(elements.iter().map(node).collect()),
        TypedKind::Member(of, name) => Node::Member(Box::new(node(of)), name.clone()),
        TypedKind::HasMember(of, name) => Node::HasMember(Box::new(node(of)), name.clone()),
        TypedKind::Call(function, arguments) => call(*function, arguments),
    }
}

fn call(function: Function, arguments: &[TypedExpr]) -> Node {
    match (function, arguments) {
        (Function::And, [_, _]) => connective(Connective::And, arguments),
        (Function::Or, [_, _]) => connective(Connective::Or, arguments),
        (Function::Not, [of]) => not(node(of), of.ty == Type::Bool),
        (Function::Size, [of]) => {
            let of = node(of);
            fold::size(&of).unwrap_or_else(|| Node::Size(Box::new(of)))
        }
        (Function::Conditional, [condition, then, otherwise]) => conditional(node(condition), then, otherwise),
        (Function::Matches, [text, pattern]) => matches(text, pattern),
        (function, [left, right]) => binary(function, node(left), node(right)),
        // The checker gives every function the number of arguments that it takes.
        (_, arguments) => Node::List(arguments.iter().map(node).collect()),
    }
}

fn binary(function: Function, left: Node, right: Node) -> Node {
    let comparison = match function {
        Function::Equal => Comparison::Equal,
        Function::NotEqual => Comparison::NotEqual,
        Function::Less => Comparison::Less,
        Function::LessEqual => Comparison::LessEqual,
        Function::Greater => Comparison::Greater,
        Function::GreaterEqual => Comparison::GreaterEqual,
        Function::StartsWith => return text(TextTest::Prefix, left, right),
        Function::EndsWith => return text(TextTest::Suffix, left, right),
        Function::Contains => return text(TextTest::Part, left, right),
        Function::In => return membership(left, right),
        Function::Index => return index(left, right),
        Function::And | Function::Or | Function::Not | Function::Conditional | Function::Matches | Function::Size => {
            return Node::List(vec![left, right]);
        }
    };
    if let Some(folded) = fold::compare(comparison, &left, &right) {
        return folded;
    }
    if matches!(left, Node::Constant(_)) && !matches!(right, Node::Constant(_)) {
        return Node::Compare(mirrored(comparison), Box::new([right, left]));
    }
    Node::Compare(comparison, Box::new([left, right]))
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same @ (Comparison::Equal | Comparison::NotEqual) => same,
    }
}

fn text(test: TextTest, left: Node, right: Node) -> Node {
    fold::text(test, &left, &right).unwrap_or_else(|| Node::Text(test, Box::new([left, right])))
}

fn membership(value: Node, of: Node) -> Node {
    let of = fold::set(of);
    fold::membership(&value, &of).unwrap_or_else(|| Node::In(Box::new([value, of])))
}

fn index(of: Node, key: Node) -> Node {
    if let Some(folded) = fold::index(&of, &key) {
        return folded;
    }
    match key.as_str() {
        Some(name) => Node::Member(Box::new(of), name.to_owned()),
        None => Node::Index(Box::new([of, key])),
    }
}

/// `!`. It is taken into `==` and `!=`, which give the same errors; two of them vanish before a bool, but
/// not before a `dyn`, which may turn out to be none.
fn not(of: Node, is_bool: bool) -> Node {
    match of {
        Node::Compare(Comparison::Equal, pair) => Node::Compare(Comparison::NotEqual, pair),
        Node::Compare(Comparison::NotEqual, pair) => Node::Compare(Comparison::Equal, pair),
        Node::Not(inner) if is_bool && gives_bool(&inner) => *inner,
        other => match other.as_bool() {
            Some(value) => Node::bool(!value),
            None => Node::Not(Box::new(other)),
        },
    }
}

/// Whether a node can give only a bool or an error.
fn gives_bool(node: &Node) -> bool {
    match node {
        Node::Has(_)
        | Node::All(_)
        | Node::Any(_)
        | Node::Not(_)
        | Node::Compare(..)
        | Node::In(_)
        | Node::Text(..) => true,
        Node::Matches(..) | Node::HasMember(..) => true,
        other => other.as_bool().is_some(),
    }
}

fn conditional(condition: Node, then: &TypedExpr, otherwise: &TypedExpr) -> Node {
    match condition.as_bool() {
        Some(true) => node(then),
        Some(false) => node(otherwise),
        None => Node::If(Box::new([condition, node(then), node(otherwise)])),
    }
}

fn matches(text: &TypedExpr, pattern: &TypedExpr) -> Node {
    match &pattern.kind {
        TypedKind::Literal(ScalarConstant::String(regex)) => {
            let pattern = Pattern { text: regex.clone(), start: pattern.start, end: pattern.end };
            Node::Matches(Box::new(node(text)), pattern)
        }
        // The checker lets only literals through.
        _ => Node::List(vec![node(text), node(pattern)]),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Connective {
    And,
    Or,
}

/// `&&` and `||`, flattened. The absorbing constant decides alone; the neutral one falls away, unless what
/// is left over could be something else than a bool.
fn connective(connective: Connective, arguments: &[TypedExpr]) -> Node {
    let mut parts = Vec::new();
    for argument in arguments {
        match (connective, node(argument)) {
            (Connective::And, Node::All(inner)) | (Connective::Or, Node::Any(inner)) => parts.extend(inner),
            (_, other) => parts.push(other),
        }
    }
    let absorbing = connective == Connective::Or;
    if parts.iter().any(|part| part.as_bool() == Some(absorbing)) {
        return Node::bool(absorbing);
    }
    let neutral = parts.iter().filter(|part| part.as_bool().is_some()).count();
    let rest_is_bool = arguments.iter().all(|argument| argument.ty == Type::Bool);
    if neutral > 0 && (rest_is_bool || parts.len() - neutral >= 2) {
        parts.retain(|part| part.as_bool().is_none());
    }
    match (parts.len(), connective) {
        (0, _) => Node::bool(!absorbing),
        (1, _) => parts.remove(0),
        (_, Connective::And) => Node::All(parts),
        (_, Connective::Or) => Node::Any(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cel::{Environment, Expected, check};
    use crate::ir::Test;
    use context_mesh_core::artifact::tables::{FieldType, Scalar};

    fn ir(text: &str) -> Ir {
        let fields = [
            ("a", FieldType::One(Scalar::Bool)),
            ("s", FieldType::One(Scalar::String)),
            ("j", FieldType::One(Scalar::Any)),
            ("l", FieldType::List(Scalar::String)),
        ];
        let environment = Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty)));
        lower(&check(&environment, text, Expected::Any).unwrap())
    }

    #[test]
    fn constants_fold() {
        let cases = [
            ("1 < 2 && 'a' == 'a'", "true"),
            ("context.a && false", "false"),
            ("context.a || true", "true"),
            ("context.a && true", "context.a"),
            ("true && context.a && true", "context.a"),
            ("!(true)", "false"),
            ("!!context.a", "context.a"),
            ("!(!(context.s == 'x'))", "context.s == 'x'"),
            ("!(context.s == 'x')", "context.s != 'x'"),
            ("true ? context.s : 'b'", "context.s"),
            ("size('añb') == 3", "true"),
            ("['a', 'b'][1]", "'b'"),
            ("'abc'.startsWith('ab')", "true"),
            ("'a' in ['b', 'a']", "true"),
            ("'x' == context.s", "context.s == 'x'"),
            ("'x' < context.s", "context.s > 'x'"),
            ("context.j['k']", "context.j.k"),
        ];
        for (text, expected) in cases {
            assert_eq!(ir(text).root, ir(expected).root, "{text}");
        }
    }

    #[test]
    fn what_may_be_an_error_stays() {
        for text in ["context.j && true", "[1][5]", "!(!context.j)", "1 == context.j", "'a' in [context.s]"] {
            assert!(ir(text).constant().is_none(), "{text}");
        }
        assert!(matches!(ir("context.j && true").root, Node::All(_)));
        assert!(matches!(ir("!(!context.j)").root, Node::Not(_)));
    }

    #[test]
    fn the_shape_of_a_condition_is_visible() {
        let ir = ir(
            "context.s == 'a' && (request.path.startsWith('/x') && context.s in ['b', 'a', 'b']) && 'f' in context.l && context.s.matches('b+') && has(context.a)",
        );
        let tests: Vec<Test<'_>> = ir.root.conjuncts().iter().map(|part| part.atom().unwrap().test).collect();
        let words = ["a".to_owned(), "b".to_owned()];
        assert!(matches!(tests[0], Test::Equals(ScalarConstant::String(word)) if word == "a"));
        assert_eq!(tests[1..3], [Test::Prefix("/x"), Test::OneOf(&words)]);
        assert!(matches!(tests[3], Test::Holds(_)));
        assert!(matches!(tests[4], Test::Regex(pattern) if pattern.text == "b+"));
        assert_eq!(tests[5], Test::Present);
        assert_eq!(ir.attributes().len(), 6);
    }
}
