//! The compiler's findings about the sources. The data is here, the renderers are in the modules beside it.

pub mod code;
pub mod github;
pub mod json;
pub mod text;

use crate::report::source::{Sources, Span};

/// Most diagnostics that one run shows. The others are only counted.
pub(crate) const MAX_SHOWN: usize = 200;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No artifact can be made.
    Error,
    /// The artifact is made, but probably does not mean what its author intended.
    Warning,
}

impl Severity {
    /// Returns the name used in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Another place that matters, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Why it matters.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable id, for example `CM0103`; see [`crate::report::explanation`].
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The place. `None` if the finding is about the tree as a whole.
    pub span: Option<Span>,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Creates an error at a place, or about the whole tree.
    pub fn error(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            span: span.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Creates a warning at a place, or about the whole tree.
    pub fn warning(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Returns the message with its notes and advice, each on a line of its own.
    pub(crate) fn whole_message(&self) -> String {
        let notes = self.notes.iter().map(|note| format!("\nnote: {note}"));
        let help = self.help.iter().map(|help| format!("\nhelp: {help}"));
        [self.message.clone()].into_iter().chain(notes).chain(help).collect()
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds advice, if there is any.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// All findings of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds findings.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(diagnostics);
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Returns the number of findings.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are no findings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns an iterator over the findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Sorts by file, line and column, and removes duplicates.
    pub fn sort(&mut self) {
        // The sort is stable: findings at the same place keep the order in which the stages found them.
        self.list.sort_by_key(|d| d.span.map(|span| (span.file, span.start)));
        self.list.dedup();
    }

    /// Returns the findings that are shown, and the number of those that are not.
    pub fn shown(&self) -> (&[Diagnostic], usize) {
        let shown = self.list.get(..MAX_SHOWN).unwrap_or(&self.list);
        (shown, self.list.len() - shown.len())
    }

    /// Renders the findings as text without colour; see [`text::render`].
    pub fn to_text(&self, sources: &Sources) -> String {
        text::render(self, sources, text::Style::Plain)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_sorted_by_place_and_not_repeated() {
        let mut sources = Sources::new("t");
        let (a, b) = (sources.add("a.yaml", "xy"), sources.add("b.yaml", "xy"));
        let mut all = Diagnostics::new();
        for span in [Span::new(b, 0, 1), Span::new(a, 1, 2), Span::new(a, 0, 1), Span::new(a, 1, 2)] {
            all.push(Diagnostic::error(code::UNKNOWN_KEY, span, "m"));
        }
        all.push(Diagnostic::error(code::NO_DOCUMENTS, None, "m"));
        all.sort();
        let places: Vec<_> = all.iter().map(|d| d.span.map(|s| sources.place(s))).collect();
        let expected = [None, Some("a.yaml:1"), Some("a.yaml:1"), Some("b.yaml:1")];
        assert_eq!(places, expected.map(|p| p.map(str::to_owned)));
    }

    #[test]
    fn what_exceeds_the_limit_is_counted() {
        let mut sources = Sources::new("t");
        let file = sources.add("a.yaml", "x".repeat(300));
        let mut all = Diagnostics::new();
        for i in 0..MAX_SHOWN + 7 {
            all.push(Diagnostic::error(code::UNKNOWN_KEY, Span::new(file, i, i + 1), "m"));
        }
        all.sort();
        assert_eq!(all.shown().1, 7);
        assert!(all.to_text(&sources).contains("7 more"));
        assert!(json::render(&all, &sources).ends_with("{\"omitted\":7}\n"));
    }
}
