//! Problems of an expression, as data.

/// A problem of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// First character of the place, counted in characters from the start of the expression.
    pub start: usize,
    /// First character after the place.
    pub end: usize,
    /// Stable id; see [`crate::report::diagnostic::code`].
    pub code: &'static str,
    /// What is wrong, as one sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// Creates a problem at a place, without advice.
    pub(crate) fn new(code: &'static str, (start, end): (usize, usize), message: impl Into<String>) -> Self {
        Self { start, end, code, message: message.into(), help: None }
    }

    /// Adds advice.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds advice, if there is any.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}
