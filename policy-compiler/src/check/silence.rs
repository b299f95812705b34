//! Warnings that a rule silences, with the reason: `silence: [{code: CM0602, reason: ...}]`.

use crate::{
    read::document::Silence,
    report::diagnostic::{Diagnostic, Diagnostics, Severity, code},
};

/// A warning that was silenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silenced {
    /// The warning.
    pub diagnostic: Diagnostic,
    /// Why it is intended.
    pub reason: String,
    /// The index of the entry that silences it.
    entry: usize,
}

/// Removes the warnings that one of the entries silences. Errors stay.
pub(crate) fn apply(entries: &[Silence], diagnostics: Diagnostics, silenced: &mut Vec<Silenced>) -> Diagnostics {
    let mut left = Diagnostics::new();
    for diagnostic in diagnostics {
        match entries.iter().position(|entry| silences(entry, &diagnostic)) {
            Some(index) => {
                let reason = entries.get(index).map(|entry| entry.reason.clone()).unwrap_or_default();
                silenced.push(Silenced { diagnostic, reason, entry: index });
            }
            None => left.push(diagnostic),
        }
    }
    left
}

fn silences(entry: &Silence, diagnostic: &Diagnostic) -> bool {
    let inside = |span: crate::report::source::Span| {
        span.file == entry.rule.file && entry.rule.range().contains(&span.range().start)
    };
    diagnostic.severity == Severity::Warning
        && diagnostic.code == entry.code.value
        && diagnostic.span.is_some_and(inside)
}

/// Warns of entries that silence nothing.
pub(crate) fn report_unused(entries: &[Silence], silenced: &[Silenced], diagnostics: &mut Diagnostics) {
    for (index, entry) in entries.iter().enumerate() {
        if silenced.iter().any(|silenced| silenced.entry == index) {
            continue;
        }
        let message = format!("the rule has no warning `{}` that this silences", entry.code.value);
        let help = "remove the entry; only warnings at this rule can be silenced, not errors";
        diagnostics.push(Diagnostic::warning(code::UNUSED_SILENCE, entry.code.span, message).help(help));
    }
}
