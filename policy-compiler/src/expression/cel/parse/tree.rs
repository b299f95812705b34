//! The syntax tree, with the place of every part.
//!
//! Macros are still calls here. The checker interprets them, so that problems refer to the source.

use super::operator::{Binary, Unary};

/// A place in the text: the first character, and the one after the last.
pub(in crate::expression::cel) type Place = (usize, usize);

/// One part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::expression::cel) struct Expr {
    /// Its kind and children.
    pub(in crate::expression::cel) kind: ExprKind,
    /// Its place, without parentheses around it.
    pub(in crate::expression::cel) place: Place,
}

/// The kind of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::expression::cel) enum ExprKind {
    /// A literal, with the sign of a negative number.
    Literal(Literal),
    /// A name, including a leading dot.
    Ident(String),
    /// `operand.field`, or `operand.?field`.
    Select { operand: Box<Expr>, field: Field, optional: bool },
    /// `operand[key]`, or `operand[?key]`.
    Index { operand: Box<Expr>, key: Box<Expr>, optional: bool },
    /// A unary operator with its operand.
    Unary(Unary, Box<Expr>),
    /// A binary operator with its operands.
    Binary(Binary, Box<[Expr; 2]>),
    /// `condition ? value : other`
    Conditional(Box<[Expr; 3]>),
    /// `name(arguments)`, or `target.name(arguments)`.
    Call { name: String, name_place: Place, target: Option<Box<Expr>>, arguments: Vec<Expr> },
    /// `[elements]`, and whether each is marked with `?`.
    List(Vec<(Expr, bool)>),
    /// `{...}`: the keys and values, and whether each entry is marked with `?`.
    Map(Vec<(Expr, Expr, bool)>),
    /// `name{...}`: the fields and values, and whether each is marked with `?`.
    Message(String, Vec<(Field, Expr, bool)>),
}

/// The name of a field, without backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::expression::cel) struct Field {
    pub(in crate::expression::cel) name: String,
    pub(in crate::expression::cel) place: Place,
}

/// The value of a literal.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::expression::cel) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}
