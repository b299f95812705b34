//! The tree of one YAML document.

use granit_parser::ScalarStyle;

use crate::report::source::{Span, Spanned};

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The place. For a block mapping or sequence this is its first key or element, for one in flow form its first
    /// line: a whole block would bury the message under its source.
    pub span: Span,
    /// The value.
    pub value: Value,
}

impl Node {
    /// Whether the node is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, Value::Sequence(_))
    }

    /// Whether two nodes say the same, with keys in any order and at any place. `scalars` compares scalars.
    pub(crate) fn says_the_same(&self, other: &Self, scalars: fn(&Scalar, &Scalar) -> bool) -> bool {
        match (&self.value, &other.value) {
            (Value::Mapping(one), Value::Mapping(other)) => {
                let found = |key: &str| other.iter().find(|(known, _)| known.value == key).map(|(_, value)| value);
                let same = |key: &str, value: &Self| found(key).is_some_and(|it| value.says_the_same(it, scalars));
                one.len() == other.len() && one.iter().all(|(key, value)| same(&key.value, value))
            }
            (Value::Sequence(one), Value::Sequence(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.says_the_same(other, scalars))
            }
            (Value::Scalar(one), Value::Scalar(other)) => scalars(one, other),
            (one, other) => one == other,
        }
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, number, bool or null.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping; keys are unique.
    Mapping(Vec<(Spanned<String>, Node)>),
    /// A value that was rejected while reading. A diagnostic has already been reported.
    Refused,
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The text without quotes, escapes and indentation.
    pub text: String,
    /// How it was written.
    pub style: ScalarStyle,
}

impl Scalar {
    /// Whether YAML reads the scalar as a string: it is quoted, a block, or a plain scalar of no other type.
    pub fn is_string(&self) -> bool {
        self.style != ScalarStyle::Plain || !(self.is_null() || self.as_bool().is_some() || self.is_number())
    }

    /// Whether the scalar is null: an empty plain scalar, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.style == ScalarStyle::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// Returns the value of a plain scalar that is a bool in YAML 1.2's core schema.
    pub fn as_bool(&self) -> Option<bool> {
        match self.text.as_str() {
            _ if self.style != ScalarStyle::Plain => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// Returns the value of a plain scalar that is an integer.
    pub fn as_int(&self) -> Option<i64> {
        if self.style == ScalarStyle::Plain { self.text.parse().ok() } else { None }
    }

    /// Returns the value of a plain scalar that is a finite number.
    pub(crate) fn as_double(&self) -> Option<f64> {
        if self.is_number() { self.text.parse().ok().filter(|n: &f64| n.is_finite()) } else { None }
    }

    fn is_number(&self) -> bool {
        let digits = self.text.trim_start_matches(['-', '+', '.']);
        self.style == ScalarStyle::Plain
            && digits.starts_with(|c: char| c.is_ascii_digit())
            && self.text.parse::<f64>().is_ok()
    }
}

impl Value {
    /// Returns the kind of value, as named in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(scalar) if scalar.is_null() => "nothing",
            Self::Scalar(scalar) if scalar.as_bool().is_some() => "a bool",
            Self::Scalar(scalar) if scalar.is_string() => "a string",
            Self::Scalar(_) => "a number",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
            Self::Refused => "something that was refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_types_of_the_core_schema() {
        let cases = [
            ("", "nothing"),
            ("~", "nothing"),
            ("true", "a bool"),
            ("yes", "a string"),
            ("12", "a number"),
            ("-1.5e3", "a number"),
            ("1.2.3", "a string"),
            ("infinity", "a string"),
            ("x", "a string"),
        ];
        for (text, kind) in cases {
            let plain = Scalar { text: text.to_owned(), style: ScalarStyle::Plain };
            assert_eq!(Value::Scalar(plain).kind(), kind, "{text}");
            let quoted = Scalar { text: text.to_owned(), style: ScalarStyle::DoubleQuoted };
            assert_eq!(Value::Scalar(quoted).kind(), "a string", "{text}");
        }
    }
}
