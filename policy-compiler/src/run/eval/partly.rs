//! What is known of a request whose values are partly missing.

use context_mesh_core::{artifact::tables::Tables, index::RuleIndex};

use crate::check::model::Request;
use crate::run::{
    recorded::{Earlier, Gaps, Known, Presence},
    replay::{Applies, Possible, Replayer},
    simulate::SimulationError,
};

/// What is known of a request whose values are partly missing.
#[derive(Debug, Clone)]
pub struct Partly {
    /// What may be decided.
    pub possible: Possible,
    /// Whether each rule applies, of those that do not only watch.
    pub rules: Vec<(RuleIndex, Applies)>,
    /// Whether the recorded names of fields were used.
    pub(super) believed: bool,
}

impl Partly {
    /// Runs the request. What the record says of its fields is used where the record is possible under these policies.
    pub(super) fn of(
        replayer: &mut Replayer<'_>,
        tables: &Tables,
        request: &Request,
        gaps: &Gaps,
        earlier: Option<&Earlier>,
    ) -> Result<Self, SimulationError> {
        if let Some(earlier) = earlier {
            let partly = Self::run(replayer, tables, request, Known::new(gaps, &|field| earlier.presence(field)))?;
            if partly.possible.can_be(earlier) {
                return Ok(Self { believed: true, ..partly });
            }
        }
        Self::run(replayer, tables, request, Known::new(gaps, &|_| Presence::Unknown))
    }

    fn run(
        replayer: &mut Replayer<'_>,
        tables: &Tables,
        request: &Request,
        known: Known<'_>,
    ) -> Result<Self, SimulationError> {
        let replay = replayer.replay(request, known)?;
        let rules = replay.rules.iter().map(|ran| (ran.rule, ran.applies.clone())).collect();
        Ok(Self { possible: replay.possible(tables), rules, believed: false })
    }

    /// Returns whether a rule applies. `None` for one that only watches.
    pub(super) fn applies(&self, rule: RuleIndex) -> Option<&Applies> {
        self.rules.iter().find(|(of, _)| *of == rule).map(|(_, applies)| applies)
    }

    /// Returns the names of the rules of which it is known that they apply, or those of which it is not known.
    pub(super) fn names<'t>(&self, tables: &'t Tables, known: bool) -> Vec<&'t str> {
        let wanted = |applies: &Applies| match applies {
            Applies::Yes => known,
            Applies::No => false,
            Applies::Unknown(_) => !known,
        };
        let rules = self.rules.iter().filter(|(_, applies)| wanted(applies));
        rules.filter_map(|(rule, _)| Some(rule.get(&tables.rules)?.name.as_str())).collect()
    }
}
