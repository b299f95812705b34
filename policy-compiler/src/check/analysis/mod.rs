//! Static analysis of rules: whether one can ever match, whether one covers another, who may call whom.
//!
//! Everything rests on one question: can any request satisfy these formulas (`solve`)? A "no" is a proof over all
//! requests that the schemas and the mesh permit. Whatever is not understood counts as possible. A finding is therefore
//! never wrong, but not every mistake is found. Two things are ignored: the budget of a decision (a condition that
//! exceeds it is an error, whatever it says), and the sizes that schemas allow.
//!
//! - [`check`] adds the findings to the diagnostics, each with an example if the virtual machine confirms one;
//! - [`reachability`] returns for pairs of services whether requests may pass;
//! - [`field_flow`] returns for pairs of services which fields may travel along.

mod allow_lists;
mod conflicts;
mod covered;
mod example;
mod facts;
mod flow;
mod formula;
mod habits;
mod index;
mod masks;
mod matching;
mod number;
mod patterns;
mod places;
mod reach;
mod show;
mod solve;
mod terms;
mod test;
mod text;
mod values;

use std::collections::BTreeSet;

#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod testing;

use crate::check::model::Model;
use crate::check::programs::Programs;
use crate::report::diagnostic::{Diagnostic, Diagnostics, MAX_SHOWN, code};
use crate::report::source::Span;

pub use flow::{FieldFlow, Taken, field_flow};
pub use reach::{Reach, Verdict, reachability};

pub(crate) use facts::{ask, condition_span};
pub(crate) use formula::Ask;

use facts::{Knowledge, WORK_OF_A_CHECK};

/// A finding with a function that searches for an example. The search takes longer than the analysis.
struct Finding<'k> {
    diagnostic: Diagnostic,
    example: Box<dyn FnOnce() -> Option<String> + 'k>,
}

impl<'k> Finding<'k> {
    fn new(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, example: Box::new(|| None) }
    }

    fn with_example(diagnostic: Diagnostic, example: impl FnOnce() -> Option<String> + 'k) -> Self {
        Self { diagnostic, example: Box::new(example) }
    }
}

/// Removes "never matches" and "always matches" where the cause is reported: an attribute that says nothing there.
fn leave_causes(findings: &mut Vec<Finding<'_>>) {
    let is = |finding: &Finding<'_>, codes: &[&str]| codes.contains(&finding.diagnostic.code);
    let causes: BTreeSet<_> = findings
        .iter()
        .filter(|finding| is(finding, &[code::MISPLACED_ATTRIBUTE]))
        .filter_map(|finding| finding.diagnostic.span)
        .collect();
    let effects = [code::NEVER_MATCHES, code::ALWAYS_MATCHES];
    // Conditions do not overlap, so only the last one that begins in front of the end can hold a place.
    let has_cause = |span: Span| {
        let before = causes.range(..Span { start: span.end, end: span.end, ..span }).next_back();
        before.is_some_and(|cause| cause.file == span.file && cause.end > span.start)
    };
    findings.retain(|finding| !is(finding, &effects) || !finding.diagnostic.span.is_some_and(has_cause));
}

/// Adds the findings to the diagnostics. Rules that can set one field to different values are always searched for.
/// Everything else is searched for only in a tree without errors, because broken parts would be missing.
pub fn check(model: &Model, programs: &Programs, diagnostics: &mut Diagnostics) {
    let knowledge = Knowledge::new(model, programs, WORK_OF_A_CHECK);
    let mut findings = conflicts::find(&knowledge);
    if !diagnostics.has_errors() {
        let odd = matching::find(&knowledge, &mut findings);
        covered::find(&knowledge, &odd, &mut findings);
        allow_lists::find(&knowledge, &odd, &mut findings);
        habits::find(&knowledge, &mut findings);
        masks::find(&knowledge, &odd, &mut findings);
        leave_causes(&mut findings);
    }
    // Findings beyond this number are not shown, so they need no example.
    findings.sort_by_key(|finding| finding.diagnostic.span.map(|span| (span.file, span.start)));
    for (index, Finding { diagnostic, example }) in findings.into_iter().enumerate() {
        let note = if index < MAX_SHOWN { example() } else { None };
        diagnostics.push(note.into_iter().fold(diagnostic, Diagnostic::note));
    }
}
