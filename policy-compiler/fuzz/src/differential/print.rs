//! Prints a tree as CEL.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators as op};

/// Returns the text of a tree from the generator.
pub(super) fn text(tree: &IdedExpr) -> String {
    match &tree.expr {
        Expr::Literal(value) => literal(value),
        Expr::Ident(name) => name.clone(),
        Expr::Select(of) => format!("{}.{}", text(&of.operand), of.field),
        Expr::List(of) => format!("[{}]", joined(&of.elements)),
        Expr::Map(of) => {
            let entry = |entry: &EntryExpr| match entry {
                EntryExpr::MapEntry(entry) => format!("{}: {}", text(&entry.key), text(&entry.value)),
                EntryExpr::StructField(_) => String::new(),
            };
            let entries: Vec<String> = of.entries.iter().map(|of| entry(&of.expr)).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Expr::Call(of) => call(of),
        _ => String::new(),
    }
}

fn joined(parts: &[IdedExpr]) -> String {
    parts.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn call(of: &CallExpr) -> String {
    let name = of.func_name.as_str();
    match (name, &of.target, of.args.as_slice()) {
        (op::CONDITIONAL, _, [a, b, c]) => format!("({} ? {} : {})", text(a), text(b), text(c)),
        (op::INDEX, _, [of, index]) => format!("{}[{}]", text(of), text(index)),
        (op::IN, _, [a, b]) => format!("({} in {})", text(a), text(b)),
        (op::LOGICAL_NOT, _, [a]) => format!("(!({}))", text(a)),
        (op::NEGATE, _, [a]) => format!("(-({}))", text(a)),
        (_, None, [a, b]) if name.starts_with('_') => format!("({} {} {})", text(a), name.trim_matches('_'), text(b)),
        (_, Some(target), args) => format!("{}.{name}({})", text(target), joined(args)),
        (_, None, args) => format!("{name}({})", joined(args)),
    }
}

fn literal(value: &LiteralValue) -> String {
    match value {
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::Boolean(value) => value.inner().to_string(),
        LiteralValue::Int(value) => format!("({})", value.inner()),
        LiteralValue::UInt(value) => format!("{}u", value.inner()),
        LiteralValue::Double(value) => format!("({:?})", value.inner()),
        LiteralValue::String(value) => {
            let escaped = value.inner().chars().map(|c| match c {
                ' '..='~' if c != '\'' && c != '\\' => c.to_string(),
                c => format!("\\U{:08x}", u32::from(c)),
            });
            format!("'{}'", escaped.collect::<String>())
        }
        LiteralValue::Bytes(value) => {
            let escaped: String = value.inner().iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("b'{escaped}'")
        }
    }
}
