//! Runs a recorded request whose values are partly missing, for example from an access log.
//!
//! A value that the recording does not hold is unknown, and conditions are three-valued, with the logic of CEL: `false &&
//! unknown` is false, `true || unknown` is true. What is left is what may have been decided, and the names of the missing
//! values that it depends on. A missing value never counts as absent.
//!
//! The request goes through the filter's pipeline as any other, so the peer, the destination and the rules of the workload
//! come from there. The conditions are split into the operands of `&&`, `||`, `!` and `?:` by their bytecode
//! ([`condition`]), so this works for artifacts too, and the machine runs the operands that read nothing missing. Other
//! operands are unknown as a whole: what is reported as decided is a proof, and what is reported as unknown need not
//! depend on the values.

mod condition;
mod decide;
mod effects;
mod evaluate;

use context_mesh_core::{
    artifact::{
        LoadError,
        tables::{Attribute, RuleTable, Tables},
    },
    index::RuleIndex,
    pipeline::Role,
};

use crate::check::model::Request;
use crate::run::{
    recorded::Known,
    simulate::{Refusal, SimulationError, Simulator},
};

pub use crate::run::truth::{Applies, Depends};
pub use decide::{Possible, agrees};
pub use effects::{Action, Shown, Value, actions};

use condition::Conditions;
use evaluate::{Seen, Watch};

/// Runs requests with missing values under one version of the policies.
pub struct Replayer<'t> {
    tables: &'t Tables,
    simulator: Simulator,
    conditions: Conditions,
}

/// What is known of a request under one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The rules that were run, without those that change nothing (in shadow, and `audit`), in order.
    pub rules: Vec<Ran>,
    /// The rules for each other reading of an ambiguous path, if they decide on all: all must let the request through.
    pub again: Vec<Vec<Ran>>,
    /// What the mesh knows of the peer, the workload and the destination.
    pub surroundings: Vec<String>,
    /// The denial by the mesh itself, before any rule.
    pub refused: Option<Refusal>,
}

/// A rule that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// The rule, as an index into the artifact's rules.
    pub rule: RuleIndex,
    /// Whether it applies.
    pub applies: Applies,
    /// The fields that it sets, with their values.
    pub values: Vec<(String, Value)>,
}

impl<'t> Replayer<'t> {
    /// Creates a replayer for an encoded artifact with these tables.
    ///
    /// # Errors
    /// What is wrong with the artifact.
    pub fn new(artifact: &[u8], tables: &'t Tables) -> Result<Self, LoadError> {
        let simulator = Simulator::new(artifact)?;
        let conditions = Conditions::of(tables, simulator.program());
        Ok(Self { tables, simulator, conditions })
    }

    /// Returns what the condition of a rule reads, with its variables.
    pub fn reads(&self, rule: &RuleTable) -> impl Iterator<Item = &'t Attribute> {
        let reads = rule.condition.and_then(|program| program.get(&self.conditions.reads));
        reads.into_iter().flatten().filter_map(|index| index.get(&self.tables.program.attributes))
    }

    /// Runs one request of which this is known.
    ///
    /// # Errors
    /// As for [`Simulator::run`].
    pub fn replay(&mut self, request: &Request, known: Known<'_>) -> Result<Replay, SimulationError> {
        let watch = Watch::new(self.tables, &self.conditions, request.role, known);
        let outcome = self.simulator.run(request, Some(&watch))?;
        let Seen { rules, again, surroundings } = watch.into_seen();
        // Without rules only the path can have refused it, which is there.
        let refused = outcome.refusal.filter(|_| surroundings.is_empty() && request.role != Role::Egress);
        Ok(Replay { rules, again, surroundings, refused })
    }
}
