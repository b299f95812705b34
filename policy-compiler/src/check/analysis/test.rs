//! Tests of a value against constants, and their results for a constant.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::patterns::Patterns;
use crate::expression::ir::Comparison;

/// A test of the value of a term. A missing value makes every test an error, except the two for presence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// The value is `true`; anything but a bool is an error.
    Truth,
    /// The value is present; one that cannot be read is present or an error.
    Present,
    /// The value is present, whether it can be read or not.
    There,
    /// It equals a string, a bool, or a number that [`understood_number`] accepts.
    Equals(ScalarConstant),
    /// It is one of these strings.
    OneOf(Vec<String>),
    /// It begins with this.
    Prefix(String),
    /// It ends with this.
    Suffix(String),
    /// It contains this.
    Part(String),
    /// The regex matches somewhere in it or, with `whole`, all of it.
    Regex {
        /// The regex, as written.
        text: String,
        /// Whether all of the text must match.
        whole: bool,
    },
    /// It compares like this with a string or an understood number.
    Order(Comparison, ScalarConstant),
    /// It is a list with this element.
    Holds(ScalarConstant),
}

/// Integers below this limit are doubles without rounding, so comparisons with all of CEL's number types are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the number of a constant, if every comparison with it is exact.
pub(super) fn understood_number(constant: &ScalarConstant) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "what would be rounded is refused below")]
    let number = match constant {
        ScalarConstant::Int(value) => *value as f64,
        ScalarConstant::Uint(value) => *value as f64,
        ScalarConstant::Double(value) => *value,
        _ => return None,
    };
    (number.abs() < EXACT).then_some(number)
}

/// Whether the ordering satisfies the comparison.
pub(super) fn ordered(comparison: Comparison, ordering: std::cmp::Ordering) -> bool {
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterEqual => ordering.is_ge(),
    }
}

impl Test {
    /// Returns the result for a string. `None` for a test that strings make an error, and for a regex that cannot be
    /// built.
    pub(super) fn of_text(&self, text: &str, patterns: &Patterns) -> Option<bool> {
        Some(match self {
            Self::Equals(ScalarConstant::String(other)) => text == other,
            Self::Equals(_) => false,
            Self::OneOf(words) => words.binary_search_by(|word| word.as_str().cmp(text)).is_ok(),
            Self::Prefix(part) => text.starts_with(part.as_str()),
            Self::Suffix(part) => text.ends_with(part.as_str()),
            Self::Part(part) => text.contains(part.as_str()),
            Self::Regex { text: pattern, whole } => return patterns.matches(pattern, *whole, text),
            Self::Order(comparison, ScalarConstant::String(other)) => ordered(*comparison, text.cmp(other.as_str())),
            Self::Present | Self::There => true,
            Self::Order(..) | Self::Truth | Self::Holds(_) => return None,
        })
    }

    /// Whether the test is true or false, and not an error, for strings.
    pub(super) fn is_about_text(&self) -> bool {
        !matches!(self, Self::Truth | Self::Holds(_))
            && !matches!(self, Self::Order(_, constant) if !matches!(constant, ScalarConstant::String(_)))
    }

    /// Returns the result for a number. `None` for a test that numbers make an error.
    pub(super) fn of_number(&self, number: f64) -> Option<bool> {
        Some(match self {
            Self::Equals(other) => understood_number(other) == Some(number),
            Self::OneOf(_) => false,
            Self::Order(comparison, other) => ordered(*comparison, number.partial_cmp(&understood_number(other)?)?),
            Self::Present | Self::There => true,
            _ => return None,
        })
    }

    /// Returns the result for a bool. `None` for a test that bools make an error.
    pub(super) fn of_bool(&self, value: bool) -> Option<bool> {
        Some(match self {
            Self::Truth => value,
            Self::Equals(other) => *other == ScalarConstant::Bool(value),
            Self::OneOf(_) => false,
            Self::Present | Self::There => true,
            _ => return None,
        })
    }

    /// Returns the result for a constant. `Some(None)` is an error, `None` is unknown.
    pub(super) fn of_constant(&self, constant: &ScalarConstant, patterns: &Patterns) -> Option<Option<bool>> {
        match constant {
            ScalarConstant::String(text) => match self {
                Self::Regex { text: pattern, whole } => patterns.matches(pattern, *whole, text).map(Some),
                _ => Some(self.of_text(text, patterns)),
            },
            ScalarConstant::Bool(value) => Some(self.of_bool(*value)),
            number => understood_number(number).map(|number| self.of_number(number)),
        }
    }
}
