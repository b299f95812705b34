//! Allow rules that allow nothing, and lists of allow rules that no request can satisfy.

use std::collections::BTreeMap;

use context_mesh_core::artifact::tables::Layer;

use super::Finding;
use super::covered::MAX_CANDIDATES;
use super::facts::{Facts, Knowledge, outranks, scope};
use super::formula::Ask;
use super::index::{Index, Reads, reads};
use super::matching::Odd;
use crate::check::model::Workloads;
use crate::read::document::Direction;
use crate::report::diagnostic::{Diagnostic, code};

/// Most pairs of rules of both layers that are compared.
const MAX_PAIRS: usize = 400;

/// Most workloads that a message names.
const MAX_NAMED: usize = 5;

/// The direction, and the allow rules of the enterprise and of the domain.
type Lists = (Direction, Vec<usize>, Vec<usize>);

pub(super) fn find<'k>(knowledge: &'k Knowledge<'_>, odd: &[Odd], findings: &mut Vec<Finding<'k>>) {
    if !knowledge.rules.iter().any(Facts::allows) {
        return;
    }
    let dead = dead(knowledge, odd, findings);
    for ((direction, enterprise, domain), here) in each_alike(knowledge) {
        let alive = |list: &[usize]| -> Vec<usize> {
            list.iter()
                .copied()
                .filter(|rule| dead.get(*rule) == Some(&false) && matches_at(knowledge, *rule, &here))
                .collect()
        };
        let mut broken = false;
        for list in [&enterprise, &domain] {
            if !list.is_empty() && alive(list).is_empty() {
                broken = true;
                findings.extend(nobody(knowledge, direction, list, &here));
            }
        }
        if !broken && !enterprise.is_empty() && !domain.is_empty() {
            let (enterprise, domain) = (alive(&enterprise), alive(&domain));
            findings.extend(exclusive(knowledge, direction, &enterprise, &domain, &here));
        }
    }
}

/// Returns for each rule whether it is an allow rule that allows nothing. Reports those that a deny rule overrides.
fn dead<'k>(knowledge: &'k Knowledge<'_>, odd: &[Odd], findings: &mut Vec<Finding<'k>>) -> Vec<bool> {
    let index = Index::new(knowledge);
    let mut dead = Vec::with_capacity(knowledge.rules.len());
    for (number, facts) in knowledge.rules.iter().enumerate() {
        if !facts.allows() || odd.get(number) == Some(&Odd::Never) {
            dead.push(facts.allows());
            continue;
        }
        let scope = facts.scope(knowledge.model);
        let candidates = index.candidates(knowledge, number, &facts.applies).into_iter();
        let denies = candidates
            .filter_map(|other| knowledge.rules.get(other))
            .filter(|by| by.policy.layer == facts.policy.layer || outranks(by.policy.layer, facts.policy.layer));
        let by = denies.take(MAX_CANDIDATES).find(|by| knowledge.is_impossible(&scope, &[&facts.applies, &by.spares]));
        dead.push(by.is_some());
        if let Some(by) = by {
            findings.push(pointless(knowledge, facts, by));
        }
    }
    dead
}

fn pointless<'k>(knowledge: &'k Knowledge<'_>, rule: &'k Facts<'_>, by: &'k Facts<'_>) -> Finding<'k> {
    let message = format!("`{}` lets nothing through: `{}` denies all of it", rule.rule.name, by.rule.name);
    let problem = Diagnostic::warning(code::POINTLESS_ALLOW, rule.span(), message);
    let problem = problem.label(by.span(), "this condition holds whenever the other one does");
    let help = "a deny takes precedence over every allow: remove the rule, or correct one of the conditions";
    Finding::with_example(problem.help(help), move || {
        let mut claims: Vec<(_, Ask)> = rule.condition().map(|node| (node, Ask::True)).into_iter().collect();
        claims.extend(by.condition().map(|node| (node, by.ask())));
        let example = knowledge.example(&rule.scope(knowledge.model), &[&rule.applies], &claims)?;
        Some(format!("both match, {example}"))
    })
}

/// Groups the workloads by their allow rules.
fn by_workloads(knowledge: &Knowledge<'_>) -> BTreeMap<Lists, Vec<usize>> {
    let services = knowledge.model.directory.services.len();
    let mut lists: Vec<[(Vec<usize>, Vec<usize>); 2]> = vec![Default::default(); services];
    for (number, facts) in knowledge.rules.iter().enumerate().filter(|(_, facts)| facts.allows()) {
        let mut add = |service: usize| {
            let direction = usize::from(facts.policy.direction == Direction::Outbound);
            let Some((enterprise, domain)) = lists.get_mut(service).and_then(|both| both.get_mut(direction)) else {
                return;
            };
            let list = if facts.policy.layer == Layer::Enterprise { enterprise } else { domain };
            list.push(number);
        };
        match &facts.policy.workloads {
            Workloads::All => (0..services).for_each(add),
            Workloads::These(these) => these.iter().for_each(|service| add(*service)),
        }
    }
    let mut groups: BTreeMap<Lists, Vec<usize>> = BTreeMap::new();
    for (service, both) in lists.into_iter().enumerate() {
        for ((enterprise, domain), direction) in both.into_iter().zip([Direction::Inbound, Direction::Outbound]) {
            if !enterprise.is_empty() || !domain.is_empty() {
                groups.entry((direction, enterprise, domain)).or_default().push(service);
            }
        }
    }
    groups
}

