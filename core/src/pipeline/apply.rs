//! Carries a decision out on the context: values are set, then redacted fields go.

use super::plan::{Counter, Plan, Refusal};
use super::report::Problem;
use super::validate::{Completeness, validate};
use super::workload::Workload;
use crate::context::{CALLER, Context};
use crate::decide::Decision;

/// Carries a decision out. Gives the refusal, if it is one; the context is then of no more use.
pub(super) fn apply(
    workload: &Workload,
    decision: Decision<'_>,
    context: &mut Context,
    plan: &mut Plan,
) -> Option<Refusal> {
    note(&decision, plan);
    if let Some(denial) = decision.denial {
        return Some(Refusal { reply: denial.reply, cause: denial.rule.to_owned() });
    }
    let mut set = Context::new();
    for (field, value) in &decision.set {
        if set.insert_checked(field, value).is_err() {
            plan.report.problems.push(Problem::new(*field, "too-large"));
            plan.count(Counter::FieldInvalid);
        }
    }
    // A value that a rule made must fit the schema too.
    validate(workload, &mut set, Completeness::Part, plan);
    for (field, value) in set.iter() {
        match context.insert_checked(field, value) {
            Ok(()) => plan.report.set.push(field.to_owned()),
            Err(_) => plan.report.problems.push(Problem::new(field, "too-large")),
        }
    }
    // After the values: nothing puts a redacted field back.
    for field in decision.redact {
        if field != CALLER && context.remove(field) {
            plan.report.redacted.push(field.to_owned());
        }
    }
    None
}

fn note(decision: &Decision<'_>, plan: &mut Plan) {
    plan.report.rules.extend(decision.applied.iter().map(|rule| (*rule).to_owned()));
    for rule in &decision.shadow {
        plan.count(Counter::ShadowMatched);
        plan.report.shadow.push((*rule).to_owned());
    }
    for (rule, error) in &decision.errors {
        plan.count(Counter::PolicyError);
        plan.report.errors.push(Problem::new(*rule, error.as_str()));
    }
}
