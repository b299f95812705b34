//! Runs policy tests. Each request goes through the filter's own pipeline, and the result is compared with the
//! expectations of the test. Coverage is recorded on the way: the rules that fire, and the parts of their conditions
//! that were true and false.

mod compare;
mod coverage;
pub mod json;
pub mod junit;
mod reason;
pub mod text;

use crate::pack::artifact::PackError;
use context_mesh_core::artifact::tables::Tables;

use crate::{
    check::model::{Model, TestCase},
    compile::Compiled,
    report::{
        diagnostic::{Diagnostic, Diagnostics},
        source::Span,
        style::Paint,
    },
    run::{
        explain::{Explainer, Recorder},
        simulate::Simulator,
    },
};

pub use compare::Failure;
pub use coverage::{Branch, Coverage, RuleCoverage};
pub use reason::{Reason, Reasons};

/// The code of failed tests in diagnostics.
const TEST_FAILED: &str = "test-failed";

/// The result of one test.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// Its full name.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// The expectations that were not met; empty if the test passed.
    pub failures: Vec<Failure>,
    /// Why the request was decided as it was, if that was asked for.
    pub reason: Option<Reason>,
}

/// The results of all tests.
#[derive(Debug, Clone)]
pub struct TestReport {
    /// The tests that were run, in the order of the documents.
    pub results: Vec<TestResult>,
    /// Number of tests that the filters left out.
    pub left_out: usize,
    /// The coverage of the tests that were run.
    pub coverage: Coverage,
}

impl TestReport {
    /// Returns the tests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &TestResult> {
        self.results.iter().filter(|result| !result.failures.is_empty())
    }

    /// Whether every test passed.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }
}

/// Like [`run_explained`], with the reasons for failures, without colour.
///
/// # Errors
/// As for [`run_explained`].
pub fn run(compiled: &Compiled, model: &Model, filters: &[String]) -> Result<TestReport, PackError> {
    run_explained(compiled, model, filters, Reasons { all: false, paint: Paint::Plain })
}

/// Runs the tests of a tree whose names contain one of the filters, or all of them if there are no filters.
///
/// # Errors
/// The artifact, or the programs of the conditions' parts, exceed a limit of the format.
pub fn run_explained(
    compiled: &Compiled,
    model: &Model,
    filters: &[String],
    reasons: Reasons,
) -> Result<TestReport, PackError> {
    let explainer = Explainer::new(model, &compiled.tables)?;
    let mut simulator = Simulator::new(&compiled.artifact)?;
    let mut coverage = Coverage::new(&explainer, &compiled.tables, model);
    let wanted = |case: &&TestCase| filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter));
    let cases: Vec<&TestCase> = model.tests.iter().filter(wanted).collect();
    let mut runner = Runner { simulator: &mut simulator, explainer: &explainer, tables: &compiled.tables, reasons };
    let results: Vec<TestResult> = cases.iter().map(|case| runner.one(case, &mut coverage)).collect();
    let left_out = model.tests.len() - results.len();
    Ok(TestReport { results, left_out, coverage })
}

/// Returns the failures as diagnostics, for output formats that show these at their places.
pub fn findings(report: &TestReport) -> Diagnostics {
    let mut found = Diagnostics::new();
    for result in report.failed() {
        found.extend(result.failures.iter().map(|failure| {
            let Failure { subject, expected, found, .. } = failure;
            let message = format!("`{}`: {subject}: expected {expected}, found {found}", result.name);
            let problem = Diagnostic::error(TEST_FAILED, failure.span, message);
            result.reason.iter().fold(problem, |problem, reason| problem.note(reason.why.clone()))
        }));
    }
    found
}

struct Runner<'r> {
    simulator: &'r mut Simulator,
    explainer: &'r Explainer,
    tables: &'r Tables,
    reasons: Reasons,
}

impl Runner<'_> {
    fn one(&mut self, case: &TestCase, coverage: &mut Coverage) -> TestResult {
        let recorder = Recorder::new(self.explainer, self.tables);
        let outcome = self.simulator.run(&case.request, Some(&recorder));
        coverage.note(&recorder.into_runs(), self.tables);
        let failures = match &outcome {
            Ok(outcome) => compare::compare(case, outcome),
            Err(error) => vec![Failure::new(case.span, "request", "one that can be sent", error.to_string())],
        };
        let wanted = self.reasons.all || !failures.is_empty();
        let reason = if wanted { self.reason(case) } else { None };
        TestResult { name: case.name.clone(), span: case.span, failures, reason }
    }

    /// Runs the request again, and records what conditions read.
    fn reason(&mut self, case: &TestCase) -> Option<Reason> {
        let recorder = Recorder::new(self.explainer, self.tables).with_reads();
        let outcome = self.simulator.run(&case.request, Some(&recorder)).ok()?;
        Some(reason::reason(case, &outcome, &recorder.into_runs(), self.tables, self.reasons))
    }
}
