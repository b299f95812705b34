//! A syntax tree as one line of text, without positions, for comparisons with other parsers.

use super::{Expr, ExprKind, Field, Literal, parse};
use crate::expression::cel::Problem;

/// Returns the syntax tree of a text: `_&&_((a).\"b\" c)` for `a.b && c`. Macros are not expanded.
///
/// # Errors
/// All mistakes of its syntax, sorted by place, or the limit that it exceeds.
pub fn syntax(text: &str) -> Result<String, Vec<Problem>> {
    parse(text).map(|expr| notation(&expr))
}

fn notation(expr: &Expr) -> String {
    let all = |parts: &[Expr]| parts.iter().map(notation).collect::<Vec<_>>().join(" ");
    let mark = |optional: bool| if optional { "?" } else { "" };
    match &expr.kind {
        ExprKind::Literal(Literal::Null) => "null".to_owned(),
        ExprKind::Literal(Literal::Bool(value)) => format!("{value:?}"),
        ExprKind::Literal(Literal::Int(value)) => format!("{value:?}"),
        ExprKind::Literal(Literal::Uint(value)) => format!("{value:?}u"),
        ExprKind::Literal(Literal::Double(value)) => format!("double {value:?}"),
        ExprKind::Literal(Literal::String(value)) => format!("{value:?}"),
        ExprKind::Literal(Literal::Bytes(value)) => format!("bytes {value:?}"),
        ExprKind::Ident(name) => name.clone(),
        ExprKind::Select { operand, field, optional: false } => format!("({}).{:?}", notation(operand), field.name),
        ExprKind::Select { operand, field, optional: true } => format!("_?._({} {:?})", notation(operand), field.name),
        ExprKind::Index { operand, key, optional } => {
            format!("_[{}_]({} {})", mark(*optional), notation(operand), notation(key))
        }
        ExprKind::Unary(operator, operand) => format!("{}({})", operator.declared(), notation(operand)),
        ExprKind::Binary(operator, operands) => format!("{}({})", operator.declared(), all(&**operands)),
        ExprKind::Conditional(parts) => format!("_?_:_({})", all(&**parts)),
        ExprKind::Call { name, target: None, arguments, .. } => format!("{name}({})", all(arguments)),
        ExprKind::Call { name, target: Some(target), arguments, .. } => {
            format!("({}).{name}({})", notation(target), all(arguments))
        }
        ExprKind::List(elements) => {
            let all: Vec<String> =
                elements.iter().map(|(of, optional)| mark(*optional).to_owned() + &notation(of)).collect();
            format!("[{}]", all.join(" "))
        }
        ExprKind::Map(entries) => {
            let entry = |(key, value, optional): &(Expr, Expr, bool)| {
                format!("{}{}:{}", mark(*optional), notation(key), notation(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        ExprKind::Message(name, fields) => {
            let field = |(field, value, optional): &(Field, Expr, bool)| {
                format!("{}{:?}:{}", mark(*optional), field.name, notation(value))
            };
            format!("{name}{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(" "))
        }
    }
}
