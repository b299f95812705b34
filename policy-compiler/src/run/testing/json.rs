//! Results as one JSON document.

use serde_json::{Value, json};

use super::{Branch, Coverage, Failure, RuleCoverage, TestReport, TestResult, coverage::percent};
use crate::report::source::{Sources, Span};

/// Returns the results: `passed`, `failed`, `leftOut`, `tests` and `coverage`.
pub fn document(report: &TestReport, sources: &Sources) -> Value {
    let failed = report.failed().count();
    json!({
        "passed": report.results.len() - failed,
        "failed": failed,
        "leftOut": report.left_out,
        "tests": report.results.iter().map(|result| test(result, sources)).collect::<Vec<_>>(),
        "coverage": coverage(&report.coverage, sources),
    })
}

fn test(result: &TestResult, sources: &Sources) -> Value {
    let failure = |failure: &Failure| {
        json!({
            "subject": failure.subject,
            "expected": failure.expected,
            "found": failure.found,
            "at": place(failure.span, sources),
        })
    };
    json!({
        "name": result.name,
        "passed": result.failures.is_empty(),
        "at": place(result.span, sources),
        "failures": result.failures.iter().map(failure).collect::<Vec<_>>(),
        "why": result.reason.as_ref().map(|reason| &reason.why),
        "explain": result.reason.as_ref().map(|reason| &reason.rules),
    })
}

fn coverage(coverage: &Coverage, sources: &Sources) -> Value {
    let part = |(part, whole)| json!({"covered": part, "total": whole, "percent": percent((part, whole))});
    json!({
        "rules": part(coverage.rule_count()),
        "branches": part(coverage.branch_count()),
        "byRule": coverage.rules.iter().map(|of| rule(of, sources)).collect::<Vec<_>>(),
    })
}

fn rule(rule: &RuleCoverage, sources: &Sources) -> Value {
    let branch = |branch: &Branch| {
        json!({
            "text": branch.text,
            "at": place(branch.span, sources),
            "seenTrue": branch.seen_true,
            "seenFalse": branch.seen_false,
        })
    };
    json!({
        "rule": rule.name,
        "at": rule.span.map(|span| place(span, sources)),
        "fired": rule.fired,
        "branches": rule.branches.iter().map(branch).collect::<Vec<_>>(),
    })
}

fn place(span: Span, sources: &Sources) -> Value {
    let start = sources.start(span);
    json!({"file": sources.shown_path(span.file), "line": start.line, "column": start.column})
}
