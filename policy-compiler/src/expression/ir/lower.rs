//! Lowers typed expressions to the normal form.

use std::collections::HashMap;

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};

use super::{
    Arithmetic, Comparison, Element, Entry, Ir, Loop, LoopResult, Node, Pattern, TextTest, WithOptional, fold, networks,
};
use crate::expression::cel::{Function, Type, TypedExpr, TypedKind, library_function};

/// Computes the value of a closed node. Returns `None` for an error, and for what cannot be a constant.
pub type Evaluate = fn(&Node) -> Option<Constant>;

/// Returns the IR of an expression. `evaluate` computes what is the same for every request.
pub fn lower(expr: &TypedExpr, evaluate: Evaluate) -> Ir {
    let mut lowering = Lowering { evaluate, inlined: HashMap::new() };
    Ir { root: lowering.node(expr), start: expr.start, end: expr.end }
}

struct Lowering {
    /// Computes constants.
    evaluate: Evaluate,
    /// The values of locals that are inlined, because they cost no more than the local.
    inlined: HashMap<u32, Node>,
}

impl Lowering {
    fn node(&mut self, expr: &TypedExpr) -> Node {
        let node = self.unfolded(expr);
        fold::constant(node, self.evaluate)
    }

    fn unfolded(&mut self, expr: &TypedExpr) -> Node {
        match &expr.kind {
            TypedKind::Literal(constant) => Node::Constant(Constant::Scalar(constant.clone())),
            TypedKind::Attribute(attribute) => Node::Attribute(attribute.clone()),
            TypedKind::HasAttribute(attribute) => Node::Has(attribute.clone()),
            TypedKind::OptionalAttribute(attribute) => Node::OptionalAttribute(attribute.clone()),
            TypedKind::Variable(index) => Node::Variable(*index),
            TypedKind::Local(local) => self.inlined.get(local).cloned().unwrap_or(Node::Local(*local)),
            TypedKind::Let(local, value, body) => self.let_in(*local, value, body),
            TypedKind::List(elements) => {
                let element = |element: &Element<TypedExpr>| Element {
                    value: self.node(&element.value),
                    optional: element.optional,
                };
                Node::List(elements.iter().map(element).collect())
            }
            TypedKind::Map(entries) => {
                let entry = |entry: &Entry<TypedExpr>| Entry {
                    key: self.node(&entry.key),
                    value: self.node(&entry.value),
                    optional: entry.optional,
                };
                Node::Map(entries.iter().map(entry).collect())
            }
            TypedKind::Member(of, name) => Node::Member(self.boxed(of), name.clone()),
            TypedKind::OptionalMember(of, name) => Node::OptionalMember(self.boxed(of), name.clone()),
            TypedKind::HasMember(of, name) => Node::HasMember(self.boxed(of), name.clone()),
            TypedKind::Call(function, arguments) => self.call(*function, arguments),
            TypedKind::WithOptional(with) => {
                let (of, then) = (self.node(&with.of), self.node(&with.then));
                Node::WithOptional(Box::new(WithOptional { of, local: with.local, then, flat: with.flat }))
            }
            TypedKind::Loop(of) => self.loop_over(of),
            TypedKind::Fail => Node::Fail,
        }
    }

    fn boxed(&mut self, expr: &TypedExpr) -> Box<Node> {
        Box::new(self.node(expr))
    }

    fn let_in(&mut self, local: u32, value: &TypedExpr, body: &TypedExpr) -> Node {
        let value = self.node(value);
        if matches!(value, Node::Constant(_) | Node::Attribute(_) | Node::Variable(_) | Node::Local(_)) {
            self.inlined.insert(local, value);
            return self.node(body);
        }
        Node::Let(local, Box::new([value, self.node(body)]))
    }

    fn loop_over(&mut self, of: &Loop<TypedExpr>) -> Node {
        let range = self.node(&of.range);
        let filter = of.filter.as_ref().map(|filter| self.node(filter));
        let result = of.result.map(|body| self.node(body));
        // `list.exists(x, x == value)` is `value in list`.
        if let (LoopResult::Exists(body), Type::List(_), None) = (&result, &of.range.ty, of.second) {
            if let Some(value) = compared_with(body, of.first) {
                return membership(value.clone(), range);
            }
            if let Some(of_networks) = networks::any_contains(body, of.first, &range) {
                return of_networks;
            }
        }
        Node::Loop(Box::new(Loop { range, first: of.first, second: of.second, filter, result }))
    }

