//! Checked expressions, the input of the stages after the checker.

use context_mesh_core::artifact::tables::{Attribute, ScalarConstant};
use context_mesh_core::index::VariableIndex;

use super::types::Type;

/// An expression without type errors.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedExpr {
    /// Its kind and children.
    pub kind: TypedKind,
    /// Its type.
    pub ty: Type,
    /// First character in the text.
    pub start: usize,
    /// First character after it.
    pub end: usize,
}

/// The kind of a checked expression. Every name is resolved, and every macro is expanded.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedKind {
    /// A literal, or the name of a type.
    Literal(ScalarConstant),
    /// The value of an attribute.
    Attribute(Attribute),
    /// Whether an attribute has a value.
    HasAttribute(Attribute),
    /// An attribute as an optional, which is empty if the attribute has no value.
    OptionalAttribute(Attribute),
    /// The value of a variable, by its number.
    Variable(VariableIndex),
    /// The value of a name declared by a macro.
    Local(u32),
    /// A named value: the local, its value, and the expression that uses it.
    Let(u32, Box<TypedExpr>, Box<TypedExpr>),
    /// A list of values.
    List(Vec<Element<TypedExpr>>),
    /// A map.
    Map(Vec<Entry<TypedExpr>>),
    /// The member of a map, by name.
    Member(Box<TypedExpr>, String),
    /// An optional of the member of a map, or of an optional of a map.
    OptionalMember(Box<TypedExpr>, String),
    /// Whether a map has a member of that name.
    HasMember(Box<TypedExpr>, String),
    /// An operator or function; a target comes first.
    Call(Function, Vec<TypedExpr>),
    /// `optMap` or `optFlatMap`.
    WithOptional(Box<WithOptional<TypedExpr>>),
    /// A macro over the elements of a list, or the keys of a map.
    Loop(Box<Loop<TypedExpr>>),
    /// An undeclared name, or a call with the wrong types. Only in an expression with a lenient check; an error at run
    /// time.
    Fail,
}

/// An element of a list literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Element<E> {
    /// Its value. With `optional` this is an optional, and the element is left out if it has no value.
    pub value: E,
    /// Whether it is marked with `?`.
    pub optional: bool,
}

/// An entry of a map literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<E> {
    /// Its key.
    pub key: E,
    /// Its value. With `optional` this is an optional, and the entry is left out if it has no value.
    pub value: E,
    /// Whether it is marked with `?`.
    pub optional: bool,
}

/// An expression over the value of an optional, if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct WithOptional<E> {
    /// The optional.
    pub of: E,
    /// The local that holds its value in `then`.
    pub local: u32,
    /// The expression over the value.
    pub then: E,
    /// Whether `then` is itself an optional. Otherwise its value becomes that of an optional.
    pub flat: bool,
}

/// A macro over the elements of a list, or the keys of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop<E> {
    /// The list or map.
    pub range: E,
    /// The element of a list or the key of a map; with `second`, the index of a list.
    pub first: u32,
    /// The element of a list or the value of a map.
    pub second: Option<u32>,
    /// The condition for elements to be included.
    pub filter: Option<E>,
    /// The result of the elements.
    pub result: LoopResult<E>,
}

/// The result of a macro.
#[derive(Debug, Clone, PartialEq)]
pub enum LoopResult<E> {
    /// Whether all elements satisfy this.
    All(E),
    /// Whether at least one element satisfies this.
    Exists(E),
    /// Whether exactly one element satisfies this.
    ExistsOne(E),
    /// A list of these values.
    List(E),
    /// A map with the same keys and these values.
    Map(E),
    /// A map with all entries of these maps.
    Entries(E),
}

impl<E> LoopResult<E> {
    /// Returns the expression that is computed for each element.
    pub fn body(&self) -> &E {
        let (Self::All(of)
        | Self::Exists(of)
        | Self::ExistsOne(of)
        | Self::List(of)
        | Self::Map(of)
        | Self::Entries(of)) = self;
        of
    }

    fn body_mut(&mut self) -> &mut E {
        let (Self::All(of)
        | Self::Exists(of)
        | Self::ExistsOne(of)
        | Self::List(of)
        | Self::Map(of)
        | Self::Entries(of)) = self;
        of
    }

    /// Returns the same kind of result, with another expression.
    pub fn map<F>(&self, change: impl FnOnce(&E) -> F) -> LoopResult<F> {
        match self {
            Self::All(of) => LoopResult::All(change(of)),
            Self::Exists(of) => LoopResult::Exists(change(of)),
            Self::ExistsOne(of) => LoopResult::ExistsOne(change(of)),
            Self::List(of) => LoopResult::List(change(of)),
            Self::Map(of) => LoopResult::Map(change(of)),
            Self::Entries(of) => LoopResult::Entries(change(of)),
        }
    }
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
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a % b`
    Modulo,
    /// `-a`
    Negate,
    /// `a in b`
    In,
    /// `a[b]`
    Index,
    /// `a[?b]`
    OptionalIndex,
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.contains(b)`
    Contains,
    /// `a.matches(b)`; `b` is a literal.
    Matches,
    /// `a.matchesTemplate(b)`; `b` is a literal. The checker makes it a [`Function::Matches`].
    MatchesTemplate,
    /// `a.inNetworks(b)`; `b` is a list of literals, each a network.
    InNetworks,
    /// `size(a)`
    Size,
    /// `dyn(a)`
    Dyn,
    /// A library function, by its name in CEL.
    Library(&'static str),
}

impl TypedExpr {
    /// Calls `change` for the expression and all of its parts.
    pub(super) fn visit(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        match &mut self.kind {
            TypedKind::Literal(_)
            | TypedKind::Attribute(_)
            | TypedKind::HasAttribute(_)
            | TypedKind::OptionalAttribute(_)
            | TypedKind::Variable(_)
            | TypedKind::Local(_)
            | TypedKind::Fail => {}
            TypedKind::Member(of, _) | TypedKind::OptionalMember(of, _) | TypedKind::HasMember(of, _) => {
                of.visit(change);
            }
            TypedKind::Let(_, value, body) => {
                value.visit(change);
                body.visit(change);
            }
            TypedKind::List(elements) => elements.iter_mut().for_each(|element| element.value.visit(change)),
            TypedKind::Map(entries) => {
                for entry in entries {
                    entry.key.visit(change);
                    entry.value.visit(change);
                }
            }
            TypedKind::Call(_, arguments) => arguments.iter_mut().for_each(|argument| argument.visit(change)),
            TypedKind::WithOptional(with) => {
                with.of.visit(change);
                with.then.visit(change);
            }
            TypedKind::Loop(of) => of.visit(change),
        }
    }
}

impl Loop<TypedExpr> {
    fn visit(&mut self, change: &mut impl FnMut(&mut TypedExpr)) {
        self.range.visit(change);
        self.filter.iter_mut().for_each(|filter| filter.visit(change));
        self.result.body_mut().visit(change);
    }
}
