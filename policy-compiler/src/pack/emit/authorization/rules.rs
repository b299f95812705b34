//! The rules of a workload, combined as Istio combines its policies: whatever a denial matches is denied; if there are
//! allow rules, one must match.

use context_mesh_core::artifact::tables::{AmbiguousPath, Layer, OnInvalid, OnMismatch, Reply};

use super::{
    Authorization,
    clause::{self, Clauses, known},
    formula::Formula,
    place::Place,
    refusal::{Difference, Refusal},
    refused,
};
use crate::{
    check::{
        analysis::{Ask, ask, condition_span},
        model::{DEFAULT_RULE, Effect, Policy, Rule},
        programs::When,
    },
    expression::ir::Node,
    read::document::Direction,
    report::{
        diagnostic::{Diagnostic, Diagnostics},
        source::Span,
    },
};

/// The answer of RBAC: HTTP status and gRPC status.
const ANSWER: (u16, u8) = (403, 7);

/// The message of a denial that does not set one.
const DEFAULT_MESSAGE: &str = "denied by policy";

/// The decisions of a workload.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    pub(super) enforced: Group,
    pub(super) shadow: Group,
    /// Names of the policies that also hold for workloads that the mesh does not list.
    pub(super) also_unlisted: Vec<String>,
}

/// Rules with their names. A rule of the tree may be several of Istio.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) deny: Vec<(String, Clauses)>,
    /// `None` if there is no allow rule: everything is allowed.
    pub(super) allow: Option<(String, Clauses)>,
    pub(super) audit: Vec<(String, Clauses)>,
}

/// The allow rules of a layer: their names, and what they allow.
type Allowed = Option<(Vec<String>, Vec<Clauses>)>;

/// Returns the decisions of a service.
pub(super) fn of(authorization: &Authorization<'_>, service: &str) -> Result<Decisions, Diagnostics> {
    let model = authorization.model;
    let mut problems = Diagnostics::new();
    let Some(index) = model.directory.service(service) else { return Ok(Decisions::default()) };
    let found = model.directory.services.get(index);
    let domain = found.and_then(|service| model.directory.domains.get(usize::from(service.domain)));
    let mut place = Place {
        authorization,
        callers: &authorization.callers,
        service,
        domain: domain.map_or("", |domain| &domain.name),
        regions: found.map_or(&[], |service| model.directory.regions_of(service)),
        denies: true,
    };
    let mut decisions = Decisions::default();
    // The allow rules of the enterprise and of the domain, enforced and in shadow mode.
    let mut allowed: [[Allowed; 2]; 2] = Default::default();
    let mut rules = 0_usize;
    for (policy, whens) in model.policies.iter().zip(&authorization.conditions.rules) {
        if !policy.workloads.contains(index) {
            continue;
        }
        if policy.unlisted {
            let is_default = policy.rules.iter().any(|rule| rule.name == DEFAULT_RULE);
            let name = if is_default { DEFAULT_RULE } else { &policy.name };
            decisions.also_unlisted.push(name.to_owned());
        }
        for (rule, when) in policy.rules.iter().zip(whens) {
            rules += 1;
            place.denies = !matches!(rule.effect, Effect::Allow);
            let Some(clauses) = checked(&place, policy, rule, when, &mut problems) else { continue };
            let group = if rule.shadow { &mut decisions.shadow } else { &mut decisions.enforced };
            match rule.effect {
                // What Istio calls allow-nothing: an allow rule that matches nothing.
                Effect::Deny(_) if rule.name == DEFAULT_RULE => group.allow = Some((rule.name.clone(), known(false))),
                Effect::Deny(_) => group.deny.push((rule.name.clone(), clauses)),
                Effect::Audit => group.audit.push((rule.name.clone(), clauses)),
                _ => {
                    let layer = usize::from(policy.layer == Layer::Domain);
                    let list = allowed.get_mut(usize::from(rule.shadow)).and_then(|layers| layers.get_mut(layer));
                    if let Some(list) = list {
                        let (names, all) = list.get_or_insert_with(Default::default);
                        names.push(rule.name.clone());
                        all.push(clauses);
                    }
                }
            }
        }
    }
    let [enforced, shadow] = allowed;
    for (layers, group) in [(enforced, &mut decisions.enforced), (shadow, &mut decisions.shadow)] {
        match both(&place, layers) {
            Ok(allow) => group.allow = allow.or(group.allow.take()),
            Err(refusal) => problems.push(refused(&format!("what both layers allow at `{service}`"), None, refusal)),
        }
    }
    problems.extend(mesh(authorization, service, rules > 0));
    if problems.is_empty() { Ok(decisions) } else { Err(problems) }
}

