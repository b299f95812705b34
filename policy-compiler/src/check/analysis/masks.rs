//! Masks without effect: another rule removes the field, or masks it more strictly.
//!
//! A redaction takes precedence over masks, and of masks the strictest counts, whatever their order is. So no request
//! reveals too much. But a mask that never counts is a mistake, and so are two masks of one layer between which nobody
//! chose. A rule for a classification is not reported for a field that a stricter rule names: that is an exception to it.

use std::collections::BTreeMap;

use super::Finding;
use super::conflicts::shared;
use super::covered::MAX_CANDIDATES;
use super::facts::{Facts, Knowledge, includes, scope};
use super::formula::Ask;
use super::matching::{Odd, without_errors};
use crate::check::model::Effect;
use crate::report::diagnostic::{Diagnostic, code};
use crate::report::source::Span;
use context_mesh_core::artifact::tables::MaskMethod;
use context_mesh_core::mask::stricter;

/// Most pairs of masks for which a request that matches both is searched.
const MAX_PAIRS: usize = 2_000;

/// An enforced rule that masks fields.
struct Mask<'k> {
    facts: &'k Facts<'k>,
    /// The fields. Those that were reported as covered are taken out.
    fields: Vec<usize>,
    method: MaskMethod,
}

impl Mask<'_> {
    /// Whether it names the field itself, not its kind.
    fn names(&self, field: usize) -> bool {
        self.place(field).is_some()
    }

    fn place(&self, field: usize) -> Option<Span> {
        self.facts.rule.named.iter().find(|(named, _)| *named == field).map(|(_, span)| *span)
    }

    /// Returns the place of the field's name, or of the rule for a kind of fields.
    fn span(&self, field: usize) -> Span {
        self.place(field).unwrap_or_else(|| self.facts.span())
    }
}

pub(super) fn find<'k>(knowledge: &'k Knowledge<'k>, odd: &[Odd], findings: &mut Vec<Finding<'k>>) {
    let masks = knowledge.rules.iter().zip(odd).filter_map(|(facts, odd)| match &facts.rule.effect {
        Effect::Mask(fields, method) if !facts.rule.shadow && !matches!(odd, Odd::Never | Odd::OnlyErrors) => {
            Some(Mask { facts, fields: fields.clone(), method: *method })
        }
        _ => None,
    });
    let mut masks: Vec<Mask<'k>> = masks.collect();
    for mask in &mut masks {
        let covered = find_covered(knowledge, mask, findings);
        mask.fields.retain(|field| !covered.contains(field));
    }
    let mut pairs = 0;
    for (number, one) in masks.iter().enumerate() {
        for other in masks.iter().take(number) {
            if pairs < MAX_PAIRS {
                findings.extend(find_pair(knowledge, other, one, &mut pairs));
            }
        }
    }
}

/// Reports fields of a mask that other rules take out whenever it matches, and returns them.
fn find_covered<'k>(knowledge: &'k Knowledge<'k>, mask: &Mask<'k>, findings: &mut Vec<Finding<'k>>) -> Vec<usize> {
    let covering = |field: usize| {
        let redactions = knowledge.rules.iter().filter(|by| {
            matches!(&by.rule.effect, Effect::Redact(fields) if fields.contains(&field))
                && !by.rule.shadow
                && by.policy.direction == mask.facts.policy.direction
                && includes(&by.policy.workloads, &mask.facts.policy.workloads)
        });
        let scope = mask.facts.scope(knowledge.model);
        redactions.take(MAX_CANDIDATES).find(|by| knowledge.is_impossible(&scope, &[&mask.facts.applies, &by.spares]))
    };
    let covered: Vec<(usize, &'k Facts<'k>)> =
        mask.fields.iter().filter_map(|field| Some((*field, covering(*field)?))).collect();
    let all = covered.len() == mask.fields.len();
    let reported: Vec<&(usize, &'k Facts<'k>)> =
        covered.iter().filter(|(field, _)| all || mask.names(*field)).collect();
    let mut by_rule: BTreeMap<&str, (&'k Facts<'k>, Vec<usize>)> = BTreeMap::new();
    for (field, by) in &reported {
        by_rule.entry(&by.rule.name).or_insert((by, Vec::new())).1.push(*field);
    }
    findings.extend(by_rule.into_values().map(|(by, fields)| covered_by(knowledge, mask, by, &fields)));
    reported.iter().map(|(field, _)| *field).collect()
}

