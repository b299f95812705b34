//! Rules that never match, and rules that always match.

use super::Finding;
use super::facts::{Facts, Knowledge, condition_span};
use super::formula::{Ask, Formula, Formulas, Literal};
use super::places::Scope;
use super::show;
use super::solve::Solver;
use super::terms::{Part, Place, Terms};
use crate::check::model::Workloads;
use crate::check::programs::When;
use crate::read::document::{Direction, Expression};
use crate::report::diagnostic::{Diagnostic, code};

/// Most parts of a condition that are compared pairwise.
const MAX_PARTS: usize = 24;

/// Most values that a note lists.
const MAX_LISTED: usize = 8;

/// The result of analysing a rule by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// It applies to no request.
    Never,
    /// It applies to every request, although it has a condition.
    Always,
    /// Its condition is never true; the rule applies only where it fails.
    OnlyErrors,
    /// None of these.
    No,
}

/// Analyses every rule by itself. Returns the result for each.
pub(super) fn find<'k>(knowledge: &'k Knowledge<'_>, findings: &mut Vec<Finding<'k>>) -> Vec<Odd> {
    let mut odd = Vec::with_capacity(knowledge.rules.len());
    for facts in &knowledge.rules {
        let kind = of_rule(knowledge, facts);
        match (kind, &facts.rule.when) {
            (Odd::No, _) | (_, None) => {}
            (Odd::Always, Some(when)) => {
                let message = format!("`{}` always matches: its condition holds for every request", facts.rule.name);
                let problem = Diagnostic::warning(code::ALWAYS_MATCHES, condition_span(when), message);
                findings.push(Finding::new(problem.help("leave `when` out, so that everybody sees it, or correct it")));
            }
            (Odd::Never, Some(when)) => {
                let message = format!("`{}` can never match", facts.rule.name);
                let problem = explained(knowledge, facts, when, facts.ask(), message);
                findings.push(Finding::new(problem.help("remove the rule, or correct its condition")));
            }
            (Odd::OnlyErrors, Some(when)) => {
                let message = format!("the condition of `{}` is never true", facts.rule.name);
                let problem = explained(knowledge, facts, when, Ask::True, message);
                let problem = problem.note("the rule applies only where the condition ends with an error");
                let problem = problem.help("correct the condition; if only errors are meant, say so with `!has(...)`");
                findings.push(Finding::with_example(problem, move || {
                    let scope = facts.scope(knowledge.model);
                    let claims = [(facts.condition()?, Ask::NotFalse)];
                    knowledge.example(&scope, &[&facts.applies], &claims).map(|example| example.to_string())
                }));
            }
        }
        odd.push(kind);
    }
    odd
}

fn of_rule(knowledge: &Knowledge<'_>, facts: &Facts<'_>) -> Odd {
    if facts.condition().is_none() {
        return Odd::No;
    }
    if matches!(&facts.policy.workloads, Workloads::These(services) if services.is_empty()) {
        return Odd::No;
    }
    let scope = facts.scope(knowledge.model);
    if knowledge.is_impossible(&scope, &[&facts.applies]) {
        return Odd::Never;
    }
    if knowledge.is_impossible(&scope, &[&facts.spares]) {
        return Odd::Always;
    }
    let only_errors =
        facts.ask() == Ask::NotFalse && knowledge.is_impossible(&scope, &[&without_errors(&facts.applies)]);
    if only_errors { Odd::OnlyErrors } else { Odd::No }
}

/// Returns the formula with every literal asked for true or false. It holds for at least the requests for which the
/// condition is true.
pub(super) fn without_errors(formula: &Formula) -> Formula {
    let each = |parts: &[Formula]| parts.iter().map(without_errors).collect();
    match formula {
        Formula::Known(value) => Formula::Known(*value),
        Formula::All(parts) => Formula::All(each(parts)),
        Formula::Any(parts) => Formula::Any(each(parts)),
        Formula::Literal(literal) => {
            let ask = match literal.ask {
                Ask::NotFalse => Ask::True,
                Ask::NotTrue => Ask::False,
                other => other,
            };
            Formula::Literal(Literal { ask, ..literal.clone() })
        }
    }
}

