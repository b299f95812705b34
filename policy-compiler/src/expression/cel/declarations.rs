//! The operators and functions of the language with their signatures: one table, in cel-go's notation.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::typed::Function::{self, *};
use super::types::Type;

/// The call style of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Style {
    /// `name(a, b)`, and operators.
    Global,
    /// `a.name(b)`
    Member,
}

/// A signature. Type variables are [`Type::Var`] 0 and 1; each is the same type wherever it occurs.
#[derive(Debug, Clone)]
pub(super) struct Overload {
    pub(super) style: Style,
    /// The parameters. A member function's target comes first.
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
    pub(super) function: Function,
}

/// Returns the signatures of an operator or function. Operators have their names in CEL's declarations; functions of a
/// namespace include it.
pub(super) fn find(name: &str) -> &'static [Overload] {
    DECLARED.get(name).map_or(&[], Vec::as_slice)
}

/// Whether a function of that name can be called in that style.
pub(super) fn exists(name: &str, style: Style) -> bool {
    find(name).iter().any(|overload| overload.style == style)
}

/// Returns the names of all functions that can be called in that style, without operators.
pub(super) fn names(style: Style) -> impl Iterator<Item = &'static str> {
    let names = TABLE.iter().map(|(name, ..)| *name).chain(LIBRARY.iter().map(|(name, _)| *name));
    names.filter(move |name| is_word(name) && exists(name, style))
}

/// Whether a name is that of a function, not of an operator.
pub(super) fn is_word(name: &str) -> bool {
    name.starts_with(char::is_alphabetic)
}

/// Returns the signatures of a function, for example `f(string)`. A member function is shown with its target.
pub(super) fn signatures(name: &str, style: Style) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for overload in find(name).iter().filter(|overload| overload.style == style) {
        let names: Vec<String> = overload.parameters.iter().map(printed).collect();
        let signature = match (style, names.split_first()) {
            (Style::Member, Some((target, rest))) => format!("{target}.{name}({})", rest.join(", ")),
            _ => format!("{name}({})", names.join(", ")),
        };
        if !all.contains(&signature) {
            all.push(signature);
        }
    }
    all
}

/// Formats a type in a signature, without the types of its elements.
fn printed(ty: &Type) -> String {
    match ty {
        Type::Var(_) | Type::Dyn => "any".to_owned(),
        Type::List(of) if **of == Type::Var(0) => "list".to_owned(),
        Type::Map(key, _) if **key == Type::Var(0) => "map".to_owned(),
        Type::Optional(_) => "optional".to_owned(),
        other => other.to_string(),
    }
}

static DECLARED: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut declared: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for (name, function, signatures) in TABLE {
        declared.entry(name).or_default().extend(signatures.iter().filter_map(|text| overload(text, *function)));
    }
    for (name, signatures) in LIBRARY {
        declared.entry(name).or_default().extend(signatures.iter().filter_map(|text| overload(text, Library(name))));
    }
    declared
});

