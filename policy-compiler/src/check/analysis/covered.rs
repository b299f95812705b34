//! Deny rules that another deny rule covers.

use super::Finding;
use super::facts::{Facts, Knowledge, outranks};
use super::formula::Ask;
use super::index::Index;
use super::matching::Odd;
use crate::check::model::Effect;
use crate::report::diagnostic::{Diagnostic, code};

/// Most rules that one rule is compared with.
pub(super) const MAX_CANDIDATES: usize = 64;

pub(super) fn find<'k>(knowledge: &'k Knowledge<'_>, odd: &[Odd], findings: &mut Vec<Finding<'k>>) {
    let index = Index::new(knowledge);
    // A covered rule does not count as covering others, so that of two equal rules the first remains.
    let mut covered = vec![false; knowledge.rules.len()];
    for (number, facts) in knowledge.rules.iter().enumerate().rev() {
        let matches = odd.get(number).is_some_and(|odd| matches!(odd, Odd::No | Odd::Always));
        if !facts.denies() || !matches {
            continue;
        }
        let candidates = index.candidates(knowledge, number, &facts.applies);
        let others = candidates.into_iter().filter(|other| {
            *other != number
                && covered.get(*other) == Some(&false)
                && odd.get(*other).is_some_and(|odd| !matches!(odd, Odd::Never))
        });
        let scope = facts.scope(knowledge.model);
        let covering = others.take(MAX_CANDIDATES).filter_map(|other| Some((other, knowledge.rules.get(other)?))).find(
            |(other, by)| {
                changes_nothing(facts, number, by, *other)
                    && knowledge.is_impossible(&scope, &[&facts.applies, &by.spares])
            },
        );
        if let Some((_, by)) = covering {
            if let Some(slot) = covered.get_mut(number) {
                *slot = true;
            }
            findings.push(finding(knowledge, facts, by));
        }
    }
}

/// Whether a request that both deny gets the same response without the first rule. Of two rules of one layer, the first
/// by name responds.
fn changes_nothing(rule: &Facts<'_>, number: usize, by: &Facts<'_>, other: usize) -> bool {
    if by.policy.layer != rule.policy.layer {
        return outranks(by.policy.layer, rule.policy.layer);
    }
    let reply = |facts: &Facts<'_>| match &facts.rule.effect {
        Effect::Deny(reply) => Some(reply.clone()),
        _ => None,
    };
    other < number || reply(rule) == reply(by)
}

fn finding<'k>(knowledge: &'k Knowledge<'_>, rule: &'k Facts<'_>, by: &'k Facts<'_>) -> Finding<'k> {
    let message = format!("`{}` denies nothing that `{}` does not deny already", rule.rule.name, by.rule.name);
    let problem = Diagnostic::warning(code::COVERED_DENY, rule.span(), message);
    let problem = problem.label(by.span(), "this condition holds whenever the other one does");
    let help = if outranks(by.policy.layer, rule.policy.layer) {
        "the enterprise's rule takes precedence: remove this one"
    } else {
        "take one of them out, or correct this condition"
    };
    Finding::with_example(problem.help(help), move || {
        let mut claims: Vec<(_, Ask)> = rule.condition().map(|node| (node, rule.ask())).into_iter().collect();
        claims.extend(by.condition().map(|node| (node, by.ask())));
        let example = knowledge.example(&rule.scope(knowledge.model), &[&rule.applies], &claims)?;
        Some(format!("both deny it, {example}"))
    })
}
