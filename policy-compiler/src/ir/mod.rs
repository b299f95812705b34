//! The intermediate representation: a small tree without types and names, in one normal form.
//!
//! Constants are folded, lists of constant strings that are only looked into are sets, `&&` and `||` are
//! flat, and a constant stands on the right of a comparison. So the shape of a condition stays visible:
//! [`Node::conjuncts`] and [`Node::atom`] are what an index over many rules is built from.

mod atom;
mod fold;
mod lower;

pub use atom::{Atom, Test};
use context_mesh_core::artifact::tables::{Attribute, Constant, ScalarConstant};
pub use lower::lower;

/// An expression, ready to become bytecode.
#[derive(Debug, Clone, PartialEq)]
pub struct Ir {
    /// What it computes.
    pub root: Node,
    /// First character of the expression in its text.
    pub start: usize,
    /// First character behind it.
    pub end: usize,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A constant.
    Constant(Constant),
    /// The value of an attribute.
    Attribute(Attribute),
    /// Whether an attribute has a value.
    Has(Attribute),
    /// The value of a variable, by its number.
    Variable(u32),
    /// `&&` over two or more parts, none of which is one itself.
    All(Vec<Node>),
    /// `||` over two or more parts, none of which is one itself.
    Any(Vec<Node>),
    /// `!`
    Not(Box<Node>),
    /// `condition ? then : otherwise`
    If(Box<[Node; 3]>),
    /// A comparison of two values.
    Compare(Comparison, Box<[Node; 2]>),
    /// Whether the first is in the second.
    In(Box<[Node; 2]>),
    /// A test of the first text for the second.
    Text(TextTest, Box<[Node; 2]>),
    /// Whether a regex is found in a text.
    Matches(Box<Node>, Pattern),
    /// The size of a value.
    Size(Box<Node>),
    /// The member of a map, by name.
    Member(Box<Node>, String),
    /// Whether a map has a member of that name.
    HasMember(Box<Node>, String),
    /// The element of a list, or the member of a map, by a value.
    Index(Box<[Node; 2]>),
    /// A list of values.
    List(Vec<Node>),
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

/// A regex, in the syntax of the policy's text, with its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The regex, as written.
    pub text: String,
    /// First character in the text.
    pub start: usize,
    /// First character behind it.
    pub end: usize,
}

impl Ir {
    /// The value of an expression that is the same for every request.
    pub fn constant(&self) -> Option<&Constant> {
        match &self.root {
            Node::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Every attribute that the expression may read, in the order of the text; one may occur repeatedly.
    pub fn attributes(&self) -> Vec<&Attribute> {
        let mut found = Vec::new();
        self.root.collect(&mut found);
        found
    }
}

impl Node {
    /// The parts that must all be true for this to be true: those of an `&&`, or the node itself.
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// The parts of which one must be true for this to be true: those of an `||`, or the node itself.
    pub fn disjuncts(&self) -> &[Self] {
        match self {
            Self::Any(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// The parts of a node.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Constant(_) | Self::Attribute(_) | Self::Has(_) | Self::Variable(_) => Vec::new(),
            Self::All(parts) | Self::Any(parts) | Self::List(parts) => parts.iter().collect(),
            Self::Not(of) | Self::Matches(of, _) | Self::Size(of) | Self::Member(of, _) | Self::HasMember(of, _) => {
                vec![of]
            }
            Self::If(parts) => parts.iter().collect(),
            Self::Compare(_, pair) | Self::In(pair) | Self::Text(_, pair) | Self::Index(pair) => pair.iter().collect(),
        }
    }

    fn collect<'n>(&'n self, found: &mut Vec<&'n Attribute>) {
        if let Self::Attribute(attribute) | Self::Has(attribute) = self {
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
