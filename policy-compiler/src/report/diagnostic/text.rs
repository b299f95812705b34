//! Diagnostics as text, with the lines of the source that they are about.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity};
use crate::report::source::{SourceFile, Sources, Span};

/// Whether the text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For files and pipes.
    Plain,
    /// With ANSI colours, for a terminal.
    Coloured,
}

/// Renders at most `MAX_SHOWN` findings, and a last line that counts them.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let (shown, rest) = diagnostics.shown();
    let mut out = String::new();
    for diagnostic in shown {
        out.push_str(&renderer.render(&[group(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    if rest > 0 {
        out.push_str(&format!("and {rest} more that are not shown\n\n"));
    }
    out.push_str(&summary(diagnostics));
    out
}

fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<String> = [Severity::Error, Severity::Warning]
        .into_iter()
        .map(|severity| (count(severity), severity.name()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| words(n, name))
        .collect();
    if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(", ")) }
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut elements: Vec<Element<'a>> = Vec::new();
    match diagnostic.span.and_then(|span| Some((sources.file(span.file)?, span))) {
        Some((file, span)) => elements.push(snippet(sources, file, span, AnnotationKind::Primary, None)),
        None => elements.push(Origin::path(sources.origin()).into()),
    }
    for label in &diagnostic.labels {
        if let Some(file) = sources.file(label.span.file) {
            let element = snippet(sources, file, label.span, AnnotationKind::Context, Some(&label.text));
            let place_only = matches!(element, Element::Origin(_));
            elements.push(element);
            if place_only {
                elements.push(Level::NOTE.message(label.text.as_str()).into());
            }
        }
    }
    elements.extend(diagnostic.notes.iter().map(|note| Level::NOTE.message(note.as_str()).into()));
    elements.extend(diagnostic.help.iter().map(|help| Level::HELP.message(help.as_str()).into()));
    level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).elements(elements)
}

/// Longest line that is shown, in bytes. The configuration of a proxy may be one line of megabytes, which is unreadable
/// and slow to render. For longer lines only the place is reported.
const MAX_LINE_BYTES: usize = 4096;

/// Passes only the lines of the span to the renderer. Whole files would cost their size for every finding.
fn snippet<'a>(
    sources: &Sources,
    file: &'a SourceFile,
    span: Span,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Element<'a> {
    let range = span.range();
    let text = file.text();
    let end = range.end.clamp(range.start, text.len());
    let last = file.line_range(file.line_of(end.saturating_sub(1).max(range.start)));
    let first_line = file.line_of(range.start);
    let window = file.line_range(first_line).start..last.end.max(end).min(text.len());
    let annotated = range.start - window.start..end.min(window.end).saturating_sub(window.start);
    let source = text.get(window).unwrap_or_default();
    if source.len() > MAX_LINE_BYTES && first_line == file.line_of(end.saturating_sub(1).max(range.start)) {
        let start = sources.start(span);
        return Origin::path(sources.shown_path(span.file)).line(start.line).char_column(start.column).into();
    }
    Snippet::source(source)
        .path(sources.shown_path(span.file))
        .line_start(first_line + 1)
        .fold(true)
        .annotation(kind.span(annotated).label(label))
        .into()
}
