//! Runs the published CEL conformance suite, converted to JSON lines: one test a line.
//!
//! ```text
//! cargo run -p policy-compiler --example cel_conformance [-- FILE.jsonl...]
//! ```
//!
//! Without files, it runs those of the folder `suite`. //! Prints each failing test, one line a file, and last `N passed, M failed`. Every expression goes through the
//! policy compiler, the encoding of artifacts, their verification and the virtual machine. Ends with 0 only when
//! nothing failed, with 1 when something did, and with 2 when a file cannot be read.

mod case;
mod run;
mod value;

use std::collections::BTreeMap;
use std::process::ExitCode;

use case::Case;
use run::Outcome;

/// The files of the suite. One that is missing is an error.
const SUITE: [&str; 9] =
    ["basic", "comparisons", "fields", "integer_math", "lists", "logic", "macros", "parse", "string"];

/// What became of the tests of one file.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        files = SUITE
            .map(|name| format!("{}/examples/cel_conformance/suite/{name}.jsonl", env!("CARGO_MANIFEST_DIR")))
            .into();
    }
    let (mut passed, mut failed) = (0, 0);
    for file in &files {
        let cases = match case::read(file) {
            Ok(cases) => cases,
            Err(reason) => {
                eprintln!("{file}: {reason}");
                return ExitCode::from(2);
            }
        };
        let count = run_all(&cases);
        let name = cases.first().map_or(file.as_str(), |case| case.file.as_str());
        let skipped: Vec<String> =
            count.skipped.iter().map(|(reason, n)| format!(", {n} skipped ({reason})")).collect();
        println!("{name}: {} passed, {} failed{}", count.passed, count.failed, skipped.concat());
        passed += count.passed;
        failed += count.failed;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(cases: &[Case]) -> Count {
    let mut count = Count::default();
    for case in cases {
        match run::run(case) {
            Outcome::Passed => count.passed += 1,
            Outcome::Skipped(reason) => *count.skipped.entry(reason).or_default() += 1,
            Outcome::Failed(reason) => {
                println!("FAIL {}/{}/{}: {}\n     {reason}", case.file, case.section, case.name, case.expr);
                count.failed += 1;
            }
        }
    }
    count
}
