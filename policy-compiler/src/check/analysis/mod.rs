//! What can be said of rules without running them: whether one can ever match, whether one covers another, who may call whom.
//!
//! Everything rests on one question: can any request satisfy these formulas? (`solve`). A "no" is a proof over everything that a
//! request may be under the schemas and the mesh; whatever is not understood counts as possible. So a finding is never wrong, and not
//! every mistake is found. Two things are left aside: the budget of a decision (a condition that runs out of it is an error, whatever
//! it says), and the sizes that schemas allow.
//!
//! - [`check`] adds the findings to the diagnostics, each with an example where the machine confirms one;
//! - [`reachability`] says for pairs of services whether requests may pass;
//! - [`field_flow`] says for pairs of services which fields may go along.

mod allow_lists;
mod conflicts;
mod covered;
mod example;
mod facts;
mod flow;
mod formula;
mod habits;
mod index;
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
use crate::report::diagnostic::{Diagnostic, Diagnostics, MAX_SHOWN};

pub use flow::{FieldFlow, Taken, field_flow};
pub use reach::{Reach, Verdict, reachability};

use facts::{Knowledge, WORK_OF_A_CHECK};

/// A finding, and how to get an example for it: looking for one takes longer than to find what is wrong.
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

/// Adds what is found to the diagnostics. Rules that can set one field differently are looked for in any case, everything else only in
/// a tree without errors: what is broken would be missing.
pub fn check(model: &Model, programs: &Programs, diagnostics: &mut Diagnostics) {
    let knowledge = Knowledge::new(model, programs, WORK_OF_A_CHECK);
    let mut findings = conflicts::find(&knowledge);
    if !diagnostics.has_errors() {
        let odd = matching::find(&knowledge, &mut findings);
        covered::find(&knowledge, &odd, &mut findings);
        allow_lists::find(&knowledge, &odd, &mut findings);
        habits::find(&knowledge, &mut findings);
    }
    // More are not shown, so they need no example.
    findings.sort_by_key(|finding| finding.diagnostic.span.map(|span| (span.file, span.start)));
    for (index, Finding { diagnostic, example }) in findings.into_iter().enumerate() {
        let note = if index < MAX_SHOWN { example() } else { None };
        diagnostics.push(note.into_iter().fold(diagnostic, Diagnostic::note));
    }
}