fn covered_by<'k>(knowledge: &Knowledge<'_>, mask: &Mask<'_>, by: &Facts<'_>, fields: &[usize]) -> Finding<'k> {
    let names: Vec<String> = fields.iter().map(|field| format!("`{}`", name(knowledge, *field))).collect();
    let message = format!(
        "`{}` never masks {}: `{}` removes it from every request that this rule masks",
        mask.facts.rule.name,
        names.join(", "),
        by.rule.name
    );
    let place = fields.first().map_or_else(|| mask.facts.span(), |field| mask.span(*field));
    let problem = Diagnostic::warning(code::COVERED_MASK, place, message);
    let problem = problem.label(by.span(), "a redaction takes precedence over masks");
    let help = if fields.len() == mask.fields.len() {
        "remove the mask, or correct one of the conditions"
    } else {
        "leave the field out of the mask, or correct one of the conditions"
    };
    Finding::new(problem.help(help))
}

/// Reports two masks of one layer that show a field in different ways, if a request is found that matches both.
fn find_pair<'k>(
    knowledge: &'k Knowledge<'k>,
    one: &Mask<'k>,
    other: &Mask<'k>,
    pairs: &mut usize,
) -> Option<Finding<'k>> {
    let (policy, other_policy) = (one.facts.policy, other.facts.policy);
    if one.method == other.method || (policy.layer, policy.direction) != (other_policy.layer, other_policy.direction) {
        return None;
    }
    let (strict, weak) = if stricter(one.method, other.method) == one.method { (one, other) } else { (other, one) };
    let mut both = weak.fields.iter().copied().filter(|field| strict.fields.contains(field));
    // A stricter rule for a field is an exception to the rule for its kind.
    let field = both.find(|field| weak.names(*field) || !strict.names(*field))?;
    let workloads = shared(&policy.workloads, &other_policy.workloads)?;
    *pairs += 1;
    let claims = [strict, weak].into_iter().filter_map(|mask| Some((mask.facts.condition()?, Ask::True)));
    let claims: Vec<_> = claims.collect();
    let formulas = [without_errors(&strict.facts.applies), without_errors(&weak.facts.applies)];
    let scope = scope(knowledge.model, policy, &workloads);
    // Without a request that matches both, they may exclude each other in a way that is not understood.
    let example = match claims.as_slice() {
        [] => None,
        claims => Some(knowledge.example(&scope, &[&formulas[0], &formulas[1]], claims)?.to_string()),
    };
    let names = (&weak.facts.rule.name, &strict.facts.rule.name);
    let message = format!(
        "`{}` and `{}` can mask `{}` of one request in different ways; the strictest counts",
        names.0,
        names.1,
        name(knowledge, field)
    );
    let problem = Diagnostic::warning(code::DIFFERENT_MASKS, weak.span(field), message)
        .label(strict.span(field), "this mask counts")
        .help("let the conditions exclude each other, or write one mask for the field");
    Some(Finding::with_example(problem, move || example.map(|example| format!("both match, {example}"))))
}

