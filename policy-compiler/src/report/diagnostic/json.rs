//! Diagnostics as JSON, one object a line, for editors and pipelines.

use serde_json::{Value, json};

use super::{Diagnostic, Diagnostics};
use crate::report::source::{Sources, Span};

/// Renders all findings that are shown, one JSON object a line. If there are more, a last line counts the others:
/// `{"omitted":7}`.
pub fn render(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let (shown, omitted) = diagnostics.shown();
    let mut lines: String = shown.iter().map(|d| format!("{}\n", object(d, sources))).collect();
    if omitted > 0 {
        lines.push_str(&format!("{}\n", json!({"omitted": omitted})));
    }
    lines
}

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| json!({"message": label.text, "at": place(Some(label.span), sources)}))
        .collect();
    json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "at": place(diagnostic.span, sources),
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
}

fn place(span: Option<Span>, sources: &Sources) -> Value {
    let Some(span) = span else { return json!({"file": sources.origin()}) };
    let (start, end) = (sources.start(span), sources.end(span));
    json!({
        "file": sources.shown_path(span.file),
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diagnostic::code;

    #[test]
    fn a_finding_is_one_line_with_its_place() {
        let mut sources = Sources::new("tree");
        let file = sources.add("a.yaml", "a: 1\nb: 2\n");
        let mut all = Diagnostics::new();
        all.push(Diagnostic::error(code::UNKNOWN_KEY, Span::new(file, 5, 6), "unknown key `b`").help("drop it"));
        let text = render(&all, &sources);
        assert_eq!(text.lines().count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        let at = json!({"file": "tree/a.yaml", "line": 2, "column": 1, "endLine": 2, "endColumn": 2});
        assert_eq!(value["at"], at);
        assert_eq!(value["help"], "drop it");
    }
}
