//! Compatibility of two versions of a schema.
//!
//! During a rollout, sidecars with the old and with the new version send contexts to each other. A change is *backward*
//! compatible if sidecars with the new version can use what those with the old one send, and *forward* compatible if
//! the reverse holds. Compatibility has three sides: the value is valid, applications get what they rely on, and the
//! field stays protected ([`Aspect`]).
//!
//! `docs/schemas.md` has the table of all changes; `tests/it/compatibility.rs` checks it line by line.

mod change;
mod check;
mod json;
mod matrix;
mod options;
mod pattern;
mod text;
mod version;

pub use change::{Aspect, Change, Comparison, Reason, Verdict, compare};
pub use check::{SchemaChange, check};
pub use json::{check_json, matrix_json};
pub use matrix::{Matrix, Tree, matrices};
pub use text::{check_text, matrix_text};
pub use version::{Advice, Level, advise};

use crate::{
    check::model::{self, SchemaVersion},
    read::document,
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::Sources,
    },
};

/// Returns the schemas of a tree, in all versions that it has.
///
/// # Errors
/// Everything that is wrong with the documents. Expressions are not compiled.
pub fn schemas(sources: &Sources) -> Result<Vec<SchemaVersion>, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let documents = document::read(sources, &mut diagnostics, &mut crate::report::progress::nobody);
    let model = model::check(documents, sources, &mut diagnostics);
    if diagnostics.has_errors() {
        diagnostics.sort();
        return Err(diagnostics);
    }
    Ok(model.schemas)
}

/// Warns of versions that are in one tree with the active version and are not compatible with it.
pub(crate) fn report_versions(schemas: &[SchemaVersion], diagnostics: &mut Diagnostics) {
    for other in schemas.iter().filter(|schema| !schema.active) {
        let active = schemas.iter().find(|active| active.active && check::same_schema(active, other));
        let Some(active) = active else { continue };
        // A schema without a version beside others is an error that has already been reported.
        let (Some(old), Some(new)) = (&other.version, &active.version) else { continue };
        let comparison = matrix::in_order(other, active);
        let reasons = comparison.backward().chain(comparison.forward()).count();
        if reasons == 0 {
            continue;
        }
        let message = format!("the versions {old} and {new} of `{}` do not understand each other", other.name);
        let problem = Diagnostic::warning(code::SCHEMA_VERSIONS, other.span, message);
        let word = if reasons == 1 { "reason" } else { "reasons" };
        diagnostics.push(problem.label(active.span, "the version that counts").help(format!(
            "`policyc schema matrix` says why ({reasons} {word}); remove {old} when no sidecar has it any more"
        )));
    }
}
