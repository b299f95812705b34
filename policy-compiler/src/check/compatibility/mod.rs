//! Whether two versions of a schema understand each other: values in, values out.
//!
//! During a rollout sidecars with the old and with the new version send contexts to each other. A change is *backward*
//! compatible when what sidecars with the old version send is good for those with the new one, and *forward* compatible
//! when it is so the other way round. "Good" has three sides: the value is valid, applications get what they rely on, and
//! what protected the field goes on to protect it ([`Aspect`]).
//!
//! `docs/schemas.md` has the table of all changes; `tests/compatibility.rs` checks it line by line.

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

/// The schemas of a tree, in all versions that it has.
///
/// # Errors
/// Everything that is wrong with the documents. Expressions are not looked at.
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

/// Warns of versions that stand in one tree with the version that counts, and do not understand it.
pub(crate) fn report_versions(schemas: &[SchemaVersion], diagnostics: &mut Diagnostics) {
    for other in schemas.iter().filter(|schema| !schema.active) {
        let active = schemas.iter().find(|active| active.active && check::same_schema(active, other));
        let Some(active) = active else { continue };
        // One without a version beside others is an error, which has been reported.
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
            "`policyc schema matrix` says why ({reasons} {word}); take {old} out when no sidecar has it any more"
        )));
    }
}
