//! Checked expressions: what the stages after the checker work on.

use context_mesh_core::artifact::tables::{Attribute, ScalarConstant};

use super::types::Type;

/// An expression without type errors.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedExpr {
    /// What it is.
    pub kind: TypedKind,
    /// Its type.
    pub ty: Type,
    /// First character in the text.
    pub start: usize,
    /// First character behind it.
    pub end: usize,
}

/// What a checked expression is. Every name is resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedKind {
    /// A literal.
    Literal(ScalarConstant),
    /// The value of an attribute.
    Attribute(Attribute),
    /// Whether an attribute has a value.
    HasAttribute(Attribute),
    /// The value of a variable, by its number.
    Variable(u32),
    /// A list of values.
    List(Vec<TypedExpr>),
    /// The member of a map, by name.
    Member(Box<TypedExpr>, String),
    /// Whether a map has a member of that name.
    HasMember(Box<TypedExpr>, String),
    /// An operator or function, with its target first.
    Call(Function, Vec<TypedExpr>),
}

/// The operators and functions of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `a && b`
    And,
    /// `a || b`
    Or,
    /// `!a`
    Not,
    /// `a ? b : c`
    Conditional,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a in b`
    In,
    /// `a[b]`
    Index,
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.contains(b)`
    Contains,
    /// `a.matches(b)`; `b` is a literal.
    Matches,
    /// `size(a)`
    Size,
}
