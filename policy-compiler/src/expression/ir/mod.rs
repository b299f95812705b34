//! The intermediate representation: a small tree without types and names, in one normal form.
//!
//! Constants are folded, lists of constant strings that are only searched are sets, `&&` and `||` are flat, and a
//! constant is on the right of a comparison. The structure of a condition stays visible: an index over many rules is
//! built from `Node::conjuncts`.

mod fold;
mod lower;
mod networks;

use context_mesh_core::artifact::tables::{Attribute, Constant, ScalarConstant};
use context_mesh_core::index::VariableIndex;
use context_mesh_core::vm::function::Function;
pub use lower::{Evaluate, lower};

pub use crate::expression::cel::{Element, Entry, Loop, LoopResult, WithOptional};

/// An expression, ready for code generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Ir {
    /// The root of its tree.
    pub root: Node,
    /// First character of the expression in its text.
    pub start: usize,
    /// First character after it.
    pub end: usize,
}

/// A node of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A constant.
    Constant(Constant),
    /// The value of an attribute.
    Attribute(Attribute),
    /// Whether an attribute has a value.
    Has(Attribute),
    /// An attribute as an optional, which is empty if the attribute has no value.
    OptionalAttribute(Attribute),
    /// The value of a variable, by its number.
    Variable(VariableIndex),
    /// The value of a local. Its number is unique within the expression.
    Local(u32),
    /// A value that is bound to a local, and the expression that uses it.
    Let(u32, Box<[Node; 2]>),
    /// `&&` over two or more parts, none of which is itself an `&&`.
    All(Vec<Node>),
    /// `||` over two or more parts, none of which is itself an `||`.
    Any(Vec<Node>),
    /// `!`
    Not(Box<Node>),
    /// `condition ? then : otherwise`
    If(Box<[Node; 3]>),
    /// A comparison of two values.
    Compare(Comparison, Box<[Node; 2]>),
    /// An arithmetic operation on two values.
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// `-` before a number.
    Negate(Box<Node>),
    /// A library function.
    Call(Function, Vec<Node>),
    /// Whether the first is in the second.
    In(Box<[Node; 2]>),
    /// A test of the first text for the second.
    Text(TextTest, Box<[Node; 2]>),
    /// Whether a regex matches somewhere in a text.
    Matches(Box<Node>, Pattern),
    /// The size of a value.
    Size(Box<Node>),
    /// The member of a map, by name.
    Member(Box<Node>, String),
    /// Whether a map has a member of that name.
    HasMember(Box<Node>, String),
    /// The element of a list, or the member of a map, by a value.
    Index(Box<[Node; 2]>),
    /// An optional of the member of a map, by name.
    OptionalMember(Box<Node>, String),
    /// An optional of the element of a list, or of the member of a map, by a value.
    OptionalIndex(Box<[Node; 2]>),
    /// The first of two optionals that has a value.
    FirstPresent(Box<[Node; 2]>),
    /// The value of an optional, or the second if it has none.
    ValueOr(Box<[Node; 2]>),
    /// An expression over the value of an optional, if it has one.
    WithOptional(Box<WithOptional<Node>>),
    /// A list of values.
    List(Vec<Element<Node>>),
    /// A map.
    Map(Vec<Entry<Node>>),
    /// A loop over a list or map.
    Loop(Box<Loop<Node>>),
    /// Always an error.
    Fail,
}

/// An arithmetic operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// A test of a text for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTest {
    /// `startsWith`
    Prefix,
    /// `endsWith`
    Suffix,
    /// `contains`
    Part,
}

/// A regex, as written in the policy, with its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The regex, as written.
    pub text: String,
    /// First character in the text.
    pub start: usize,
    /// First character after it.
    pub end: usize,
}

impl Ir {
    /// Returns the value of an expression that is the same for every request.
    pub fn constant(&self) -> Option<&Constant> {
        match &self.root {
            Node::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Returns every attribute that the expression may read, in the order of the text. One may occur repeatedly.
    pub fn attributes(&self) -> Vec<&Attribute> {
        let mut found = Vec::new();
        self.root.collect(&mut found);
        found
    }
}

impl Node {
    /// Returns the parts that must all be true for this to be true: those of an `&&`, or the node itself.
    pub(crate) fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// Returns the parts of a node.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Constant(_)
            | Self::Attribute(_)
            | Self::Has(_)
            | Self::OptionalAttribute(_)
            | Self::Variable(_)
            | Self::Local(_)
            | Self::Fail => Vec::new(),
            Self::All(parts) | Self::Any(parts) | Self::Call(_, parts) => parts.iter().collect(),
            Self::List(elements) => elements.iter().map(|element| &element.value).collect(),
            Self::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
            Self::Not(of)
            | Self::Negate(of)
            | Self::Matches(of, _)
            | Self::Size(of)
            | Self::Member(of, _)
            | Self::OptionalMember(of, _)
            | Self::HasMember(of, _) => vec![of],
            Self::If(parts) => parts.iter().collect(),
            Self::Compare(_, pair)
            | Self::Arithmetic(_, pair)
            | Self::In(pair)
            | Self::Text(_, pair)
            | Self::Index(pair)
            | Self::OptionalIndex(pair)
            | Self::FirstPresent(pair)
            | Self::ValueOr(pair)
            | Self::Let(_, pair) => pair.iter().collect(),
            Self::WithOptional(with) => vec![&with.of, &with.then],
            Self::Loop(of) => {
                [Some(&of.range), of.filter.as_ref(), Some(of.result.body())].into_iter().flatten().collect()
            }
        }
    }

