//! Carries a decision out on the context: values are set, then redacted fields go.

use super::plan::{Counter, Plan, Refusal};
use super::report::Problem;
use super::validate::{Completeness, validate};
use super::workload::Workload;
use crate::context::{CALLER, Context};
use crate::decide::Decision;

/// Carries a decision out. Gives the refusal, if it is one; the context is then of no more use.
pub(super) fn apply<'w>(
    workload: &'w Workload,
    decision: Decision<'w>,
    context: &mut Context,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    note(&decision, plan);
    if let Some(denial) = decision.denial {
        return Some(Refusal { reply: denial.reply, cause: denial.rule });
    }
    let mut set = Context::new();
    for (field, value) in &decision.set {
        if set.insert_checked(field, value).is_err() {
            too_large(field, plan);
        }
    }
    // A value that a rule made must fit the schema too.
    validate(workload, &mut set, Completeness::Part, plan);
    for (field, _) in decision.set {
        let Some(value) = set.get(field) else { continue };
        match context.insert_checked(field, value) {
            Ok(()) if plan.report.set.contains(&field) => {}
            Ok(()) => plan.report.set.push(field),
            Err(_) => too_large(field, plan),
        }
    }
    // After the values: nothing puts a redacted field back.
    for field in decision.redact {
        if field != CALLER && context.remove(field) {
            plan.report.redacted.push(field);
        }
    }
    None
}

fn too_large(field: &str, plan: &mut Plan<'_>) {
    plan.count(Counter::FieldInvalid);
    plan.report.problems.push(Problem::new(field, "too-large"));
}

fn note<'w>(decision: &Decision<'w>, plan: &mut Plan<'w>) {
    plan.report.rules.extend(&decision.applied);
    for rule in &decision.shadow {
        plan.count(Counter::ShadowMatched);
        plan.report.shadow.push(rule);
    }
    for (rule, error) in &decision.errors {
        plan.count(Counter::PolicyError);
        plan.report.errors.push(Problem::new(*rule, error.as_str()));
    }
}
