//! Messages and advice for operators and functions whose operands have the wrong types.

use context_mesh_core::artifact::tables::{Attribute, ScalarConstant};

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

/// Returns an expression as the operand of any operator: in parentheses, unless it is a name, a literal or a call.
pub(super) fn operand(source: &str) -> String {
    let (mut depth, mut quote, mut whole) = (0_usize, None, true);
    let mut chars = source.trim().chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => _ = chars.next(),
            (Some(open), c) => quote = (c != open).then_some(open),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) => whole &= depth > 0 || c.is_alphanumeric() || matches!(c, '_' | '.' | '?' | '`'),
        }
    }
    if whole { source.to_owned() } else { format!("({source})") }
}

/// Returns the test whether an attribute is there. `source` is how it is written.
pub(super) fn presence(kind: &TypedKind, source: &str) -> String {
    match kind {
        TypedKind::Attribute(Attribute::Header(name)) => format!("('{name}' in request.headers)"),
        TypedKind::Attribute(Attribute::Field(name, _)) => format!("has(context.{name})"),
        _ => match optional(source) {
            Some(optional) => format!("{optional}.hasValue()"),
            None => format!("has({source})"),
        },
    }
}

/// Returns `a['b']` as an optional, `a[?'b']`. Returns `None` for anything else.
pub(super) fn optional(source: &str) -> Option<String> {
    let at = source.ends_with(']').then(|| source.rfind("['").max(source.rfind("[\""))).flatten()?;
    let (before, key) = source.split_at_checked(at.checked_add(1)?)?;
    Some(format!("{before}?{key}"))
}

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
            Some(format!("write `{} in {}` to test membership", operand(right.1), operand(left.1)))
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
            format!("use `{} in {}` to test membership", operand(other.1), operand(one.1))
        } else {
            format!("use `!({} in {})` to test membership", operand(other.1), operand(one.1))
        }),
        (Type::Null, _) => Some(match &other.0.kind {
            TypedKind::Attribute(_) | TypedKind::Member(..) => {
                let sign = if not.is_empty() { "!" } else { "" };
                format!("use `{sign}{}` to test whether it is there", presence(&other.0.kind, other.1))
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
    let is_literal = matches!(one.0.kind, TypedKind::Literal(_));
    help.or_else(|| match (&one.0.ty, &other.0.ty) {
        // The text of a request with a number: only `+` also joins texts.
        (Type::String, ty @ (Type::Int | Type::Uint | Type::Double)) if !is_literal => {
            let number = format!("write `{ty}({})` to calculate with numbers", one.1);
            Some(match (name, literal_help(&one.0.ty, other)) {
                ("_+_", Some(text)) => format!("{number}; to join texts, {text}"),
                ("_+_", None) => format!("{number}, or `string({})` to join texts", other.1),
                _ => number,
            })
        }
        (Type::String, ty) if name == "_+_" && converts_to_string(ty) => {
            literal_help(&one.0.ty, other).or_else(|| Some(format!("write `string({})`", other.1)))
        }
        (Type::Double, ty) if ty.is_number() => {
            literal_help(&one.0.ty, other).or_else(|| Some(format!("write `double({})`", other.1)))
        }
        (Type::Int, Type::Uint) => literal_help(&one.0.ty, other).or_else(|| Some(format!("write `int({})`", other.1))),
        (Type::Timestamp, Type::String) => time_help(name, other),
        (Type::String, _) if name != "_+_" => None,
        (ty, _) => literal_help(ty, other),
    })
}

/// Returns advice for a point in time and a text. Only a difference has two points in time.
fn time_help(name: &str, (literal, text): Operand<'_>) -> Option<String> {
    let TypedKind::Literal(ScalarConstant::String(value)) = &literal.kind else { return None };
    let is_time = value.parse::<jiff::Timestamp>().is_ok();
    match name {
        "_-_" if is_time => Some(format!("write `timestamp({text})`")),
        "_+_" | "_-_" if !is_time => Some(format!("write `duration({text})`")),
        _ => None,
    }
}

fn converts_to_string(ty: &Type) -> bool {
    ty.is_number() || matches!(ty, Type::Bool | Type::Timestamp | Type::Duration | Type::Ip | Type::Cidr)
}

/// Returns advice for an optional beside a value.
fn optional_help(one: Operand<'_>, other: Operand<'_>) -> Option<String> {
    match (&one.0.ty, &other.0.ty) {
        (Type::Optional(of), ty) if of.fits(ty) => {
            Some(format!("write `{}.orValue(...)` to say what it is when it is missing", operand(one.1)))
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
        (Type::String, Type::String) => Some(in_text(value, of)),
        (Type::List(_), Type::String) => Some(format!("turn it round: `{} in {}`", operand(of.1), operand(value.1))),
        // Numbers in the text of a request.
        (Type::String, Type::List(element))
            if matches!(**element, Type::Int | Type::Uint | Type::Double)
                && !matches!(value.0.kind, TypedKind::Literal(_)) =>
        {
            Some(format!("write `{element}({}) in {}` to compare numbers", value.1, operand(of.1)))
        }
        (Type::Ip | Type::String, Type::Cidr) => Some(format!("write `{}.containsIP({})`", operand(of.1), value.1)),
        (_, Type::List(element)) => Some(format!("the elements of the list are `{element}`")),
        (_, Type::Map(key, _)) => Some(format!("the keys of the map are `{key}`")),
        (_, ty) => Some(format!("`in` looks into a list or a map, and this is `{ty}`")),
    }
}

/// Returns advice for `value in text`, where a list, a part of the text, or a word of it may be meant.
fn in_text(value: Operand<'_>, of: Operand<'_>) -> String {
    let (one, text) = (operand(value.1), operand(of.1));
    if let TypedKind::Literal(ScalarConstant::String(text)) = &of.0.kind {
        if text.split_once('/').is_some_and(|(address, _)| address.parse::<std::net::IpAddr>().is_ok()) {
            return format!("write `cidr({}).containsIP({})`", of.1, value.1);
        }
        let plain = |word: &str| !word.contains(['\'', '\\']) && !word.contains(char::is_control);
        let words: Vec<String> = text.split(',').map(|word| format!("'{}'", word.trim())).collect();
        let list = if words.len() > 1 && plain(text) { words.join(", ") } else { of.1.to_owned() };
        return format!("write a list: `{one} in [{list}]`");
    }
    let word = match &value.0.kind {
        TypedKind::Literal(ScalarConstant::String(word)) if !word.contains(['\'', '\\']) => format!("',{word},'"),
        _ => format!("',' + {one} + ','"),
    };
    let claim = match &of.0.kind {
        TypedKind::Attribute(Attribute::Host(path, _)) if path.first().is_some_and(|first| first == "metadata") => {
            "declare a claim that is a list (`claims` of the Mesh). "
        }
        _ => "",
    };
    format!(
        "{claim}`{text}.contains({})` looks for a part of the text, also inside of a longer word; `(',' + {text} + ',').contains({word})` for one of its parts between commas",
        value.1
    )
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
            let test = presence(&argument.kind, source);
            format!("`{source}` is `{}`, not `bool`; compare it, or write `{test}`", argument.ty)
        }
        _ => format!("`{source}` is `{}`, not `bool`", argument.ty),
    })
}