    fn call(&mut self, function: Function, arguments: &[TypedExpr]) -> Node {
        match (function, arguments) {
            (Function::And, [_, _]) => self.connective(Connective::And, arguments),
            (Function::Or, [_, _]) => self.connective(Connective::Or, arguments),
            (Function::Not, [of]) => not(self.node(of), of.ty == Type::Bool),
            (Function::Negate, [of]) => Node::Negate(self.boxed(of)),
            (Function::Size, [of]) => Node::Size(self.boxed(of)),
            (Function::Dyn, [of]) => self.node(of),
            (Function::Conditional, [condition, then, otherwise]) => {
                let condition = self.node(condition);
                self.conditional(condition, then, otherwise)
            }
            (Function::Matches, [text, pattern]) => self.matches(text, pattern),
            (Function::InNetworks, [address, list]) => {
                let address = self.node(address);
                networks::literals(list).map_or(Node::Fail, |set| Node::In(Box::new([address, set])))
            }
            (Function::Library(name), arguments) => {
                let arguments: Vec<Node> = arguments.iter().map(|argument| self.node(argument)).collect();
                library(name, arguments)
            }
            (function, [left, right]) => binary(function, self.node(left), self.node(right)),
            // The checker passes the right number of arguments to every function.
            _ => Node::Fail,
        }
    }

    fn conditional(&mut self, condition: Node, then: &TypedExpr, otherwise: &TypedExpr) -> Node {
        match condition.as_bool() {
            Some(true) => self.node(then),
            Some(false) => self.node(otherwise),
            None => Node::If(Box::new([condition, self.node(then), self.node(otherwise)])),
        }
    }

    fn matches(&mut self, text: &TypedExpr, pattern: &TypedExpr) -> Node {
        match &pattern.kind {
            TypedKind::Literal(ScalarConstant::String(regex)) => {
                let pattern = Pattern { text: regex.clone(), start: pattern.start, end: pattern.end };
                Node::Matches(self.boxed(text), pattern)
            }
            // The checker accepts only literals.
            _ => Node::Fail,
        }
    }

    /// Lowers `&&` and `||`, flattened. An absorbing constant decides alone. A neutral one is removed, unless the
    /// remaining part could be something other than a bool.
    fn connective(&mut self, connective: Connective, arguments: &[TypedExpr]) -> Node {
        let mut parts = Vec::new();
        let mut rest_is_bool = true;
        for argument in arguments {
            match (connective, self.node(argument)) {
                (Connective::And, Node::All(inner)) | (Connective::Or, Node::Any(inner)) => {
                    // A connective that kept its constant has a part that may not be a bool; the constant makes it an
                    // error.
                    rest_is_bool = false;
                    parts.extend(inner);
                }
                (_, other) => {
                    rest_is_bool &= argument.ty == Type::Bool;
                    parts.push(other);
                }
            }
        }
        let absorbing = connective == Connective::Or;
        if parts.iter().any(|part| part.as_bool() == Some(absorbing)) {
            return Node::bool(absorbing);
        }
        let neutral = parts.iter().filter(|part| part.as_bool().is_some()).count();
        if neutral > 0 && (rest_is_bool || parts.len() - neutral >= 2) {
            parts.retain(|part| part.as_bool().is_none());
        }
        if connective == Connective::Or {
            networks::join(&mut parts);
        }
        match (parts.len(), connective) {
            (0, _) => Node::bool(!absorbing),
            (1, _) => parts.remove(0),
            (_, Connective::And) => Node::All(parts),
            (_, Connective::Or) => Node::Any(parts),
        }
    }
}

/// Returns the constant that a local is compared with for equality.
fn compared_with(body: &Node, local: u32) -> Option<&Node> {
    let Node::Compare(Comparison::Equal, pair) = body else { return None };
    // Anything else may be an error, which an empty list never evaluates.
    let simple = |node: &Node| matches!(node, Node::Constant(_));
    match &**pair {
        [Node::Local(other), value] | [value, Node::Local(other)] if *other == local && simple(value) => Some(value),
        _ => None,
    }
}

