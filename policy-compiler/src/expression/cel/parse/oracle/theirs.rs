//! Parses a text with the generated parser of the `cel` crate. The fuzz targets include this file.

use cel::Env;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr as Theirs, LiteralValue};

/// Returns the syntax tree in the notation of our `cel::syntax`, or `None` if the text is rejected. The deepest texts
/// need a stack of some hundred MiB.
pub(crate) fn syntax(text: &str) -> Option<String> {
    let parser = Env::default().parser().enable_ident_escape_syntax(true).enable_optional_syntax(true);
    parser.max_recursion_depth(500).parse(text).ok().as_ref().map(notation)
}

fn notation(expr: &IdedExpr) -> String {
    let all = |parts: &[IdedExpr]| parts.iter().map(notation).collect::<Vec<_>>().join(" ");
    let mark = |optional: bool| if optional { "?" } else { "" };
    let entry = |of: &EntryExpr| match of {
        EntryExpr::MapEntry(of) => format!("{}{}:{}", mark(of.optional), notation(&of.key), notation(&of.value)),
        EntryExpr::StructField(of) => format!("{}{:?}:{}", mark(of.optional), of.field, notation(&of.value)),
    };
    match &expr.expr {
        Theirs::Literal(LiteralValue::Null) => "null".to_owned(),
        Theirs::Literal(LiteralValue::Boolean(value)) => format!("{:?}", value.inner()),
        Theirs::Literal(LiteralValue::Int(value)) => format!("{:?}", value.inner()),
        Theirs::Literal(LiteralValue::UInt(value)) => format!("{:?}u", value.inner()),
        Theirs::Literal(LiteralValue::Double(value)) => format!("double {:?}", value.inner()),
        Theirs::Literal(LiteralValue::String(value)) => format!("{:?}", value.inner()),
        Theirs::Literal(LiteralValue::Bytes(value)) => format!("bytes {:?}", value.inner()),
        Theirs::Ident(name) => name.clone(),
        Theirs::Select(of) => format!("({}).{:?}", notation(&of.operand), of.field),
        Theirs::Call(CallExpr { func_name, target: None, args }) => format!("{func_name}({})", all(args)),
        Theirs::Call(CallExpr { func_name, target: Some(target), args }) => {
            format!("({}).{func_name}({})", notation(target), all(args))
        }
        Theirs::List(of) => {
            let element = |(index, element)| mark(of.optional_indices.contains(&index)).to_owned() + &notation(element);
            format!("[{}]", of.elements.iter().enumerate().map(element).collect::<Vec<_>>().join(" "))
        }
        Theirs::Map(of) => {
            format!("{{{}}}", of.entries.iter().map(|of| entry(&of.expr)).collect::<Vec<_>>().join(" "))
        }
        Theirs::Struct(of) => {
            let entries: Vec<String> = of.entries.iter().map(|of| entry(&of.expr)).collect();
            format!("{}{{{}}}", of.type_name, entries.join(" "))
        }
        Theirs::Comprehension(_) | Theirs::Unspecified => "?".to_owned(),
    }
}
