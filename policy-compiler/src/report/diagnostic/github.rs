//! Diagnostics as workflow commands of GitHub Actions, one a line. GitHub shows them beside the lines of a change.

use super::{Diagnostic, Diagnostics};
use crate::report::source::Sources;

/// Renders all findings that are shown. If there are more, a last line counts the others.
pub fn render(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let (shown, omitted) = diagnostics.shown();
    let mut lines: String = shown.iter().map(|diagnostic| line(diagnostic, sources)).collect();
    if omitted > 0 {
        lines.push_str(&format!("::notice::and {omitted} more that are not shown\n"));
    }
    lines
}

/// Renders an error without a place.
pub fn error(message: &str) -> String {
    format!("::error::{}\n", data(message))
}

fn line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut properties = Vec::new();
    if let Some(span) = diagnostic.span {
        let (start, end) = (sources.start(span), sources.end(span));
        properties.push(format!("file={}", property(&sources.shown_path(span.file))));
        properties.push(format!("line={},endLine={},col={}", start.line, end.line, start.column));
        // GitHub accepts an end column only within one line, and it is inclusive.
        if start.line == end.line {
            properties.push(format!("endColumn={}", end.column.saturating_sub(1).max(start.column)));
        }
    }
    properties.push(format!("title={}", property(diagnostic.code)));
    let (severity, properties) = (diagnostic.severity.name(), properties.join(","));
    format!("::{severity} {properties}::{}\n", data(&diagnostic.whole_message()))
}

/// Escapes a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{diagnostic::code, source::Span};

    #[test]
    fn a_finding_is_one_line_with_its_place() {
        let mut sources = Sources::new("tree");
        let file = sources.add("a,b:c.yaml", "a: 1\nb: 2\n");
        // The place, the message and the expected line.
        let cases = [
            (
                Some((5, 6)),
                "100 % of `b`,\nor: none",
                "::error file=tree/a%2Cb%3Ac.yaml,line=2,endLine=2,col=1,endColumn=1,title=CM0201::100 %25 of `b`,%0Aor: none\n",
            ),
            (Some((0, 6)), "m\r", "::error file=tree/a%2Cb%3Ac.yaml,line=1,endLine=2,col=1,title=CM0201::m%0D\n"),
            (None, "m", "::error title=CM0201::m\n"),
        ];
        for (place, message, expected) in cases {
            let mut all = Diagnostics::new();
            let span = place.map(|(start, end)| Span::new(file, start, end));
            all.push(Diagnostic::error(code::UNKNOWN_KEY, span, message));
            assert_eq!(render(&all, &sources), expected);
        }
        assert_eq!(error("a\nb"), "::error::a%0Ab\n");
    }
}
