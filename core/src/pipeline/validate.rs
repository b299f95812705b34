//! Validates a context against the schema.

use super::plan::{Counter, Plan, Refusal};
use super::workload::Workload;
use crate::cause::{Cause, MeshCause};
use crate::context::{CALLER, Context};
use crate::schema::{self, FieldProblem};
use crate::tables::{OnInvalid, Reply};

/// Whether a context must have all required fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// The whole context of a request.
    Whole,
    /// A part of a context.
    Part,
}

/// Removes fields that violate the schema from the context. Returns whether there was a problem.
pub(super) fn validate(workload: &Workload, context: &mut Context, whole: Completeness, plan: &mut Plan<'_>) -> bool {
    let matches = |regex, text: &str| workload.program().code().regex_matches(regex, text);
    let mut problems = schema::validate(context, workload.fields(), workload.program().choices(), matches, &plan.fuel);
    if whole == Completeness::Part || is_empty(context) {
        problems.retain(|(_, problem)| *problem != FieldProblem::Missing);
    }
    for (field, problem) in &problems {
        context.remove(field);
        plan.problem(Counter::FieldInvalid, field.as_str(), problem.as_str());
    }
    !problems.is_empty()
}

/// Returns whether a context contains nothing but the caller.
fn is_empty(context: &Context) -> bool {
    context.iter().all(|(name, _)| name == CALLER) && context.carried().fields.is_empty()
}

/// Validates the whole context of a request, whose carriers may have been malformed. Returns the refusal if the mesh
/// refuses invalid contexts. A request without a context is never refused here; it is counted.
pub(super) fn refuse_invalid(
    workload: &Workload,
    context: &mut Context,
    broken: bool,
    plan: &mut Plan<'_>,
) -> Option<Refusal<'static>> {
    let invalid = validate(workload, context, Completeness::Whole, plan) || broken;
    if invalid && workload.mesh().on_invalid == OnInvalid::Deny {
        let message = "the context of the request is invalid".to_owned();
        let reply = Reply { status: 400, grpc_status: 3, message };
        return Some(Refusal { reply, cause: Cause::Mesh(MeshCause::OnInvalid) });
    }
    if is_empty(context) {
        plan.count(Counter::ContextMissing);
    }
    None
}