/// Operators, and functions with instructions of their own.
const TABLE: &[(&str, Function, &[&str])] = &[
    ("_&&_", And, &["(bool, bool) -> bool"]),
    ("_||_", Or, &["(bool, bool) -> bool"]),
    ("!_", Not, &["(bool) -> bool"]),
    ("_?_:_", Conditional, &["(bool, A, A) -> A"]),
    ("_==_", Equal, &["(A, A) -> bool"]),
    ("_!=_", NotEqual, &["(A, A) -> bool"]),
    ("_<_", Less, ORDER),
    ("_<=_", LessEqual, ORDER),
    ("_>_", Greater, ORDER),
    ("_>=_", GreaterEqual, ORDER),
    (
        "_+_",
        Add,
        &[
            "(int, int) -> int",
            "(uint, uint) -> uint",
            "(double, double) -> double",
            "(string, string) -> string",
            "(bytes, bytes) -> bytes",
            "(list(A), list(A)) -> list(A)",
            "(duration, duration) -> duration",
            "(timestamp, duration) -> timestamp",
            "(duration, timestamp) -> timestamp",
        ],
    ),
    (
        "_-_",
        Subtract,
        &[
            "(int, int) -> int",
            "(uint, uint) -> uint",
            "(double, double) -> double",
            "(duration, duration) -> duration",
            "(timestamp, duration) -> timestamp",
            "(timestamp, timestamp) -> duration",
        ],
    ),
    ("_*_", Multiply, NUMBERS),
    ("_/_", Divide, NUMBERS),
    ("_%_", Modulo, &["(int, int) -> int", "(uint, uint) -> uint"]),
    ("-_", Negate, &["(int) -> int", "(double) -> double"]),
    ("@in", In, &["(A, list(A)) -> bool", "(A, map(A, B)) -> bool"]),
    (
        "_[_]",
        Index,
        &[
            "(list(A), int) -> A",
            "(map(A, B), A) -> B",
            "(optional(list(A)), int) -> optional(A)",
            "(optional(map(A, B)), A) -> optional(B)",
        ],
    ),
    (
        "_[?_]",
        OptionalIndex,
        &[
            "(list(A), int) -> optional(A)",
            "(map(A, B), A) -> optional(B)",
            "(optional(list(A)), int) -> optional(A)",
            "(optional(map(A, B)), A) -> optional(B)",
        ],
    ),
    ("startsWith", StartsWith, &["string.(string) -> bool"]),
    ("endsWith", EndsWith, &["string.(string) -> bool"]),
    ("contains", Contains, &["string.(string) -> bool"]),
    ("matches", Matches, &["string.(string) -> bool", "(string, string) -> bool"]),
    ("matchesTemplate", MatchesTemplate, &["string.(string) -> bool"]),
    ("inNetworks", InNetworks, &["string.(list(string)) -> bool", "net.IP.(list(string)) -> bool"]),
    (
        "size",
        Size,
        &[
            "(string) -> int",
            "(bytes) -> int",
            "(list(A)) -> int",
            "(map(A, B)) -> int",
            "string.() -> int",
            "bytes.() -> int",
            "list(A).() -> int",
            "map(A, B).() -> int",
        ],
    ),
    ("dyn", Dyn, &["(A) -> dyn"]),
];

const ORDER: &[&str] = &[
    "(bool, bool) -> bool",
    "(int, int) -> bool",
    "(int, uint) -> bool",
    "(int, double) -> bool",
    "(uint, int) -> bool",
    "(uint, uint) -> bool",
    "(uint, double) -> bool",
    "(double, int) -> bool",
    "(double, uint) -> bool",
    "(double, double) -> bool",
    "(string, string) -> bool",
    "(bytes, bytes) -> bool",
    "(timestamp, timestamp) -> bool",
    "(duration, duration) -> bool",
];

const NUMBERS: &[&str] = &["(int, int) -> int", "(uint, uint) -> uint", "(double, double) -> double"];

const DATE: &[&str] = &["timestamp.() -> int", "timestamp.(string) -> int"];

const TIME: &[&str] = &["timestamp.() -> int", "timestamp.(string) -> int", "duration.() -> int"];

const SORTED: &[&str] = &[
    "list(int).() -> list(int)",
    "list(uint).() -> list(uint)",
    "list(double).() -> list(double)",
    "list(bool).() -> list(bool)",
    "list(duration).() -> list(duration)",
    "list(timestamp).() -> list(timestamp)",
    "list(string).() -> list(string)",
    "list(bytes).() -> list(bytes)",
];

const BITS: &[&str] = &["(int, int) -> int", "(uint, uint) -> uint"];

const SHIFT: &[&str] = &["(int, int) -> int", "(uint, int) -> uint"];

const SAME_NUMBER: &[&str] = &["(int) -> int", "(uint) -> uint", "(double) -> double"];

const OF_DOUBLE: &[&str] = &["(double) -> double"];

const TEST_OF_DOUBLE: &[&str] = &["(double) -> bool"];

