//! Tests of a value against constants, and what a constant says to them.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::patterns::Patterns;
use crate::expression::ir::Comparison;

/// A test of the value of a term. A missing value makes each of them an error, but for the two about presence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// The value is `true`; anything but a bool is an error.
    Truth,
    /// There is a value; one that cannot be read is an error.
    Present,
    /// There is a value, whether it can be read or not.
    There,
    /// It equals a string, a bool, or a number that [`understood_number`] takes.
    Equals(ScalarConstant),
    /// It is one of these strings.
    OneOf(Vec<String>),
    /// It begins like this.
    Prefix(String),
    /// It ends like this.
    Suffix(String),
    /// This is in it.
    Part(String),
    /// The regex is found in it, or with `whole` matches all of it.
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

/// Integers below this size are doubles without rounding, so all of CEL's numbers compare with them as they should.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number that a constant is, if every comparison with it is exact.
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

/// Whether an order holds.
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
    /// What a string says; `None` for a test that strings make an error, and for a regex that is not known.
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

    /// Whether strings are tested by it, and what they say is true or false.
    pub(super) fn is_about_text(&self) -> bool {
        !matches!(self, Self::Truth | Self::Holds(_))
            && !matches!(self, Self::Order(_, constant) if !matches!(constant, ScalarConstant::String(_)))
    }

    /// What a number says; `None` for a test that numbers make an error.
    pub(super) fn of_number(&self, number: f64) -> Option<bool> {
        Some(match self {
            Self::Equals(other) => understood_number(other) == Some(number),
            Self::OneOf(_) => false,
            Self::Order(comparison, other) => ordered(*comparison, number.partial_cmp(&understood_number(other)?)?),
            Self::Present | Self::There => true,
            _ => return None,
        })
    }

    /// What a bool says; `None` for a test that bools make an error.
    pub(super) fn of_bool(&self, value: bool) -> Option<bool> {
        Some(match self {
            Self::Truth => value,
            Self::Equals(other) => *other == ScalarConstant::Bool(value),
            Self::OneOf(_) => false,
            Self::Present | Self::There => true,
            _ => return None,
        })
    }

    /// What a constant says: `Some(None)` is an error, `None` is not known.
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
