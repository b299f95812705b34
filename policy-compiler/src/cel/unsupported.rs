//! What CEL has and this version does not: named, so that it is not taken for a mistake.

use super::overloads::Style;

/// Operators, by their names in CEL's declarations, and how they are written.
const OPERATORS: &[(&str, &str)] = &[
    ("_+_", "+"),
    ("_-_", "-"),
    ("_*_", "*"),
    ("_/_", "/"),
    ("_%_", "%"),
    ("-_", "-"),
    ("_?._", ".?"),
    ("_[?_]", "[?"),
];

const MACROS: &[&str] = &[
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "map",
    "filter",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "bind",
    "block",
    "sortBy",
    "optMap",
    "optFlatMap",
];

const MEMBERS: &[&str] = &[
    "charAt",
    "format",
    "indexOf",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "replace",
    "reverse",
    "split",
    "substring",
    "trim",
    "upperAscii",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "value",
    "or",
    "orValue",
    "distinct",
    "flatten",
    "slice",
    "sort",
    "first",
    "last",
    "quote",
    "find",
    "findAll",
    "containsIP",
    "containsCIDR",
    "ip",
    "masked",
    "prefixLength",
    "family",
    "isUnspecified",
    "isLoopback",
    "isGlobalUnicast",
    "isLinkLocalUnicast",
    "isLinkLocalMulticast",
];

const GLOBALS: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "int",
    "string",
    "timestamp",
    "type",
    "uint",
    "hash",
    "ip",
    "cidr",
    "isIP",
];

/// Name spaces of extension functions, for example `math.greatest`.
const NAME_SPACES: &[&str] = &["math", "strings", "lists", "base64", "optional", "cel", "sets", "net"];

/// The names of types, which are values in CEL.
const TYPE_NAMES: &[&str] =
    &["bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint", "optional_type"];

/// How an operator is written, if it is not supported yet.
pub(super) fn operator(name: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(known, _)| *known == name).map(|(_, written)| *written)
}

/// Whether a call is of CEL, but not supported yet.
pub(super) fn function(name: &str, style: Style, target: Option<&str>) -> bool {
    match style {
        Style::Global => GLOBALS.contains(&name),
        Style::Member => is_macro(name) || MEMBERS.contains(&name) || target.is_some_and(|t| NAME_SPACES.contains(&t)),
    }
}

/// Whether a call declares names, so that its arguments cannot be checked without it.
pub(super) fn is_macro(name: &str) -> bool {
    MACROS.contains(&name)
}

/// Whether a name is of CEL: a type, or a name space of functions.
pub(super) fn name(name: &str) -> bool {
    TYPE_NAMES.contains(&name) || NAME_SPACES.contains(&name)
}