fn library(name: &str, arguments: Vec<Node>) -> Node {
    match (name, <[Node; 2]>::try_from(arguments)) {
        ("or", Ok(pair)) => Node::FirstPresent(Box::new(pair)),
        ("orValue", Ok(pair)) => Node::ValueOr(Box::new(pair)),
        (name, Ok(pair)) => called(name, pair.into()),
        (name, Err(arguments)) => called(name, arguments),
    }
}

fn called(name: &str, arguments: Vec<Node>) -> Node {
    if let Some(of_networks) = networks::contains(name, &arguments) {
        return of_networks;
    }
    library_function(name, arguments.len()).map_or(Node::Fail, |function| Node::Call(function, arguments))
}

fn binary(function: Function, left: Node, right: Node) -> Node {
    let arithmetic = |operation, left, right| Node::Arithmetic(operation, Box::new([left, right]));
    match function {
        Function::Equal => compare(Comparison::Equal, left, right),
        Function::NotEqual => compare(Comparison::NotEqual, left, right),
        Function::Less => compare(Comparison::Less, left, right),
        Function::LessEqual => compare(Comparison::LessEqual, left, right),
        Function::Greater => compare(Comparison::Greater, left, right),
        Function::GreaterEqual => compare(Comparison::GreaterEqual, left, right),
        Function::Add => arithmetic(Arithmetic::Add, left, right),
        Function::Subtract => arithmetic(Arithmetic::Subtract, left, right),
        Function::Multiply => arithmetic(Arithmetic::Multiply, left, right),
        Function::Divide => arithmetic(Arithmetic::Divide, left, right),
        Function::Modulo => arithmetic(Arithmetic::Modulo, left, right),
        Function::StartsWith => Node::Text(TextTest::Prefix, Box::new([left, right])),
        Function::EndsWith => Node::Text(TextTest::Suffix, Box::new([left, right])),
        Function::Contains => Node::Text(TextTest::Part, Box::new([left, right])),
        Function::In => membership(left, right),
        Function::Index => index(left, right),
        Function::OptionalIndex => Node::OptionalIndex(Box::new([left, right])),
        Function::And
        | Function::Or
        | Function::Not
        | Function::Negate
        | Function::Conditional
        | Function::Matches
        | Function::MatchesTemplate
        | Function::InNetworks
        | Function::Size
        | Function::Dyn
        | Function::Library(_) => Node::Fail,
    }
}

fn compare(comparison: Comparison, left: Node, right: Node) -> Node {
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

fn membership(value: Node, of: Node) -> Node {
    Node::In(Box::new([value, fold::set(of)]))
}

fn index(of: Node, key: Node) -> Node {
    match key.as_str() {
        Some(name) => Node::Member(Box::new(of), name.to_owned()),
        None => Node::Index(Box::new([of, key])),
    }
}

/// Lowers `!`. It is merged into `==` and `!=`, which have the same errors. A double `!` is removed before a bool, but
/// not before a `dyn`, which may not be a bool.
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

/// Whether the value of a node can only be a bool or an error.
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Connective {
    And,
    Or,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::cel::{Environment, Expected, check};
    use context_mesh_core::artifact::tables::{FieldType, Scalar};

    fn ir(text: &str) -> Ir {
        let fields = [
            ("a", FieldType::One(Scalar::Bool)),
            ("s", FieldType::One(Scalar::String)),
            ("j", FieldType::One(Scalar::Any)),
            ("l", FieldType::List(Scalar::String)),
        ];
        let environment = Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty)));
        crate::expression::codegen::lower(&check(&environment, text, Expected::Any).unwrap())
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
        let parts = ir.root.conjuncts();
        let forms = parts.iter().map(|part| match part {
            Node::Compare(..) => "compare",
            Node::Text(TextTest::Prefix, _) => "prefix",
            Node::In(..) => "in",
            Node::Matches(..) => "matches",
            Node::Has(_) => "has",
            _ => "other",
        });
        assert_eq!(forms.collect::<Vec<_>>(), ["compare", "prefix", "in", "in", "matches", "has"]);
        assert_eq!(ir.attributes().len(), 6);
    }
}
