//! The operators and functions with the types that they take and give: one table.

use super::typed::Function;
use super::types::Type;

/// A type in a declaration; `A` and `B` stand for any type, the same one wherever they stand.
#[derive(Debug, Clone, Copy)]
enum P {
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    A,
    B,
    ListA,
    MapAB,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `name(a, b)`, and operators.
    Global,
    /// `a.name(b)`
    Member,
}

/// One signature.
struct Overload {
    name: &'static str,
    style: Style,
    parameters: &'static [P],
    result: P,
    function: Function,
}

const fn global(name: &'static str, parameters: &'static [P], result: P, function: Function) -> Overload {
    Overload { name, style: Style::Global, parameters, result, function }
}

const fn member(name: &'static str, parameters: &'static [P], result: P, function: Function) -> Overload {
    Overload { name, style: Style::Member, parameters, result, function }
}

/// The pairs of types that have an order.
const ORDERED: &[[P; 2]] = &[
    [P::Bool, P::Bool],
    [P::Int, P::Int],
    [P::Int, P::Uint],
    [P::Int, P::Double],
    [P::Uint, P::Int],
    [P::Uint, P::Uint],
    [P::Uint, P::Double],
    [P::Double, P::Int],
    [P::Double, P::Uint],
    [P::Double, P::Double],
    [P::String, P::String],
    [P::Bytes, P::Bytes],
    [P::Timestamp, P::Timestamp],
    [P::Duration, P::Duration],
];

/// The operators that compare, by the order of their operands.
const COMPARISONS: &[(&str, Function)] = &[
    ("_<_", Function::Less),
    ("_<=_", Function::LessEqual),
    ("_>_", Function::Greater),
    ("_>=_", Function::GreaterEqual),
];

const TABLE: &[Overload] = &[
    global("_&&_", &[P::Bool, P::Bool], P::Bool, Function::And),
    global("_||_", &[P::Bool, P::Bool], P::Bool, Function::Or),
    global("!_", &[P::Bool], P::Bool, Function::Not),
    global("_?_:_", &[P::Bool, P::A, P::A], P::A, Function::Conditional),
    global("_==_", &[P::A, P::A], P::Bool, Function::Equal),
    global("_!=_", &[P::A, P::A], P::Bool, Function::NotEqual),
    global("@in", &[P::A, P::ListA], P::Bool, Function::In),
    global("@in", &[P::A, P::MapAB], P::Bool, Function::In),
    global("_[_]", &[P::ListA, P::Int], P::A, Function::Index),
    global("_[_]", &[P::MapAB, P::A], P::B, Function::Index),
    member("startsWith", &[P::String, P::String], P::Bool, Function::StartsWith),
    member("endsWith", &[P::String, P::String], P::Bool, Function::EndsWith),
    member("contains", &[P::String, P::String], P::Bool, Function::Contains),
    member("matches", &[P::String, P::String], P::Bool, Function::Matches),
    global("matches", &[P::String, P::String], P::Bool, Function::Matches),
    global("size", &[P::String], P::Int, Function::Size),
    global("size", &[P::Bytes], P::Int, Function::Size),
    global("size", &[P::ListA], P::Int, Function::Size),
    global("size", &[P::MapAB], P::Int, Function::Size),
    member("size", &[P::String], P::Int, Function::Size),
    member("size", &[P::Bytes], P::Int, Function::Size),
    member("size", &[P::ListA], P::Int, Function::Size),
    member("size", &[P::MapAB], P::Int, Function::Size),
];

/// Looks for signatures that take the arguments (a member function's target first). Gives the function and
/// the type of its result, `dyn` when it depends on types that are not known yet; `None` without a signature.
pub(super) fn resolve(name: &str, style: Style, arguments: &[&Type]) -> Option<(Function, Type)> {
    if let Some((_, function)) = COMPARISONS.iter().find(|(operator, _)| *operator == name) {
        let ordered = ORDERED.iter().any(|pair| apply(pair, P::Bool, arguments).is_some());
        return ordered.then_some((*function, Type::Bool));
    }
    let candidates = TABLE.iter().filter(|overload| overload.name == name && overload.style == style);
    let mut fitting = candidates.filter_map(|o| apply(o.parameters, o.result, arguments).map(|ty| (o.function, ty)));
    let (function, first) = fitting.next()?;
    let ty = fitting.fold(first, |ty, (_, other)| if ty == other { ty } else { Type::Dyn });
    Some((function, ty))
}

/// Whether there is a function of that name, called in that style.
pub(super) fn exists(name: &str, style: Style) -> bool {
    TABLE.iter().any(|overload| overload.name == name && overload.style == style)
}

/// The names of all functions that are called in that style, operators not included.
pub(super) fn names(style: Style) -> impl Iterator<Item = &'static str> {
    let plain = |name: &str| name.chars().all(char::is_alphanumeric);
    TABLE.iter().filter(move |overload| overload.style == style && plain(overload.name)).map(|overload| overload.name)
}

