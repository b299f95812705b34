//! Messages and advice for operators and functions whose operands have the wrong types.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::declarations::{self, Style};
use super::typed::{TypedExpr, TypedKind};
use super::types::Type;

/// Returns how an operator is written.
fn written(name: &str) -> &str {
    match name {
        "_?_:_" => "? :",
        "@in" => "in",
        "_[_]" => "[]",
        "_[?_]" => "[?]",
        _ => name.trim_matches('_'),
    }
}

/// Returns the message, for example ``no `==` for `list(string)` and `string` ``.
pub(super) fn no_overload(name: &str, style: Style, types: &[&Type]) -> String {
    let name = written(name);
    let quoted: Vec<String> = types.iter().map(|ty| format!("`{ty}`")).collect();
    match (style, quoted.split_first()) {
        (Style::Member, Some((target, []))) => format!("no `{name}` on {target}"),
        (Style::Member, Some((target, rest))) => format!("no `{name}` on {target} with {}", rest.join(" and ")),
        (Style::Global, Some(_)) => format!("no `{name}` for {}", quoted.join(" and ")),
        (_, None) => format!("`{name}` takes more than nothing"),
    }
}

/// Returns what to write instead. `sources` are the texts of the arguments.
pub(super) fn overload_help(name: &str, style: Style, arguments: &[TypedExpr], sources: &[String]) -> Option<String> {
    let special = match (arguments, sources) {
        ([left, right], [left_text, right_text]) => two(name, (left, left_text), (right, right_text)),
        _ => None,
    };
    special.or_else(|| operator_help(name, arguments, sources)).or_else(|| {
        let signatures = declarations::signatures(name, style);
        (declarations::is_word(name) && !signatures.is_empty())
            .then(|| format!("it is `{}`", signatures.join("` or `")))
    })
}

type Operand<'a> = (&'a TypedExpr, &'a str);

/// Returns advice for functions and operators with two operands.
fn two(
    name: &str,
    (left, left_text): (&TypedExpr, &String),
    (right, right_text): (&TypedExpr, &String),
) -> Option<String> {
    let (left, right): (Operand<'_>, Operand<'_>) = ((left, left_text), (right, right_text));
    match name {
        "_==_" | "_!=_" => equality(name, left, right).or_else(|| equality(name, right, left)),
        "@in" => membership(left, right),
        "contains" if matches!(left.0.ty, Type::List(_)) => {
            Some(format!("write `{} in {}` to test membership", right.1, left.1))
        }
        "_<_" | "_<=_" | "_>_" | "_>=_" => ordering(left, right).or_else(|| ordering(right, left)),
        "_+_" | "_-_" | "_*_" | "_/_" | "_%_" => {
            arithmetic(name, left, right).or_else(|| arithmetic(name, right, left))
        }
        "_[_]" => match (&left.0.ty, &right.0.ty) {
            (Type::List(_), _) => Some("the index of a list is an `int`, from 0".to_owned()),
            (Type::Map(key, _), _) => Some(format!("the keys of this map are `{key}`")),
            (ty, _) => Some(format!("only lists and maps have elements, and this is `{ty}`")),
        },
        _ => None,
    }
}

/// Returns advice for `one == other`. It is called for both orders.
fn equality(name: &str, one: Operand<'_>, other: Operand<'_>) -> Option<String> {
    let not = if name == "_!=_" { "!" } else { "" };
    match (&one.0.ty, &other.0.ty) {
        (Type::List(element), ty) if element.fits(ty) && !matches!(ty, Type::List(_)) => Some(if not.is_empty() {
            format!("use `{} in {}` to test membership", other.1, one.1)
        } else {
            format!("use `!({} in {})` to test membership", other.1, one.1)
        }),
        (Type::Null, _) => Some(match &other.0.kind {
            TypedKind::Attribute(_) | TypedKind::Member(..) => {
                format!("use `{}has({})` to test whether it is there", if not.is_empty() { "!" } else { "" }, other.1)
            }
            _ => format!("`{}` is never null", other.0.ty),
        }),
        (ty, _) => optional_help(one, other).or_else(|| literal_help(ty, other)),
    }
}

fn ordering(one: Operand<'_>, other: Operand<'_>) -> Option<String> {
    // As text, `10` comes before `9`.
    if let (Type::String, ty @ (Type::Int | Type::Uint | Type::Double)) = (&one.0.ty, &other.0.ty)
        && !matches!(one.0.kind, TypedKind::Literal(_))
    {
        return Some(format!("write `{ty}({})` to compare numbers", one.1));
    }
    optional_help(one, other).or_else(|| literal_help(&one.0.ty, other))
}

