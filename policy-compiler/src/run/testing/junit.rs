//! Results as JUnit XML, which pipelines show. Each document is a test suite.

use std::fmt::Write as _;

use super::{TestReport, TestResult};
use crate::report::source::Sources;

/// Returns the results as an XML document.
pub fn render(report: &TestReport, sources: &Sources) -> String {
    let (tests, failures) = (report.results.len(), report.failed().count());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"policyc\" tests=\"{tests}\" failures=\"{failures}\">");
    let mut rest = report.results.as_slice();
    while let Some(first) = rest.first() {
        let suite = suite_of(first);
        let length = rest.iter().take_while(|result| suite_of(result) == suite).count();
        let (own, others) = rest.split_at(length.max(1).min(rest.len()));
        suite_text(&mut out, suite, own, sources);
        rest = others;
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite_of(result: &TestResult) -> &str {
    result.name.split_once('/').map_or("", |(suite, _)| suite)
}

fn suite_text(out: &mut String, suite: &str, results: &[TestResult], sources: &Sources) {
    let failed = results.iter().filter(|result| !result.failures.is_empty()).count();
    let (name, tests) = (escape(suite), results.len());
    let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\">");
    for result in results {
        let test = result.name.split_once('/').map_or(result.name.as_str(), |(_, test)| test);
        let (file, line) = (sources.shown_path(result.span.file), sources.start(result.span).line);
        let head = format!(
            "    <testcase classname=\"{name}\" name=\"{}\" file=\"{}\" line=\"{line}\"",
            escape(test),
            escape(&file)
        );
        if result.failures.is_empty() {
            let _ = writeln!(out, "{head}/>");
            continue;
        }
        let _ = writeln!(out, "{head}>");
        for failure in &result.failures {
            let at = format!("{}:{}", sources.shown_path(failure.span.file), sources.start(failure.span).line);
            let text = format!("{at}: {}: expected {}, found {}", failure.subject, failure.expected, failure.found);
            let why = result.reason.iter().map(|reason| format!("; {}", reason.why)).collect::<String>();
            let _ = writeln!(out, "      <failure message=\"{}\"/>", escape(&format!("{text}{why}")));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

/// Escapes text for an attribute. Characters that XML 1.0 does not have become question marks.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escape("a<b & \"c\"\n\u{1}ü"), "a&lt;b &amp; &quot;c&quot;&#10;?ü");
    }
}