/// What the signatures of a function take, for example `(string) or (bytes)`; without a member function's target.
pub(super) fn signatures(name: &str, style: Style) -> Vec<String> {
    let candidates = TABLE.iter().filter(|overload| overload.name == name && overload.style == style);
    let mut all: Vec<String> = candidates
        .map(|overload| {
            let names: Vec<&str> = overload.parameters.iter().map(|p| printed(*p)).collect();
            match (style, names.split_first()) {
                (Style::Member, Some((target, rest))) => format!("{target}.{name}({})", rest.join(", ")),
                _ => format!("{name}({})", names.join(", ")),
            }
        })
        .collect();
    all.dedup();
    all
}

fn printed(pattern: P) -> &'static str {
    match pattern {
        P::Bool => "bool",
        P::Int => "int",
        P::Uint => "uint",
        P::Double => "double",
        P::String => "string",
        P::Bytes => "bytes",
        P::Timestamp => "timestamp",
        P::Duration => "duration",
        P::A | P::B => "any",
        P::ListA => "list",
        P::MapAB => "map",
    }
}

/// What `A` and `B` stand for in one call.
#[derive(Default)]
struct Bound {
    a: Option<Type>,
    b: Option<Type>,
}

/// The result type of a signature for these arguments; `None` when it does not take them.
fn apply(parameters: &[P], result: P, arguments: &[&Type]) -> Option<Type> {
    let mut bound = Bound::default();
    let fits = parameters.len() == arguments.len()
        && parameters.iter().zip(arguments).all(|(parameter, argument)| accept(*parameter, argument, &mut bound));
    fits.then(|| instance(result, &bound))
}

fn accept(parameter: P, argument: &Type, bound: &mut Bound) -> bool {
    match (parameter, argument) {
        (P::A, _) => bind(&mut bound.a, argument),
        (P::B, _) => bind(&mut bound.b, argument),
        (_, argument) if argument.is_open() => true,
        (P::ListA, Type::List(element)) => bind(&mut bound.a, element),
        (P::MapAB, Type::Map(key, value)) => bind(&mut bound.a, key) && bind(&mut bound.b, value),
        (P::ListA | P::MapAB, _) => false,
        (parameter, argument) => instance(parameter, bound).fits(argument),
    }
}

fn bind(variable: &mut Option<Type>, ty: &Type) -> bool {
    match variable {
        None => {
            *variable = Some(ty.clone());
            true
        }
        Some(known) if known.fits(ty) => {
            *known = known.join(ty);
            true
        }
        Some(_) => false,
    }
}

fn instance(pattern: P, bound: &Bound) -> Type {
    let of = |variable: &Option<Type>| variable.clone().unwrap_or(Type::Dyn);
    match pattern {
        P::Bool => Type::Bool,
        P::Int => Type::Int,
        P::Uint => Type::Uint,
        P::Double => Type::Double,
        P::String => Type::String,
        P::Bytes => Type::Bytes,
        P::Timestamp => Type::Timestamp,
        P::Duration => Type::Duration,
        P::A => of(&bound.a),
        P::B => of(&bound.b),
        P::ListA => Type::list(of(&bound.a)),
        P::MapAB => Type::map(of(&bound.a), of(&bound.b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gives(name: &str, arguments: &[&Type]) -> Option<String> {
        resolve(name, Style::Global, arguments).map(|(_, ty)| ty.to_string())
    }

    #[test]
    fn equality_needs_equal_types_and_order_takes_any_numbers() {
        assert_eq!(gives("_==_", &[&Type::Int, &Type::Double]), None);
        assert_eq!(gives("_<_", &[&Type::Int, &Type::Double]).as_deref(), Some("bool"));
        assert_eq!(gives("_<_", &[&Type::String, &Type::Double]), None);
        assert_eq!(gives("_==_", &[&Type::Dyn, &Type::Double]).as_deref(), Some("bool"));
        assert_eq!(gives("_==_", &[&Type::list(Type::Dyn), &Type::list(Type::Int)]).as_deref(), Some("bool"));
    }

    #[test]
    fn results_follow_the_arguments() {
        let map = Type::map(Type::String, Type::list(Type::Int));
        assert_eq!(gives("_[_]", &[&map, &Type::String]).as_deref(), Some("list(int)"));
        assert_eq!(gives("_[_]", &[&map, &Type::Int]), None);
        assert_eq!(gives("_[_]", &[&Type::Dyn, &Type::Int]).as_deref(), Some("dyn"));
        assert_eq!(gives("_?_:_", &[&Type::Bool, &Type::Int, &Type::Dyn]).as_deref(), Some("dyn"));
        assert_eq!(gives("_?_:_", &[&Type::Bool, &Type::Int, &Type::String]), None);
        assert_eq!(gives("@in", &[&Type::String, &Type::list(Type::String)]).as_deref(), Some("bool"));
        assert_eq!(gives("@in", &[&Type::String, &map]).as_deref(), Some("bool"));
        assert_eq!(gives("@in", &[&Type::Int, &map]), None);
    }
}