    /// Whether its value is the same for every request and can be computed at compile time: it reads no attributes, no
    /// variables, and no locals from outside.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_self_contained() && self.is_constant()
    }

    fn is_constant(&self) -> bool {
        let reads = matches!(
            self,
            Self::Attribute(_) | Self::Has(_) | Self::OptionalAttribute(_) | Self::Variable(_) | Self::Fail
        );
        !reads && self.children().into_iter().all(Self::is_constant)
    }

    /// Returns the node with other parts.
    pub(crate) fn with_children(&self, change: &mut impl FnMut(&Self) -> Self) -> Self {
        let mut boxed = |of: &Self| Box::new(change(of));
        match self {
            Self::Not(of) => return Self::Not(boxed(of)),
            Self::Negate(of) => return Self::Negate(boxed(of)),
            Self::Size(of) => return Self::Size(boxed(of)),
            Self::Matches(of, pattern) => return Self::Matches(boxed(of), pattern.clone()),
            Self::Member(of, name) => return Self::Member(boxed(of), name.clone()),
            Self::OptionalMember(of, name) => return Self::OptionalMember(boxed(of), name.clone()),
            Self::HasMember(of, name) => return Self::HasMember(boxed(of), name.clone()),
            _ => {}
        }
        let mut pair = |pair: &[Self; 2]| Box::new([change(&pair[0]), change(&pair[1])]);
        match self {
            Self::Compare(comparison, parts) => return Self::Compare(*comparison, pair(parts)),
            Self::Arithmetic(arithmetic, parts) => return Self::Arithmetic(*arithmetic, pair(parts)),
            Self::Text(test, parts) => return Self::Text(*test, pair(parts)),
            Self::In(parts) => return Self::In(pair(parts)),
            Self::Index(parts) => return Self::Index(pair(parts)),
            Self::OptionalIndex(parts) => return Self::OptionalIndex(pair(parts)),
            Self::FirstPresent(parts) => return Self::FirstPresent(pair(parts)),
            Self::ValueOr(parts) => return Self::ValueOr(pair(parts)),
            Self::Let(local, parts) => return Self::Let(*local, pair(parts)),
            _ => {}
        }
        match self {
            Self::All(parts) => Self::All(parts.iter().map(change).collect()),
            Self::Any(parts) => Self::Any(parts.iter().map(change).collect()),
            Self::Call(function, parts) => Self::Call(*function, parts.iter().map(change).collect()),
            Self::If(parts) => Self::If(Box::new([change(&parts[0]), change(&parts[1]), change(&parts[2])])),
            Self::List(elements) => {
                let element =
                    |element: &Element<Self>| Element { value: change(&element.value), optional: element.optional };
                Self::List(elements.iter().map(element).collect())
            }
            Self::Map(entries) => {
                let entry = |entry: &Entry<Self>| Entry {
                    key: change(&entry.key),
                    value: change(&entry.value),
                    optional: entry.optional,
                };
                Self::Map(entries.iter().map(entry).collect())
            }
            Self::WithOptional(with) => Self::WithOptional(Box::new(WithOptional {
                of: change(&with.of),
                local: with.local,
                then: change(&with.then),
                flat: with.flat,
            })),
            Self::Loop(of) => Self::Loop(Box::new(Loop {
                range: change(&of.range),
                first: of.first,
                second: of.second,
                filter: of.filter.as_ref().map(&mut *change),
                result: of.result.map(change),
            })),
            leaf => leaf.clone(),
        }
    }

    /// Whether it reads no locals from outside.
    pub(crate) fn is_self_contained(&self) -> bool {
        self.is_bound(&mut Vec::new())
    }

    fn is_bound(&self, bound: &mut Vec<u32>) -> bool {
        if let Self::Local(local) = self {
            return bound.contains(local);
        }
        self.bind(bound);
        self.children().into_iter().all(|child| child.is_bound(bound))
    }

    /// Records the locals that the node declares. Their numbers are unique, so none has to be removed again.
    fn bind(&self, bound: &mut Vec<u32>) {
        match self {
            Self::Let(local, _) => bound.push(*local),
            Self::WithOptional(with) => bound.push(with.local),
            Self::Loop(of) => bound.extend([Some(of.first), of.second].into_iter().flatten()),
            _ => {}
        }
    }

    fn collect<'n>(&'n self, found: &mut Vec<&'n Attribute>) {
        if let Self::Attribute(attribute) | Self::Has(attribute) | Self::OptionalAttribute(attribute) = self {
            found.push(attribute);
        }
        self.children().into_iter().for_each(|child| child.collect(found));
    }

    pub(crate) fn scalar(&self) -> Option<&ScalarConstant> {
        match self {
            Self::Constant(Constant::Scalar(scalar)) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::Constant(Constant::Scalar(ScalarConstant::Bool(value)))
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.scalar() {
            Some(ScalarConstant::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self.scalar() {
            Some(ScalarConstant::String(text)) => Some(text),
            _ => None,
        }
    }
}
