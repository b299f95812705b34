//! The syntax tree: what stands in the text, with the place of every part.
//!
//! Macros are still calls here. The checker reads them as macros, so problems speak of what was written.

/// A place in the text: first character, and first character behind it.
pub(super) type Place = (usize, usize);

/// One part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    /// What it is.
    pub(super) kind: ExprKind,
    /// Where it stands, parentheses around it not included.
    pub(super) place: Place,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A name; a leading dot is kept.
    Ident(String),
    /// `operand.field`
    Select { operand: Box<Expr>, field: String, field_place: Place },
    /// An operator, under the name that it has in CEL's declarations, for example `_==_`.
    Operator { name: String, name_place: Place, arguments: Vec<Expr> },
    /// `name(arguments)`, or `target.name(arguments)`.
    Call { name: String, name_place: Place, target: Option<Box<Expr>>, arguments: Vec<Expr> },
    /// `[elements]`, and whether each is marked with `?`.
    List(Vec<(Expr, bool)>),
    /// `{...}`: the keys and values, and whether each entry is marked with `?`.
    Map(Vec<(Expr, Expr, bool)>),
    /// `name{...}`
    Message(String),
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}