/// Returns advice for arithmetic with two types. It is called for both orders.
fn arithmetic(name: &str, one: Operand<'_>, other: Operand<'_>) -> Option<String> {
    let help = optional_help(one, other);
    help.or_else(|| match (&one.0.ty, &other.0.ty) {
        (Type::String, ty) if name == "_+_" && converts_to_string(ty) => {
            literal_help(&one.0.ty, other).or_else(|| Some(format!("write `string({})`", other.1)))
        }
        (Type::Double, ty) if ty.is_number() => {
            literal_help(&one.0.ty, other).or_else(|| Some(format!("write `double({})`", other.1)))
        }
        (Type::Int, Type::Uint) => Some(format!("write `int({})`", other.1)),
        (ty, _) => literal_help(ty, other),
    })
}

fn converts_to_string(ty: &Type) -> bool {
    ty.is_number() || matches!(ty, Type::Bool | Type::Timestamp | Type::Duration | Type::Ip | Type::Cidr)
}

/// Returns advice for an optional beside a value.
fn optional_help(one: Operand<'_>, other: Operand<'_>) -> Option<String> {
    match (&one.0.ty, &other.0.ty) {
        (Type::Optional(of), ty) if of.fits(ty) => {
            Some(format!("write `{}.orValue(...)` to say what it is when it is missing", one.1))
        }
        _ => None,
    }
}

/// Returns advice to write a literal with the type of the value beside it.
fn literal_help(wanted: &Type, (literal, text): Operand<'_>) -> Option<String> {
    let TypedKind::Literal(constant) = &literal.kind else { return None };
    let write = |instead: String| Some(format!("write `{instead}`"));
    match (wanted, constant) {
        (
            Type::String,
            ScalarConstant::Int(_) | ScalarConstant::Uint(_) | ScalarConstant::Double(_) | ScalarConstant::Bool(_),
        ) => write(format!("'{text}'")),
        (Type::Double, ScalarConstant::Int(value)) => write(format!("{value}.0")),
        (Type::Uint, ScalarConstant::Int(value)) if *value >= 0 => write(format!("{value}u")),
        (Type::Int, ScalarConstant::Uint(value)) => write(value.to_string()),
        (Type::Int, ScalarConstant::Double(value)) if value.fract() == 0.0 => write(format!("{value:.0}")),
        (Type::Bool, ScalarConstant::String(value)) if matches!(value.as_str(), "true" | "false") => {
            write(value.clone())
        }
        (Type::Int, ScalarConstant::String(value)) if value.parse::<i64>().is_ok() => {
            Some(format!("numbers have no quotes: `{value}`"))
        }
        (Type::Timestamp, ScalarConstant::String(_)) => write(format!("timestamp({text})")),
        (Type::Duration, ScalarConstant::String(_)) => write(format!("duration({text})")),
        (Type::Ip, ScalarConstant::String(_)) => write(format!("ip({text})")),
        (Type::Cidr, ScalarConstant::String(_)) => write(format!("cidr({text})")),
        (Type::Double, ScalarConstant::String(value)) if value.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some(format!("numbers have no quotes: `{value}`"))
        }
        _ => None,
    }
}

fn membership(value: Operand<'_>, of: Operand<'_>) -> Option<String> {
    match (&value.0.ty, &of.0.ty) {
        (Type::String, Type::String) => {
            Some(format!("use `{}.contains({})` to look for text, or a list: `{} in [...]`", of.1, value.1, value.1))
        }
        (Type::List(_), Type::String) => Some(format!("turn it round: `{} in {}`", of.1, value.1)),
        (_, Type::List(element)) => Some(format!("the elements of the list are `{element}`")),
        (_, Type::Map(key, _)) => Some(format!("the keys of the map are `{key}`")),
        (_, ty) => Some(format!("`in` looks into a list or a map, and this is `{ty}`")),
    }
}

/// Returns advice for operators on bools.
fn operator_help(name: &str, arguments: &[TypedExpr], sources: &[String]) -> Option<String> {
    if name == "_?_:_" {
        return Some(match arguments.first() {
            Some(condition) if !Type::Bool.fits(&condition.ty) => {
                format!("the condition before `?` is `{}`, not `bool`", condition.ty)
            }
            _ => "both values must have one type".to_owned(),
        });
    }
    if !matches!(name, "_&&_" | "_||_" | "!_") {
        return None;
    }
    let wrong = arguments.iter().position(|argument| !Type::Bool.fits(&argument.ty))?;
    let (argument, source) = (arguments.get(wrong)?, sources.get(wrong)?);
    Some(match argument.kind {
        TypedKind::Attribute(_) | TypedKind::Member(..) => {
            format!("`{source}` is `{}`, not `bool`; compare it, or write `has({source})`", argument.ty)
        }
        _ => format!("`{source}` is `{}`, not `bool`", argument.ty),
    })
}
