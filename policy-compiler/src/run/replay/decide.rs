//! What rules decide together, by the precedence of the filter (`core/src/decide.rs`), as far as it is known.

use context_mesh_core::{
    artifact::tables::{Effect, Layer, RuleTable, Tables},
    cause::Cause,
    decide::NOT_ALLOWED,
};

use super::{Applies, Depends, Ran, Replay};
use crate::run::recorded::Earlier;
use crate::run::simulate::Refusal;

/// What may have been decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Possible {
    /// The decisions, in their precedence: a denial, or `None` for a request that goes on. One is known to be right.
    pub decisions: Vec<Option<Refusal>>,
    /// The missing values that choose between them. Empty if there is one only.
    pub depends: Depends,
}

impl Replay {
    /// Returns what may have been decided.
    pub fn possible(&self, tables: &Tables) -> Possible {
        if let Some(refusal) = &self.refused {
            return Possible { decisions: vec![Some(refusal.clone())], depends: Depends::new() };
        }
        let mut possible = of_rules(&self.rules, tables);
        // A request that the first readings let through still needs the others.
        for again in &self.again {
            if possible.decisions.last() != Some(&None) {
                break;
            }
            possible.decisions.pop();
            let other = of_rules(again, tables);
            for decision in other.decisions {
                if !possible.decisions.contains(&decision) {
                    possible.decisions.push(decision);
                }
            }
            possible.depends.extend(other.depends);
        }
        possible.settled()
    }
}

/// Returns what rules may decide.
fn of_rules(ran: &[Ran], tables: &Tables) -> Possible {
    let rules = || ran.iter().filter_map(|ran| Some((ran.rule.get(&tables.rules)?, &ran.applies)));
    let mut possible = Possible::default();
    for layer in [Layer::Enterprise, Layer::Domain] {
        for (rule, applies) in rules().filter(|(rule, _)| rule.layer == layer) {
            if let Some(refusal) = refusal(rule)
                && possible.add(applies, refusal)
            {
                return possible;
            }
        }
    }
    for layer in [Layer::Enterprise, Layer::Domain] {
        let allows = rules().filter(|(rule, _)| rule.layer == layer && rule.effect == Effect::Allow);
        let allows: Vec<&Applies> = allows.map(|(_, applies)| applies).collect();
        if !allows.is_empty() && possible.add(&none_of(&allows), not_allowed(layer)) {
            return possible;
        }
    }
    possible.decisions.push(None);
    possible
}

impl Possible {
    /// Returns the decision, if it is known.
    pub fn known(&self) -> Option<&Option<Refusal>> {
        match self.decisions.as_slice() {
            [decision] => Some(decision),
            _ => None,
        }
    }

    /// Whether it can have been decided as recorded: allowed or not, by that rule, with that status.
    pub fn can_be(&self, earlier: &Earlier) -> bool {
        self.decisions.iter().any(|decision| agrees(decision.as_ref(), earlier))
    }

    /// Adds a denial. Returns whether it certainly applies: what has a lower precedence is not possible then.
    fn add(&mut self, applies: &Applies, refusal: Refusal) -> bool {
        if *applies == Applies::No {
            return false;
        }
        self.decisions.push(Some(refusal));
        if let Applies::Unknown(depends) = applies {
            self.depends.extend(depends.iter().cloned());
        }
        *applies == Applies::Yes
    }

    fn settled(mut self) -> Self {
        if self.decisions.len() == 1 {
            self.depends.clear();
        }
        self
    }
}

/// Whether a decision is the recorded one: allowed or not, by that rule, with that status.
pub fn agrees(decision: Option<&Refusal>, earlier: &Earlier) -> bool {
    match (decision, &earlier.refused_by) {
        (None, None) => true,
        (Some(refusal), Some(rule)) => {
            refusal.rule == *rule && earlier.status.is_none_or(|status| status == refusal.status)
        }
        _ => false,
    }
}

/// Returns whether none of the allow rules matches.
fn none_of(allows: &[&Applies]) -> Applies {
    let mut unknown = Depends::new();
    for applies in allows {
        match applies {
            Applies::Yes => return Applies::No,
            Applies::No => {}
            Applies::Unknown(depends) => unknown.extend(depends.iter().cloned()),
        }
    }
    if unknown.is_empty() { Applies::Yes } else { Applies::Unknown(unknown) }
}

/// Returns the denial of a rule that denies.
fn refusal(rule: &RuleTable) -> Option<Refusal> {
    let (Effect::Deny(reply) | Effect::Require { reply, .. }) = &rule.effect else { return None };
    Some(Refusal {
        rule: rule.name.clone(),
        status: reply.status,
        grpc_status: reply.grpc_status,
        message: reply.message.clone(),
    })
}

fn not_allowed(layer: Layer) -> Refusal {
    let (status, grpc_status, message) = NOT_ALLOWED;
    Refusal { rule: Cause::NotAllowed(layer).as_str().to_owned(), status, grpc_status, message: message.to_owned() }
}