/// Returns the finding with its contradiction: one part of the condition by itself, or two parts.
fn explained(knowledge: &Knowledge<'_>, facts: &Facts<'_>, when: &Expression, ask: Ask, message: String) -> Diagnostic {
    let at = |span| Diagnostic::warning(code::NEVER_MATCHES, span, message.clone());
    let When::Condition { root, parts } = facts.when else { return at(condition_span(when)) };
    let mut terms = Terms::new(&knowledge.model.fields, &knowledge.patterns);
    let mut formulas = Formulas::new(&mut terms, knowledge.variables, &knowledge.patterns);
    let conjuncts: Vec<Formula> = root.conjuncts().iter().map(|part| formulas.formula(part, ask)).collect();
    let place = |index: usize| {
        parts.get(index).map_or_else(|| condition_span(when), |(start, end)| when.map.span(*start, *end))
    };
    let solver = Solver { terms: &terms, ..knowledge.solver() };
    let scope = facts.scope(knowledge.model);
    if let Some(alone) = conjuncts.iter().position(|part| solver.is_impossible(&scope, &[part])) {
        let problem = at(place(alone));
        return conjuncts
            .get(alone)
            .map_or_else(|| at(condition_span(when)), |part| why(knowledge, &terms, &scope, part, problem));
    }
    for (second, part) in conjuncts.iter().enumerate().take(MAX_PARTS) {
        for (first, other) in conjuncts.iter().enumerate().take(second) {
            if solver.is_impossible(&scope, &[part, other]) {
                return at(place(second)).label(place(first), "this part contradicts it");
            }
        }
    }
    let whole = at(condition_span(when));
    if conjuncts.len() > 1 { whole.note("its parts contradict each other") } else { whole }
}

/// Adds why one part by itself can never be true: the possible values of its only term.
fn why(knowledge: &Knowledge<'_>, terms: &Terms, scope: &Scope<'_>, part: &Formula, problem: Diagnostic) -> Diagnostic {
    let mut read = Vec::new();
    part.literals(&mut |literal| read.push(literal.term));
    read.dedup();
    let [term] = read.as_slice() else { return problem };
    let Some(term) = terms.get(*term) else { return problem };
    let Some(name) = show::name(&term.node) else { return problem };
    match (term.field(), term.part) {
        (Some(field), _) => {
            let declared = knowledge.model.fields.iter().find(|known| known.table.name == field);
            match declared.and_then(|field| field.span) {
                Some(span) => problem.label(span, "the schema allows no such value"),
                None => problem,
            }
        }
        (None, Some((place, kind))) => match can_be(scope, place, kind) {
            Some(values) => problem.note(format!("`{name}` can be {values}")),
            None => problem,
        },
        _ => problem,
    }
}

/// Describes the possible values of a part of a place. Returns `None` if there are too many to list.
fn can_be(scope: &Scope<'_>, place: Place, part: Part) -> Option<String> {
    let directory = scope.directory;
    let mut names: Vec<&str> = match (place, part, scope.workloads) {
        (_, Part::Direction, _) => vec![scope.direction_name()],
        (Place::Peer, ..) if scope.direction == Direction::Outbound => Vec::new(),
        (_, Part::Region, _) if directory.services.iter().any(|service| service.regions.len() > 1) => return None,
        (Place::Own, _, Workloads::These(services)) => {
            services.iter().map(|service| scope.name_of(*service, part)).collect()
        }
        (_, Part::Domain, _) => directory.domains.iter().map(|domain| domain.name.as_str()).collect(),
        (_, Part::Region, _) => directory.all_regions().collect(),
        _ => return None,
    };
    names.sort_unstable();
    names.dedup();
    let own = place == Place::Own && matches!(scope.workloads, Workloads::These(_)) || part == Part::Direction;
    if names.len() > MAX_LISTED {
        return None;
    }
    let mut words: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| format!("'{name}'")).collect();
    if !own || names.contains(&"") {
        words.push("''".to_owned());
    }
    Some(match words.split_last() {
        Some((last, [])) => format!("{last} only"),
        Some((last, others)) => format!("{} or {last} only", others.join(", ")),
        None => return None,
    })
}
