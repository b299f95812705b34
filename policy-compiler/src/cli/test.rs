//! `policyc test`

use std::path::PathBuf;

use policy_compiler::{
    report::{diagnostic::Diagnostics, source::Sources, style::Paint},
    run::testing::{self, Reasons, TestReport, json, junit, text},
};
use serde_json::Value;

use super::{
    files,
    output::{Exit, Failure, Outcome, Report},
    session::Session,
    watch,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc test policies
  policyc test policies payments 'refunds need'
  policyc test policies payments --explain
  policyc test policies --coverage --min-coverage 90
  policyc test policies --junit results.xml
  policyc test policies --format github

Ends with 1 when a test fails or the coverage is below --min-coverage.")]
pub(super) struct Arguments {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Runs only tests whose `document/test/case` contains one of these texts.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Lists every test, not only those that fail.
    #[arg(short, long)]
    verbose: bool,
    /// Shows the reason for each decision: the rules, and the values of their conditions.
    #[arg(long)]
    explain: bool,
    /// Runs the tests again after each change of the files, until it is interrupted (Ctrl-C).
    #[arg(long)]
    watch: bool,
    /// Lists the rules that no test triggers, and the parts of conditions that no test makes true or false.
    #[arg(long)]
    coverage: bool,
    /// The least percentage of rules, and of branches, that the tests must reach.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Also writes the results as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

struct Tested {
    sources: Sources,
    report: TestReport,
    verbose: bool,
    coverage: bool,
    minimum: usize,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    if arguments.watch {
        if !session.prints_text() {
            return Err(Failure::Usage("`--watch` prints text: leave out `--format`".to_owned()));
        }
        // The first run says what is wrong with a folder that does not exist.
        if arguments.folder.is_dir() {
            watch::forever(&arguments.folder, || _ = session.finish(once(arguments, session)));
        }
    }
    once(arguments, session)
}

fn once(arguments: &Arguments, session: &Session) -> Outcome {
    let tree = session.compile_tree(&arguments.folder)?;
    if tree.model.tests.is_empty() {
        let message = format!("`{}` has no tests: add a document with `kind: PolicyTest`", arguments.folder.display());
        return Err(Failure::Usage(message));
    }
    let reasons = Reasons { all: arguments.explain, paint: session.paint() };
    let report =
        testing::run_explained(&tree.compiled, &tree.model, &arguments.filters, reasons).map_err(Failure::artifact)?;
    if report.results.is_empty() {
        let filters = arguments.filters.join("`, `");
        return Err(Failure::Usage(format!("no test has a name with `{filters}` in it")));
    }
    if let Some(path) = &arguments.junit {
        files::replace(path, junit::render(&report, &tree.sources).as_bytes())?;
    }
    Ok(Box::new(Tested {
        sources: tree.sources,
        report,
        verbose: arguments.verbose,
        coverage: arguments.coverage,
        minimum: usize::from(arguments.min_coverage.unwrap_or(0)),
    }))
}

impl Tested {
    fn is_covered(&self) -> bool {
        self.report.coverage.percent() >= self.minimum
    }
}

impl Report for Tested {
    fn text(&self, paint: Paint) -> String {
        let options = text::Options { paint, verbose: self.verbose, coverage: self.coverage };
        let mut out = text::render(&self.report, &self.sources, options);
        if !self.is_covered() {
            let message = format!("the coverage is below {} %", self.minimum);
            out.push_str(&format!("{}\n", paint.bad(&message)));
        }
        out
    }

    fn json(&self) -> Value {
        json::document(&self.report, &self.sources)
    }

    fn findings(&self) -> Option<(Diagnostics, &Sources)> {
        Some((testing::findings(&self.report), &self.sources))
    }

    fn exit(&self) -> Exit {
        if self.report.passed() && self.is_covered() { Exit::Well } else { Exit::Wrong }
    }
}
