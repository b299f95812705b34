//! What is wrong with an expression: data, rendered elsewhere.

/// One finding about an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// First character of the place, counted in characters from the start of the expression.
    pub start: usize,
    /// First character behind the place.
    pub end: usize,
    /// Stable id; see [`CODES`].
    pub code: &'static str,
    /// What is wrong, as one sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place, without advice.
    pub(crate) fn new(code: &'static str, (start, end): (usize, usize), message: impl Into<String>) -> Self {
        Self { start, end, code, message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with advice, if there is any.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

macro_rules! codes {
    ($($id:literal $name:ident $summary:literal;)+) => {
        /// The codes of problems with expressions.
        pub mod code {
            $(#[doc = $summary] pub const $name: &str = $id;)+
        }

        /// Every code with one line that explains it.
        pub const CODES: &[(&str, &str)] = &[$(($id, $summary),)+];
    };
}

codes! {
    "CM0401" SYNTAX "The text is not a CEL expression.";
    "CM0402" TOO_LARGE "The expression is too long or nested too deeply.";
    "CM0403" NOT_SUPPORTED "The expression uses a part of CEL that policies do not have.";
    "CM0404" UNDECLARED_NAME "The expression uses a name or function that is not declared.";
    "CM0405" UNDECLARED_FIELD "The expression reads a field or attribute that does not exist.";
    "CM0406" NO_OVERLOAD "An operator or function does not take values of these types.";
    "CM0407" WRONG_TYPE "The expression gives a value of another type than its place needs.";
    "CM0408" NOT_KNOWN_YET "The attribute is not known when the request is decided.";
    "CM0409" NOT_A_VALUE "A group of attributes is used as if it were a value.";
    "CM0410" NOT_CONSTANT "A key, pattern or time zone must be a string literal.";
    "CM0411" BAD_PATTERN "The pattern is not a regular expression.";
    "CM0412" PATTERN_TOO_LARGE "The compiled pattern exceeds its size budget.";
    "CM0413" PROGRAM_LIMIT "The compiled expression exceeds a limit of the virtual machine.";
    "CM0414" BAD_ZONE "There is no such time zone.";
    "CM0415" TOO_COSTLY "The expression could cost more than one decision may spend.";
    "CM0416" BAD_LITERAL "The text of a constant does not have the form that its function asks for.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(code::SYNTAX, CODES[0].0);
    }
}