fn name<'k>(knowledge: &'k Knowledge<'_>, field: usize) -> &'k str {
    knowledge.model.fields.get(field).map_or("", |field| &field.table.name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Tree, policy};

    /// Returns the codes of the findings about masks, with their rules.
    fn found(policies: &str) -> Vec<String> {
        let (diagnostics, _) = Tree::new(policies).findings();
        let about = diagnostics.iter().filter(|found| ["CM0612", "CM0613"].contains(&found.code));
        about
            .map(|found| {
                format!("{} {}", found.code, found.message.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
            })
            .collect()
    }

    #[test]
    fn masks_that_do_not_count_are_found() {
        let gold = "when: \"context.tier == 'gold'\"";
        let silver = "when: \"context.tier == 'silver'\"";
        let hash = "mask: {fields: [name], with: hash}";
        let last = "mask: {fields: [name], keepLast: 2}";
        let both = "mask: {fields: [name, flags], keepLast: 2}";
        let cases: &[(&[&str], &[&str])] = &[
            (&[&format!("a, {hash}"), &format!("b, {last}")], &["CM0612 `shop/p/b` and `shop/p/a`"]),
            (&[&format!("a, {hash}"), &format!("b, {gold}, {last}")], &["CM0612 `shop/p/b` and `shop/p/a`"]),
            (&[&format!("a, {gold}, {hash}"), &format!("b, {last}")], &["CM0612 `shop/p/b` and `shop/p/a`"]),
            // The same way, or never together.
            (&[&format!("a, {last}"), &format!("b, {gold}, {last}")], &[]),
            (&[&format!("a, {gold}, {hash}"), &format!("b, {silver}, {last}")], &[]),
            (&[&format!("a, {hash}"), "b, mask: {fields: [flags], keepLast: 2}"], &[]),
            (&[&format!("a, {hash}"), &format!("b, enforcement: shadow, {last}")], &[]),
            // Nobody knows whether both match.
            (
                &[
                    &format!("a, when: \"context.flags.exists(f, f == 'x' + context.name)\", {hash}"),
                    &format!("b, {last}"),
                ],
                &[],
            ),
            // A redaction of every request that is masked.
            (&["a, redact: [name]", &format!("b, {hash}")], &["CM0613 `shop/p/b` never masks"]),
            (&["a, redact: [name]", &format!("b, {gold}, {hash}")], &["CM0613 `shop/p/b` never masks"]),
            (
                &[&format!("a, {gold}, redact: [name]"), &format!("b, {gold}, {hash}")],
                &["CM0613 `shop/p/b` never masks"],
            ),
            (&[&format!("a, {gold}, redact: [name]"), &format!("b, {hash}")], &[]),
            (&[&format!("a, {gold}, redact: [name]"), &format!("b, {silver}, {hash}")], &[]),
            (&["a, enforcement: shadow, redact: [name]", &format!("b, {hash}")], &[]),
            (&["a, redact: [name]", &format!("b, {both}")], &["CM0613 `shop/p/b` never masks"]),
            // One finding: that one of them never counts says more.
            (
                &["a, redact: [name]", &format!("b, {hash}"), &format!("c, {last}")],
                &["CM0613 `shop/p/b` never masks", "CM0613 `shop/p/c` never masks"],
            ),
        ];
        for (rules, expected) in cases {
            let rules: Vec<String> = rules.iter().map(|rule| format!("{{name: {rule}}}")).collect();
            assert_eq!(found(&policy("p", Some("shop"), "[front]", &rules)), *expected, "{rules:?}");
        }
    }

    #[test]
    fn layers_directions_workloads_and_kinds_count() {
        let rule = |text: &str| vec![format!("{{name: r, {text}}}")];
        let hash = rule("mask: {fields: [name], with: hash}");
        let last = rule("mask: {fields: [name], keepLast: 2}");
        let redact = rule("redact: [name]");
        let of = |name: &str, domain, workloads: &str, rules: &[String]| policy(name, domain, workloads, rules);
        let shop = Some("shop");
        let cases = [
            (of("p", shop, "[front]", &hash) + &of("q", shop, "[front, cart]", &last), 1),
            (of("p", shop, "[front]", &hash) + &of("q", shop, "[cart]", &last), 0),
            // The layers do not know each other, and the strictest is what the mesh promises.
            (of("p", None, "['*']", &hash) + &of("q", shop, "[cart]", &last), 0),
            (of("p", None, "['*']", &redact) + &of("q", shop, "[cart]", &last), 1),
            (of("p", shop, "[cart]", &redact) + &of("q", None, "['*']", &last), 0),
            (of("p", None, "['*']", &redact) + &of("q", shop, "[cart]\n  direction: outbound", &last), 0),
        ];
        for (policies, expected) in cases {
            assert_eq!(found(&policies).len(), expected, "{policies}");
        }
    }
}
