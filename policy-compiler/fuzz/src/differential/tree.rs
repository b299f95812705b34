//! Constructors for nodes of the `cel` crate's syntax tree.

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr, SelectExpr,
};

/// Creates a node. The evaluation does not read ids.
pub(super) fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

pub(super) fn literal(value: LiteralValue) -> IdedExpr {
    node(Expr::Literal(value))
}

pub(super) fn bool(value: bool) -> IdedExpr {
    literal(LiteralValue::Boolean(value.into()))
}

pub(super) fn int(value: i64) -> IdedExpr {
    literal(LiteralValue::Int(value.into()))
}

pub(super) fn string(value: &str) -> IdedExpr {
    literal(LiteralValue::String(value.to_owned().into()))
}

pub(super) fn ident(name: &str) -> IdedExpr {
    node(Expr::Ident(name.to_owned()))
}

/// Creates an operator, or a function without a target.
pub(super) fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
}

pub(super) fn method(target: IdedExpr, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: Some(Box::new(target)), args }))
}

pub(super) fn select(operand: IdedExpr, field: &str) -> IdedExpr {
    node(Expr::Select(SelectExpr { operand: Box::new(operand), field: field.to_owned(), test: false }))
}

pub(super) fn list(elements: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::List(ListExpr::new(elements)))
}

pub(super) fn map(entries: Vec<(IdedExpr, IdedExpr)>) -> IdedExpr {
    let entry =
        |(key, value)| IdedEntryExpr { id: 0, expr: EntryExpr::MapEntry(MapEntryExpr { key, value, optional: false }) };
    node(Expr::Map(MapExpr { entries: entries.into_iter().map(entry).collect() }))
}