/// Returns the requests to which a rule applies. What RBAC cannot do is added to `problems`.
fn checked(
    place: &Place<'_>,
    policy: &Policy,
    rule: &Rule,
    when: &When,
    problems: &mut Diagnostics,
) -> Option<Clauses> {
    let effect = effect(place.authorization, policy, rule);
    // The condition of a rule that RBAC could otherwise carry out is checked as well.
    let decides = matches!(rule.effect, Effect::Deny(_) | Effect::Allow | Effect::Audit);
    let is_lost = effect.is_err() && (policy.direction == Direction::Outbound || !decides);
    let refused = effect.err().map(|refusal| refused(&format!("`{}`", rule.name), Some(rule.span), refusal));
    let is_refused = refused.is_some();
    problems.extend(refused);
    if is_lost {
        return None;
    }
    match clauses(place, rule, when) {
        Ok(clauses) => Some(clauses).filter(|_| !is_refused),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// Returns what the allow rules of both layers allow: if a layer has any, one must match.
fn both(place: &Place<'_>, layers: [Allowed; 2]) -> Result<Option<(String, Clauses)>, Refusal> {
    let (mut all_names, mut all) = (Vec::new(), Vec::new());
    for (names, clauses) in layers.into_iter().flatten() {
        all_names.extend(names);
        all.push(clause::any(clauses)?);
    }
    if all.is_empty() {
        return Ok(None);
    }
    Ok(Some((all_names.join(", "), resolved(place, clause::all(all)?)?)))
}

/// Checks that RBAC can carry out the effect of a rule.
fn effect(authorization: &Authorization<'_>, policy: &Policy, rule: &Rule) -> Result<(), Refusal> {
    const KEEP: &str = "keep the filter at the workloads of this rule";
    if policy.direction == Direction::Outbound {
        return Err(Refusal::new("it decides about outbound calls, and RBAC about requests that arrive", KEEP));
    }
    let what = match &rule.effect {
        Effect::Deny(_) if rule.shadow => return Ok(()),
        Effect::Deny(reply) => return answer(authorization, rule, reply),
        Effect::Audit if rule.shadow => {
            return Err(Refusal::new("Istio has no dry run of an audit", "leave `enforcement: shadow` out"));
        }
        Effect::Allow | Effect::Audit => return Ok(()),
        Effect::Redact(_) => "redact",
        Effect::Mask(..) => "mask",
        Effect::Set(_) => "set",
        Effect::Require(..) => "require",
    };
    Err(Refusal::new(format!("`{what}` is about fields of the context, which RBAC does not read"), KEEP))
}

fn answer(authorization: &Authorization<'_>, rule: &Rule, reply: &Reply) -> Result<(), Refusal> {
    let plain = (reply.status, reply.grpc_status) == ANSWER;
    if rule.name == DEFAULT_RULE || (plain && reply.message == DEFAULT_MESSAGE) {
        return Ok(());
    }
    authorization.require(Difference::Answers)
}

/// Returns the requests to which a rule applies.
fn clauses(place: &Place<'_>, rule: &Rule, when: &When) -> Result<Clauses, Vec<Diagnostic>> {
    let refuse = |span: Span, refusal: Refusal| refused(&format!("`{}`", rule.name), Some(span), refusal);
    let (root, parts) = match when {
        When::Always => return Ok(known(true)),
        When::Condition { root, parts } => (root, parts),
        When::Broken => {
            return Err(vec![refuse(rule.span, Refusal::new("its condition is wrong", "correct it"))]);
        }
    };
    let whole = rule.when.as_ref().map_or(rule.span, condition_span);
    let mut formula = Formula::new(place, &place.authorization.conditions.variables);
    // Each operand of an `&&` is refused at its own place.
    let ask: Ask = ask(rule);
    let conjuncts: &[Node] = if parts.is_empty() { std::slice::from_ref(root) } else { root.conjuncts() };
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (index, conjunct) in conjuncts.iter().enumerate() {
        let part = rule.when.as_ref().zip(parts.get(index));
        let span = part.map_or(whole, |(when, (start, end))| when.map.span(*start, *end));
        match formula.clauses(conjunct, ask) {
            Ok(clauses) => found.push(clauses),
            Err(refusal) => problems.push(refuse(span, refusal)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // Allow rules are combined first.
    let all = clause::all(found).and_then(|all| if place.denies { resolved(place, all) } else { Ok(all) });
    all.map_err(|refusal| vec![refuse(whole, refusal)])
}

/// Returns the clauses without namespaces and service accounts.
fn resolved(place: &Place<'_>, clauses: Clauses) -> Result<Clauses, Refusal> {
    let resolved = clauses.iter().map(|clause| place.callers.resolve(clause)).collect::<Result<Vec<_>, _>>()?;
    clause::any(resolved)
}

/// Checks the settings of the mesh, which reject requests as well.
fn mesh(authorization: &Authorization<'_>, service: &str, has_rules: bool) -> Vec<Diagnostic> {
    let (model, tables) = (authorization.model, authorization.tables);
    let mut problems = Vec::new();
    if has_rules && model.directory.gateways.iter().any(|gateway| gateway == service) {
        let text = "a gateway decides about requests of clients, with the service that they go to";
        problems.push(refused(
            &format!("`{service}`"),
            None,
            Refusal::new(text, "name the other services with `--service`"),
        ));
    }
    let mut setting = |name: &str, difference: Difference| {
        if let Err(refusal) = authorization.require(difference) {
            problems.push(refused(&format!("`{name}` of the Mesh"), None, refusal));
        }
    };
    if model.mesh.on_invalid == OnInvalid::Deny {
        setting("onInvalid: deny", Difference::Contexts);
    }
    if model.mesh.caller_mismatch == OnMismatch::Deny {
        setting("callerMismatch: deny", Difference::Contexts);
    }
    let entry = tables.services.iter().find(|known| known.name == service).map(|known| &known.entry);
    // Where only rules ask for it, it has been refused at the rules.
    let asks = model.directory.deny_ambiguous_path == Some(true);
    if asks && entry.is_some_and(|entry| entry.ambiguous_path != AmbiguousPath::Pass) {
        setting("ambiguousPath: deny", Difference::OddPaths);
    }
    problems
}