/// Library functions, which [`context_mesh_core::vm::function`] numbers.
const LIBRARY: &[(&str, &[&str])] = &[
    // Conversions.
    ("bool", &["(bool) -> bool", "(string) -> bool"]),
    ("bytes", &["(bytes) -> bytes", "(string) -> bytes"]),
    ("double", &["(double) -> double", "(int) -> double", "(string) -> double", "(uint) -> double"]),
    ("duration", &["(duration) -> duration", "(int) -> duration", "(string) -> duration"]),
    (
        "int",
        &[
            "(int) -> int",
            "(double) -> int",
            "(duration) -> int",
            "(string) -> int",
            "(timestamp) -> int",
            "(uint) -> int",
        ],
    ),
    (
        "string",
        &[
            "(string) -> string",
            "(bool) -> string",
            "(bytes) -> string",
            "(double) -> string",
            "(duration) -> string",
            "(int) -> string",
            "(timestamp) -> string",
            "(uint) -> string",
            "(net.IP) -> string",
            "(net.CIDR) -> string",
        ],
    ),
    ("timestamp", &["(timestamp) -> timestamp", "(int) -> timestamp", "(string) -> timestamp"]),
    ("uint", &["(uint) -> uint", "(double) -> uint", "(int) -> uint", "(string) -> uint"]),
    ("type", &["(A) -> type"]),
    // Times.
    ("getFullYear", DATE),
    ("getMonth", DATE),
    ("getDayOfYear", DATE),
    ("getDayOfMonth", DATE),
    ("getDate", DATE),
    ("getDayOfWeek", DATE),
    ("getHours", TIME),
    ("getMinutes", TIME),
    ("getSeconds", TIME),
    ("getMilliseconds", TIME),
    // Strings.
    ("charAt", &["string.(int) -> string"]),
    ("indexOf", &["string.(string) -> int", "string.(string, int) -> int"]),
    ("lastIndexOf", &["string.(string) -> int", "string.(string, int) -> int"]),
    ("join", &["list(string).() -> string", "list(string).(string) -> string"]),
    ("lowerAscii", &["string.() -> string"]),
    ("upperAscii", &["string.() -> string"]),
    ("replace", &["string.(string, string) -> string", "string.(string, string, int) -> string"]),
    ("split", &["string.(string) -> list(string)", "string.(string, int) -> list(string)"]),
    ("substring", &["string.(int) -> string", "string.(int, int) -> string"]),
    ("trim", &["string.() -> string"]),
    ("reverse", &["string.() -> string", "list(A).() -> list(A)"]),
    ("format", &["string.(list(dyn)) -> string"]),
    ("strings.quote", &["(string) -> string"]),
    // Numbers. `math.greatest` and `math.least` accept any number of arguments and are checked separately.
    ("math.ceil", OF_DOUBLE),
    ("math.floor", OF_DOUBLE),
    ("math.round", OF_DOUBLE),
    ("math.trunc", OF_DOUBLE),
    ("math.abs", SAME_NUMBER),
    ("math.sign", SAME_NUMBER),
    ("math.sqrt", &["(double) -> double", "(int) -> double", "(uint) -> double"]),
    ("math.isInf", TEST_OF_DOUBLE),
    ("math.isNaN", TEST_OF_DOUBLE),
    ("math.isFinite", TEST_OF_DOUBLE),
    ("math.bitAnd", BITS),
    ("math.bitOr", BITS),
    ("math.bitXor", BITS),
    ("math.bitNot", &["(int) -> int", "(uint) -> uint"]),
    ("math.bitShiftLeft", SHIFT),
    ("math.bitShiftRight", SHIFT),
    // Lists.
    ("distinct", &["list(A).() -> list(A)"]),
    ("flatten", &["list(list(A)).() -> list(A)", "list(dyn).(int) -> list(dyn)"]),
    ("lists.range", &["(int) -> list(int)"]),
    ("slice", &["list(A).(int, int) -> list(A)"]),
    ("sort", SORTED),
    ("first", &["list(A).() -> optional(A)"]),
    ("last", &["list(A).() -> optional(A)"]),
    // Optionals.
    ("optional.of", &["(A) -> optional(A)"]),
    ("optional.ofNonZeroValue", &["(A) -> optional(A)"]),
    ("optional.none", &["() -> optional(A)"]),
    ("optional.unwrap", &["(list(optional(A))) -> list(A)"]),
    ("unwrapOpt", &["list(optional(A)).() -> list(A)"]),
    ("hasValue", &["optional(A).() -> bool"]),
    ("value", &["optional(A).() -> A"]),
    ("or", &["optional(A).(optional(A)) -> optional(A)"]),
    ("orValue", &["optional(A).(A) -> A"]),
    // Encoders.
    ("base64.encode", &["(bytes) -> string"]),
    ("base64.decode", &["(string) -> bytes"]),
    // Networks.
    ("ip", &["(string) -> net.IP", "net.CIDR.() -> net.IP"]),
    ("cidr", &["(string) -> net.CIDR"]),
    ("isIP", &["(string) -> bool"]),
    ("isCIDR", &["(string) -> bool"]),
    ("ip.isCanonical", &["(string) -> bool"]),
    ("family", &["net.IP.() -> int"]),
    ("isUnspecified", &["net.IP.() -> bool"]),
    ("isLoopback", &["net.IP.() -> bool"]),
    ("isGlobalUnicast", &["net.IP.() -> bool"]),
    ("isLinkLocalMulticast", &["net.IP.() -> bool"]),
    ("isLinkLocalUnicast", &["net.IP.() -> bool"]),
    ("containsIP", &["net.CIDR.(net.IP) -> bool", "net.CIDR.(string) -> bool"]),
    ("containsCIDR", &["net.CIDR.(net.CIDR) -> bool", "net.CIDR.(string) -> bool"]),
    ("masked", &["net.CIDR.() -> net.CIDR"]),
    ("prefixLength", &["net.CIDR.() -> int"]),
    // The mesh's own functions.
    ("hash", &["(string) -> int"]),
];

