//! Results as text.

use std::fmt::Write as _;

use super::{Coverage, RuleCoverage, TestReport, TestResult, coverage::percent};
use crate::report::{
    source::{Sources, Span},
    style::Paint,
};

/// Options of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Colours.
    pub paint: Paint,
    /// Whether to list every test, not only those that failed.
    pub verbose: bool,
    /// Whether to list the rules and branches that no test reaches.
    pub coverage: bool,
}

/// Formats the results.
pub fn render(report: &TestReport, sources: &Sources, options: Options) -> String {
    let mut out = String::new();
    for result in &report.results {
        if options.verbose || result.reason.is_some() || !result.failures.is_empty() {
            let _ = one(&mut out, result, sources, options.paint);
        }
    }
    if options.coverage {
        list(&mut out, &report.coverage, sources, options.paint);
    }
    summary(&mut out, report, options);
    out
}

fn one(out: &mut String, result: &TestResult, sources: &Sources, paint: Paint) -> std::fmt::Result {
    let place = place(Some(result.span), sources);
    if result.failures.is_empty() {
        writeln!(out, "{} {}", paint.good("pass"), result.name)?;
        return reason(out, result, paint);
    }
    writeln!(out, "{} {}  {}", paint.bad("FAIL"), paint.strong(&result.name), paint.faint(&place))?;
    for failure in &result.failures {
        let at = self::place(Some(failure.span), sources);
        writeln!(out, "     {}  {}", failure.subject, paint.faint(&at))?;
        writeln!(out, "       expected {}", paint.good(&failure.expected))?;
        writeln!(out, "       found    {}", paint.bad(&failure.found))?;
    }
    reason(out, result, paint)?;
    if result.reason.is_none() { writeln!(out) } else { Ok(()) }
}

/// Formats why the request was decided as it was.
fn reason(out: &mut String, result: &TestResult, paint: Paint) -> std::fmt::Result {
    let Some(reason) = &result.reason else { return Ok(()) };
    writeln!(out, "     why: {}", reason.why)?;
    out.push_str(&reason.text);
    if reason.left_out > 0 {
        let more = format!("{} not shown; --explain shows all", count(reason.left_out, "more rule"));
        writeln!(out, "       {}", paint.faint(&more))?;
    }
    writeln!(out)
}

/// Lists the rules and branches that no test reaches.
fn list(out: &mut String, coverage: &Coverage, sources: &Sources, paint: Paint) {
    for rule in coverage.rules.iter().filter(|rule| !is_covered(rule)) {
        let what = if rule.fired { "" } else { "  never fires" };
        let at = place(rule.span, sources);
        let _ = writeln!(out, "{}{}  {}", paint.strong(&rule.name), paint.bad(what), paint.faint(&at));
        for branch in &rule.branches {
            let missing = match (branch.seen_true, branch.seen_false) {
                (true, true) => continue,
                (true, false) => "never false",
                (false, true) => "never true",
                (false, false) => "neither true nor false",
            };
            let at = place(Some(branch.span), sources);
            let _ = writeln!(out, "     {}  {}  {}", paint.bad(missing), branch.text, paint.faint(&at));
        }
    }
    if !coverage.rules.iter().all(is_covered) {
        out.push('\n');
    }
}

fn is_covered(rule: &RuleCoverage) -> bool {
    rule.fired && rule.branches.iter().all(|branch| branch.seen_true && branch.seen_false)
}

fn summary(out: &mut String, report: &TestReport, options: Options) {
    let paint = options.paint;
    let failed = report.failed().count();
    let passed = report.results.len() - failed;
    let left_out = match report.left_out {
        0 => String::new(),
        n => format!(", {n} left out by the filter"),
    };
    let failed = match failed {
        0 => String::new(),
        n => format!(", {}", paint.bad(format!("{n} failed"))),
    };
    let _ = writeln!(out, "{}{failed}{left_out}", paint.good(format!("{} passed", count(passed, "test"))));
    let (fired, rules) = report.coverage.rule_count();
    let (seen, branches) = report.coverage.branch_count();
    let hint = if options.coverage || report.coverage.rules.iter().all(is_covered) {
        ""
    } else {
        "; --coverage lists the others"
    };
    let _ = writeln!(
        out,
        "coverage: {fired} of {} fired ({} %), {seen} of {} seen ({} %){hint}",
        count(rules, "rule"),
        percent((fired, rules)),
        count_branches(branches),
        percent((seen, branches)),
    );
}

fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

fn count_branches(n: usize) -> String {
    format!("{n} branches of conditions")
}

fn place(span: Option<Span>, sources: &Sources) -> String {
    span.map(|span| format!("{}:{}", sources.shown_path(span.file), sources.start(span).line)).unwrap_or_default()
}
