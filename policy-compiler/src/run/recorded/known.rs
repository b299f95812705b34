//! What is known of the values of a request with gaps, while it is simulated.

use context_mesh_core::{
    artifact::tables::{Attribute, DestinationPart, Effect, MeshPart, RuleTable, Tables},
    context::CALLER,
    index::RuleIndex,
    pipeline::Role,
    vm::Snapshot,
};

use super::{Gaps, Presence};
use crate::run::truth::{Depends, Truth};

/// What is known of the values of a request with gaps.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    gaps: &'k Gaps,
    presence: &'k dyn Fn(&str) -> Presence,
    /// Whether it is the stage of a gateway that makes the context: there are no fields yet.
    making: bool,
}

impl<'k> Known<'k> {
    /// Returns what is known of a request with these gaps. `presence` tells which fields it had.
    pub fn new(gaps: &'k Gaps, presence: &'k dyn Fn(&str) -> Presence) -> Self {
        Self { gaps, presence, making: false }
    }

    /// Returns what is known when these rules are run, for a request in this role.
    #[must_use]
    pub(crate) fn before(self, role: Role, rules: &[RuleIndex], tables: &Tables) -> Self {
        // The set rules of a gateway run first, and by themselves.
        let sets =
            |rule: &RuleIndex| matches!(rule.get(&tables.rules), Some(RuleTable { effect: Effect::Set { .. }, .. }));
        Self { making: role == Role::Gateway && rules.iter().all(sets), ..self }
    }

    /// Whether the simulated request has the value that the recorded one had, or none as well.
    pub fn holds(&self, attribute: &Attribute, snapshot: &Snapshot<'_>) -> bool {
        match attribute {
            // The pipeline itself sets `caller` where it knows the caller.
            Attribute::Field(..) if self.making => true,
            Attribute::Field(name, _) if name == CALLER => snapshot.context.contains(CALLER),
            // A service with several regions has that of its proxy's locality, which the recording does not hold.
            Attribute::Mesh(MeshPart::Region) => !snapshot.mesh.region.is_empty() || snapshot.mesh.domain.is_empty(),
            Attribute::Destination(DestinationPart::Region) if snapshot.destination.regions.len() > 1 => false,
            Attribute::Field(name, _) => self.has(name, snapshot) == Truth::known(false),
            other => self.gaps.holds(other),
        }
    }

    /// Returns whether the request had a field.
    pub fn has(&self, field: &str, snapshot: &Snapshot<'_>) -> Truth {
        if self.making {
            return Truth::known(false);
        }
        let simulated = snapshot.context.contains(field);
        match (self.presence)(field) {
            _ if field == CALLER && simulated => Truth::known(true),
            Presence::Present => Truth::known(true),
            Presence::Absent if !simulated => Truth::known(false),
            _ => Truth::unknown_bool(Depends::from([format!("context.{field}")])),
        }
    }
}