/// Like [`by_workloads`], but separates workloads where a rule asks at which one it runs.
fn each_alike(knowledge: &Knowledge<'_>) -> Vec<(Lists, Workloads)> {
    let mut all = Vec::new();
    for (lists, workloads) in by_workloads(knowledge) {
        if lists.1.iter().chain(&lists.2).any(|rule| asks_for_workload(knowledge, *rule)) {
            all.extend(workloads.into_iter().map(|workload| (lists.clone(), Workloads::These(vec![workload]))));
        } else {
            all.push((lists, Workloads::These(workloads)));
        }
    }
    all
}

fn asks_for_workload(knowledge: &Knowledge<'_>, rule: usize) -> bool {
    let mut asks = false;
    if let Some(facts) = knowledge.rules.get(rule) {
        facts.applies.literals(&mut |literal| {
            asks |= matches!(reads(knowledge, literal.term), Reads::Own | Reads::Destination);
        });
    }
    asks
}

/// Whether the rule may match at one of the workloads.
fn matches_at(knowledge: &Knowledge<'_>, rule: usize, workloads: &Workloads) -> bool {
    let Some(facts) = knowledge.rules.get(rule) else { return true };
    !asks_for_workload(knowledge, rule)
        || !knowledge.is_impossible(&scope(knowledge.model, facts.policy, workloads), &[&facts.applies])
}

fn named(knowledge: &Knowledge<'_>, workloads: &Workloads) -> String {
    let Workloads::These(services) = workloads else { return "every workload".to_owned() };
    let names = services.iter().filter_map(|service| knowledge.model.directory.services.get(*service));
    let mut words: Vec<String> = names.map(|service| format!("`{}`", service.name)).collect();
    let more = words.len().saturating_sub(MAX_NAMED);
    words.truncate(MAX_NAMED);
    if more > 0 { format!("{} and {more} more", words.join(", ")) } else { words.join(", ") }
}

const fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "reach",
        Direction::Outbound => "leave",
    }
}

fn nobody<'k>(
    knowledge: &'k Knowledge<'_>,
    direction: Direction,
    list: &[usize],
    workloads: &Workloads,
) -> Option<Finding<'k>> {
    let mut rules = list.iter().filter_map(|rule| knowledge.rules.get(*rule));
    let first = rules.next()?;
    let message = format!(
        "no request can {} {}: none of its allow rules lets one through",
        verb(direction),
        named(knowledge, workloads)
    );
    let problem = Diagnostic::error(code::NOBODY_ALLOWED, first.span(), message);
    let problem = rules.take(MAX_NAMED).fold(problem, |problem, rule| problem.label(rule.span(), "nor does this one"));
    let help = "correct one of the conditions; where an allow rule applies to a workload, one must match";
    Some(Finding::new(problem.help(help)))
}

/// Adds a finding if no rule of one list can match together with one of the other.
fn exclusive<'k>(
    knowledge: &'k Knowledge<'_>,
    direction: Direction,
    enterprise: &[usize],
    domain: &[usize],
    workloads: &Workloads,
) -> Option<Finding<'k>> {
    if enterprise.len().saturating_mul(domain.len()) > MAX_PAIRS {
        return None;
    }
    let facts = |rule: &usize| knowledge.rules.get(*rule);
    let first = domain.first().and_then(facts)?;
    let guard = enterprise.first().and_then(facts)?;
    let here = scope(knowledge.model, first.policy, workloads);
    let apart = enterprise.iter().filter_map(facts).all(|one| {
        domain.iter().filter_map(facts).all(|other| knowledge.is_impossible(&here, &[&one.applies, &other.applies]))
    });
    if !apart {
        return None;
    }
    let message = format!(
        "no request can {} {}: no allow rule of the domain can match together with one of the enterprise",
        verb(direction),
        named(knowledge, workloads)
    );
    let problem = Diagnostic::error(code::NOBODY_ALLOWED, first.span(), message);
    let problem = problem.label(guard.span(), "a request must match one of the enterprise's allow rules as well");
    Some(Finding::new(
        problem.help("each layer that has allow rules must allow a request: correct one of the conditions"),
    ))
}
