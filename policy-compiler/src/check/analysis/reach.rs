//! Reachability: who may call whom.

use std::collections::HashMap;

use context_mesh_core::artifact::tables::Layer;

use super::facts::{Facts, Knowledge, WORK_OF_A_GRAPH, scope};
use super::index::{Reads, reads};
use super::places::Scope;
use crate::check::model::{Effect, Model, Workloads};
use crate::check::programs::Programs;
use crate::read::document::Direction;

/// The decision of one side's rules about the requests of a pair of services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All of them pass.
    Allowed,
    /// None of them passes, because of these rules.
    Denied(Vec<String>),
    /// These rules decide, depending on the rest of the request.
    Conditional(Vec<String>),
}

/// The decision about requests from one service to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The calling service, as an index into [`crate::check::model::Directory::services`].
    pub from: usize,
    /// The called service.
    pub to: usize,
    /// The verdict of the caller's outbound rules, or of a gateway's inbound rules.
    pub outbound: Verdict,
    /// The verdict of the called service's inbound rules.
    pub inbound: Verdict,
}

impl Reach {
    /// Returns the combined verdict of both sides.
    pub fn verdict(&self) -> Verdict {
        match (&self.outbound, &self.inbound) {
            (Verdict::Denied(by), _) | (_, Verdict::Denied(by)) => Verdict::Denied(by.clone()),
            (Verdict::Allowed, other) | (other, Verdict::Allowed) => other.clone(),
            (Verdict::Conditional(one), Verdict::Conditional(other)) => {
                Verdict::Conditional(one.iter().chain(other).cloned().collect())
            }
        }
    }
}

/// When a rule applies to the requests of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applies {
    Never,
    Sometimes,
    Always,
}

/// Returns for every pair of services whether requests from one to the other may pass, sorted by caller, then by called
/// service.
///
/// `model` and `programs` come from a tree without errors. A condition on the request itself counts as possible.
pub fn reachability(model: &Model, programs: &Programs) -> Vec<Reach> {
    let knowledge = Knowledge::new(model, programs, WORK_OF_A_GRAPH);
    let mut pairs = Pairs::new(&knowledge);
    let services = 0..model.directory.services.len();
    let all = services.clone().flat_map(|from| services.clone().map(move |to| (from, to)));
    all.filter(|(from, to)| from != to)
        .map(|(from, to)| Reach {
            from,
            to,
            outbound: pairs.verdict(Direction::Outbound, from, to),
            inbound: pairs.verdict(Direction::Inbound, from, to),
        })
        .collect()
}

/// The rules of each service, and what is known of them for pairs of services.
pub(super) struct Pairs<'k> {
    knowledge: &'k Knowledge<'k>,
    /// The rules, by direction and workload.
    rules: HashMap<(Direction, usize), Vec<usize>>,
    /// For each rule, whether it reads anything of the service on the other side.
    reads_other: Vec<bool>,
    /// By rule, side of the call, workload and, if the rule reads it, the other service.
    known: HashMap<(usize, Direction, usize, Option<usize>), Applies>,
}

impl<'k> Pairs<'k> {
    pub(super) fn new(knowledge: &'k Knowledge<'k>) -> Self {
        let mut rules: HashMap<(Direction, usize), Vec<usize>> = HashMap::new();
        let mut reads_other = Vec::with_capacity(knowledge.rules.len());
        for (number, facts) in knowledge.rules.iter().enumerate() {
            let mut add = |service| rules.entry((facts.policy.direction, service)).or_default().push(number);
            match &facts.policy.workloads {
                Workloads::All => (0..knowledge.model.directory.services.len()).for_each(add),
                Workloads::These(services) => services.iter().for_each(|service| add(*service)),
            }
            let mut other = false;
            facts.applies.literals(&mut |literal| {
                other |= matches!(reads(knowledge, literal.term), Reads::Peer | Reads::Destination);
            });
            reads_other.push(other);
        }
        Self { knowledge, rules, reads_other, known: HashMap::new() }
    }

    /// Returns the enforced rules of one side, with when they apply to the requests of the pair. A gateway has only
    /// inbound rules, so they also decide where its requests may go.
    pub(super) fn rules(&mut self, direction: Direction, from: usize, to: usize) -> Vec<(&'k Facts<'k>, Applies)> {
        let (own, other) = if direction == Direction::Inbound { (to, from) } else { (from, to) };
        let of = if self.is_gateway(own) { Direction::Inbound } else { direction };
        let rules = self.rules.get(&(of, own)).cloned().unwrap_or_default();
        let mut found = Vec::with_capacity(rules.len());
        for number in rules {
            let Some(facts) = self.knowledge.rules.get(number).filter(|facts| !facts.rule.shadow) else { continue };
            let applies = self.applies(number, facts, direction, own, other);
            found.push((facts, applies));
        }
        found
    }

    fn is_gateway(&self, service: usize) -> bool {
        let directory = &self.knowledge.model.directory;
        directory.services.get(service).is_some_and(|service| directory.gateways.contains(&service.name))
    }

    fn applies(&mut self, number: usize, facts: &Facts<'_>, side: Direction, own: usize, other: usize) -> Applies {
        let key = (number, side, own, self.reads_other.get(number).is_none_or(|reads| *reads).then_some(other));
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let workloads = Workloads::These(vec![own]);
        let mut scope: Scope<'_> = scope(self.knowledge.model, facts.policy, &workloads);
        match side {
            Direction::Inbound => {
                scope.peer = Some(other);
                // A gateway's requests go on to other services.
                scope.destination = (!scope.has_gateway()).then_some(own);
            }
            Direction::Outbound => scope.destination = Some(other),
        }
        let applies = if self.knowledge.is_impossible(&scope, &[&facts.applies]) {
            Applies::Never
        } else if self.knowledge.is_impossible(&scope, &[&facts.spares]) {
            Applies::Always
        } else {
            Applies::Sometimes
        };
        self.known.insert(key, applies);
        applies
    }

    fn verdict(&mut self, direction: Direction, from: usize, to: usize) -> Verdict {
        let rules = self.rules(direction, from, to);
        let names = |wanted: &dyn Fn(&Facts<'_>, Applies) -> bool| -> Vec<String> {
            let found = rules.iter().filter(|(facts, applies)| wanted(facts, *applies));
            found.map(|(facts, _)| facts.rule.name.clone()).collect()
        };
        let denied = names(&|facts, applies| facts.denies() && applies == Applies::Always);
        if !denied.is_empty() {
            return Verdict::Denied(denied);
        }
        let mut conditions = names(&|facts, applies| {
            matches!(facts.rule.effect, Effect::Deny(_) | Effect::Require(..)) && applies != Applies::Never
        });
        for layer in [Layer::Enterprise, Layer::Domain] {
            let of_layer = |facts: &Facts<'_>| facts.allows() && facts.policy.layer == layer;
            let all = names(&|facts, _| of_layer(facts));
            let possible = names(&|facts, applies| of_layer(facts) && applies != Applies::Never);
            let certain = names(&|facts, applies| of_layer(facts) && applies == Applies::Always);
            if !all.is_empty() && possible.is_empty() {
                return Verdict::Denied(all);
            }
            if !all.is_empty() && certain.is_empty() {
                conditions.extend(possible);
            }
        }
        if conditions.is_empty() { Verdict::Allowed } else { Verdict::Conditional(conditions) }
    }
}
