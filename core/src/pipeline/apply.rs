//! Applies a decision to the context: values are set, then redacted fields are removed, then the others are masked.
//!
//! A field that is removed is not masked, whatever the order and the layers of the rules are. So each field is reported
//! once, with the one rule whose effect it shows.

use std::collections::BTreeMap;

use super::fit;
use super::plan::{Counter, Plan, Refusal};
use super::report::Problem;
use super::validate::{Completeness, validate};
use super::workload::Workload;
use crate::cause::Cause;
use crate::context::json::{self, JsonKind};
use crate::context::{CALLER, Context};
use crate::decide::Decision;
use crate::mask::{mask, stricter};
use crate::names::Names;
use crate::tables::MaskMethod;
use crate::vm::Destination;

/// Applies a decision. `seen_by` is the place that will see the context. Returns the refusal if the decision is one;
/// the context must then not be used.
pub(super) fn apply<'w>(
    workload: &'w Workload,
    decision: Decision<'w>,
    seen_by: Destination<'_>,
    context: &mut Context,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    note(&decision, plan);
    if let Some(denial) = decision.denial {
        return Some(Refusal { reply: denial.reply, cause: denial.cause });
    }
    let (mut set, mut dropped) = (Context::new(), Names::default());
    for (field, value) in &decision.set {
        if plan.fuel.text(value.len()).is_err() {
            return None;
        }
        if fit::put(&mut set, field, value, workload.fields(), &mut dropped).is_err() {
            return Some(Refusal::unfit());
        }
    }
    // A value from a rule must conform to the schema too.
    validate(workload, &mut set, Completeness::Part, plan);
    for (field, _) in decision.set {
        let Some(value) = set.get(field) else { continue };
        if fit::put(context, field, value, workload.fields(), &mut dropped).is_err() {
            return Some(Refusal::unfit());
        }
        if context.contains(field) && !plan.report.set.contains(&field) {
            plan.report.set.push(field);
        }
    }
    plan.dropped(&dropped);
    // After the values, so that no rule sets a redacted field again. Of several rules, the first removes it.
    for (field, rule) in decision.redact {
        if field != CALLER && context.remove(field) {
            plan.report.redacted.push(field);
            plan.report.by.push((field, rule));
        }
    }
    mask_fields(workload, &decision.mask, seen_by.domain, context, plan);
    None
}

/// Masks fields. A value that cannot be masked, or whose mask violates the schema, is removed because it must not be
/// seen.
fn mask_fields<'w>(
    workload: &'w Workload,
    masks: &[(&'w str, MaskMethod, &'w str)],
    domain: &str,
    context: &mut Context,
    plan: &mut Plan<'w>,
) {
    // The strictest method of each field, independent of the order of the rules; of equal methods, that of the first rule.
    let mut strictest: BTreeMap<&'w str, (MaskMethod, &'w str)> = BTreeMap::new();
    for (field, method, rule) in masks.iter().filter(|(field, ..)| *field != CALLER) {
        let known = strictest.entry(field).or_insert((*method, rule));
        if stricter(known.0, *method) != known.0 {
            *known = (*method, rule);
        }
    }
    let key = workload.pseudonyms().and_then(|pseudonyms| pseudonyms.key(domain));
    for (field, (method, rule)) in strictest {
        if context.is_unread(field) {
            unmasked(field, rule, context, plan);
        }
        let Some(value) = context.get(field) else { continue };
        let fuel = &plan.fuel;
        let masked = masked_json(value, |text| {
            match method {
                MaskMethod::KeepLast(_) => fuel.text(text.len()).and_then(|()| fuel.items(1)),
                MaskMethod::Hash => fuel.hash(text.len()),
                // The outer hash reads the inner one.
                MaskMethod::Pseudonym => fuel.hash(text.len()).and_then(|()| fuel.hash(0)),
            }
            .ok()?;
            mask(text, method, key.as_ref())
        });
        let mut alone = Context::new();
        let fits = masked.is_some_and(|masked| alone.insert(field, &masked).is_ok())
            && !validate(workload, &mut alone, Completeness::Part, plan);
        let kept = fits && alone.get(field).is_some_and(|masked| context.insert_checked(field, masked).is_ok());
        if kept {
            plan.report.masked.push(field);
            plan.report.by.push((field, rule));
        } else {
            unmasked(field, rule, context, plan);
        }
    }
}

/// Removes a field that cannot be masked.
fn unmasked<'w>(field: &'w str, rule: &'w str, context: &mut Context, plan: &mut Plan<'w>) {
    context.remove(field);
    plan.problem(Counter::MaskFailed, field, "cannot-be-masked");
    plan.report.redacted.push(field);
    plan.report.by.push((field, rule));
}

/// Returns the JSON text of a string, or of a list of strings, with every string masked. Returns `None` for any other
/// value, or if a string cannot be masked.
fn masked_json(value: &str, mask: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    if let Some(text) = json::string_content(value) {
        json::write_string(&mut out, &mask(&text)?);
        return Some(out);
    }
    if json::kind(value) != JsonKind::Array {
        return None;
    }
    out.push('[');
    for (place, element) in json::elements(value).enumerate() {
        if place > 0 {
            out.push(',');
        }
        json::write_string(&mut out, &mask(&json::string_content(element)?)?);
    }
    out.push(']');
    Some(out)
}

fn note<'w>(decision: &Decision<'w>, plan: &mut Plan<'w>) {
    if decision.unwatched {
        plan.count(Counter::WatchingSkipped);
    }
    plan.report.rules.extend(&decision.applied);
    plan.report.audited.extend(&decision.audited);
    for rule in &decision.shadow {
        let refuses = matches!(Cause::of(rule), Cause::NotAllowed(_));
        plan.count(if refuses { Counter::ShadowRefused } else { Counter::ShadowMatched });
        plan.report.shadow.push(rule);
    }
    for (rule, error) in &decision.errors {
        plan.count(Counter::PolicyError);
        plan.report.errors.push(Problem::new(*rule, error.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn strings_and_lists_of_strings_are_masked_and_nothing_else() {
        for (value, expected) in [
            ("\"ab\"", Some("\"<ab>\"")),
            ("[\"ab\", \"c\"]", Some("[\"<ab>\",\"<c>\"]")),
            ("[]", Some("[]")),
            ("[\"ab\",1]", None),
            ("{\"a\":\"b\"}", None),
            ("1", None),
            ("null", None),
        ] {
            assert_eq!(masked_json(value, |text| Some(format!("<{text}>"))).as_deref(), expected, "{value}");
        }
        assert_eq!(masked_json("[\"ab\"]", |_| None), None);
    }
}