/// Reads `(parameters) -> result`, or `target.(parameters) -> result`.
fn overload(text: &str, function: Function) -> Option<Overload> {
    let (taken, result) = text.split_once(" -> ")?;
    let result = parse(result)?;
    let (style, target, parameters) = match taken.split_once(".(") {
        Some((target, parameters)) => (Style::Member, Some(parse(target)?), parameters.strip_suffix(')')?),
        None => (Style::Global, None, taken.strip_prefix('(')?.strip_suffix(')')?),
    };
    let mut all: Vec<Type> = target.into_iter().collect();
    for parameter in top_level(parameters) {
        all.push(parse(parameter)?);
    }
    Some(Overload { style, parameters: all, result, function })
}

/// Splits at the commas outside of parentheses.
fn top_level(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let outside = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    text.split(outside).map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Reads a type as printed.
fn parse(text: &str) -> Option<Type> {
    if let Some((of, parameters)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let parameters: Option<Vec<Type>> = top_level(parameters).into_iter().map(parse).collect();
        return match (of, parameters?.as_slice()) {
            ("list", [element]) => Some(Type::list(element.clone())),
            ("map", [key, value]) => Some(Type::map(key.clone(), value.clone())),
            ("optional", [of]) => Some(Type::optional(of.clone())),
            _ => None,
        };
    }
    Some(match text {
        "A" => Type::Var(0),
        "B" => Type::Var(1),
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Type,
        "net.IP" => Type::Ip,
        "net.CIDR" => Type::Cidr,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_reads() {
        let table = TABLE.iter().flat_map(|(_, function, signatures)| signatures.iter().map(|text| (text, *function)));
        let library = LIBRARY.iter().flat_map(|(name, signatures)| signatures.iter().map(|text| (text, Library(name))));
        for (text, function) in table.chain(library) {
            assert!(overload(text, function).is_some(), "{text}");
        }
    }

    #[test]
    fn the_machine_has_every_function_of_the_library() {
        // The code generator compiles these two to jumps.
        let library = LIBRARY.iter().filter(|(name, _)| !matches!(*name, "or" | "orValue"));
        for (name, _) in library {
            for overload in find(name) {
                if let Library(name) = overload.function {
                    let arity = overload.parameters.len();
                    assert!(super::super::library::number(name, arity).is_some(), "{name}/{arity}");
                }
            }
        }
    }

    #[test]
    fn signatures_print_for_people() {
        assert_eq!(signatures("size", Style::Member), ["string.size()", "bytes.size()", "list.size()", "map.size()"]);
        assert_eq!(signatures("base64.encode", Style::Global), ["base64.encode(bytes)"]);
    }
}
