//! Compares the decisions of two versions about a request whose values are partly missing.
//!
//! - What is known decides by itself: see [`crate::run::replay`].
//! - The record has to be what the old version decides. If it can be, it is taken for the old decision, and what it says
//!   of a rule is also true of the new version, where that rule is unchanged and has the same request before it.
//! - Everything else is unknown, with the names of the values that it depends on.

mod effects;
mod record;

use std::collections::{BTreeSet, HashSet};

use context_mesh_core::{artifact::LoadError, pipeline::Role};

use super::{
    Decision, Difference, Undecided, Version, Why,
    impact::{Compared, Values},
    unchanged::Unchanged,
};
use crate::run::{
    recorded::{Earlier, Gaps, Known, Presence, Recorded},
    replay::{Applies, Depends, Possible, Replay, Replayer},
    simulate::SimulationError,
};

use record::{applied, fill, is_consistent, not_what_was_recorded};

/// Compares requests under two versions.
pub(super) struct Comparison<'v> {
    old: &'v Version,
    new: &'v Version,
    old_replayer: Replayer<'v>,
    new_replayer: Replayer<'v>,
    /// The names of the old rules.
    old_rules: HashSet<&'v str>,
    unchanged: Unchanged,
}

/// What is known of a request under both versions.
struct Both<'r> {
    recorded: &'r Recorded,
    /// What was recorded, if the old version can have decided it.
    believed: Option<&'r Earlier>,
    old: Replay,
    new: Replay,
    may_be_old: Possible,
    may_be_new: Possible,
}

impl<'v> Comparison<'v> {
    pub(super) fn new(old: &'v Version, new: &'v Version) -> Result<Self, LoadError> {
        let old_replayer = Replayer::new(&old.artifact, &old.tables)?;
        let new_replayer = Replayer::new(&new.artifact, &new.tables)?;
        let unchanged = Unchanged::between(old, new, &new_replayer);
        let old_rules = old.tables.rules.iter().map(|rule| rule.name.as_str()).collect();
        Ok(Self { old, new, old_replayer, new_replayer, old_rules, unchanged })
    }

    /// Compares the decisions about one request.
    pub(super) fn compare(&mut self, recorded: &Recorded, gaps: &Gaps) -> Compared {
        let both = match self.replay(recorded, gaps) {
            Ok(both) => both,
            Err(error) => {
                let failed = Decision::Failed(error.to_string());
                return undecided(recorded, failed.clone(), failed, Why::NotReplayed(error.to_string()));
            }
        };
        if let Some(earlier) = &recorded.earlier
            && !both.may_be_old.can_be(earlier)
        {
            let why = Why::NotReplayed(not_what_was_recorded(&both.may_be_old, earlier));
            return undecided(recorded, shown(&both.may_be_old), shown(&both.may_be_new), why);
        }
        self.compare_both(&both)
    }

    fn replay<'r>(&mut self, recorded: &'r Recorded, gaps: &Gaps) -> Result<Both<'r>, SimulationError> {
        let request = &recorded.request;
        let nothing = |_: &str| Presence::Unknown;
        let mut believed = recorded.earlier.as_ref();
        let mut old = match believed {
            Some(earlier) => self.old_replayer.replay(request, Known::new(gaps, &|field| earlier.presence(field)))?,
            None => self.old_replayer.replay(request, Known::new(gaps, &nothing))?,
        };
        if let Some(earlier) = believed
            && !(earlier.rules.iter().all(|rule| self.old_rules.contains(rule.as_str()))
                && is_consistent(&old, earlier, self.old))
        {
            // Other rules applied, so it was recorded under another version, or the log lacks what they read.
            believed = None;
            old = self.old_replayer.replay(request, Known::new(gaps, &nothing))?;
        }
        // On two readings of a path, the record does not tell which rule applied to which.
        if !old.again.is_empty() && believed.take().is_some() {
            old = self.old_replayer.replay(request, Known::new(gaps, &nothing))?;
        }
        let unchanged = &self.unchanged;
        let stays = unchanged.settings.is_empty()
            && !unchanged.has_moved(&request.workload)
            && (request.role != Role::Gateway || unchanged.sets);
        let presence = |field: &str| match believed.filter(|_| stays).map(|earlier| earlier.presence(field)) {
            Some(presence) => match (presence, unchanged.changed_field(field)) {
                (presence, None) | (presence @ Presence::Absent, Some(false)) => presence,
                _ => Presence::Unknown,
            },
            None => Presence::Unknown,
        };
        let mut new = self.new_replayer.replay(request, Known::new(gaps, &presence))?;
        if let Some(earlier) = believed {
            if old.surroundings != new.surroundings {
                // Whose context is believed, and what stays in a region, may be other fields now.
                new = self.new_replayer.replay(request, Known::new(gaps, &nothing))?;
            } else if stays {
                self.transfer(earlier, &old, &mut new);
            }
        }
        if let Some(earlier) = believed {
            fill(earlier, &mut old, self.old);
        }
        let (may_be_old, may_be_new) = (old.possible(&self.old.tables), new.possible(&self.new.tables));
        Ok(Both { recorded, believed, old, new, may_be_old, may_be_new })
    }

    /// Fills in what the record says of rules that the new version has unchanged.
    fn transfer(&self, earlier: &Earlier, old: &Replay, new: &mut Replay) {
        let was_run: BTreeSet<&str> = names(old, self.old).collect();
        for ran in &mut new.rules {
            let Some(rule) = ran.rule.get(&self.new.tables.rules) else { continue };
            let known = self.unchanged.is_alike(ran.rule) && was_run.contains(rule.name.as_str());
            if known && matches!(ran.applies, Applies::Unknown(_)) {
                ran.applies = applied(earlier, &rule.name);
            }
        }
    }

    fn compare_both(&self, both: &Both<'_>) -> Compared {
        let (old, new) = (&both.may_be_old, &both.may_be_new);
        let (Both { recorded, .. }, shown_old, shown_new) = (both, shown(old), shown(new));
        if self.is_untouched(both) {
            return Compared::Same;
        }
        if !old.decisions.iter().any(|decision| new.decisions.contains(decision)) {
            return different(recorded, shown_old, shown_new, Vec::new());
        }
        let mut depends: Depends = old.depends.union(&new.depends).cloned().collect();
        depends.extend(self.unchanged.settings.iter().cloned());
        let mut context = Values::new();
        if old.known() == Some(&None) && new.known() == Some(&None) {
            self.effects(both, &mut context, &mut depends);
        }
        if !context.is_empty() {
            return different(recorded, shown_old, shown_new, context);
        }
        if depends.is_empty() {
            Compared::Same
        } else {
            undecided(recorded, shown_old, shown_new, Why::Unknown(depends))
        }
    }

    /// Whether both versions do the same to the request, whatever the missing values are.
    fn is_untouched(&self, both: &Both<'_>) -> bool {
        let rules = |replay: &Replay| replay.rules.len();
        self.unchanged.settings.is_empty()
            && self.unchanged.changed_fields().all(|field| self.is_absent(both, field))
            && both.old.surroundings == both.new.surroundings
            && both.old.refused == both.new.refused
            && !self.unchanged.has_moved(&both.recorded.request.workload)
            && both.old.again.len() == both.new.again.len()
            && rules(&both.old) == rules(&both.new)
            && names(&both.old, self.old).eq(names(&both.new, self.new))
            && both.new.rules.iter().all(|ran| self.unchanged.is_equal(ran.rule))
    }

    /// Whether the request has no such field under either version.
    fn is_absent(&self, both: &Both<'_>, field: &str) -> bool {
        presence(both, field) == Presence::Absent && self.unchanged.changed_field(field) != Some(true)
    }
}

fn presence(both: &Both<'_>, field: &str) -> Presence {
    both.believed.map_or(Presence::Unknown, |earlier| earlier.presence(field))
}

fn names<'v>(replay: &'v Replay, version: &'v Version) -> impl Iterator<Item = &'v str> {
    replay.rules.iter().filter_map(|ran| Some(ran.rule.get(&version.tables.rules)?.name.as_str()))
}

fn shown(possible: &Possible) -> Decision {
    let mut decisions: Vec<Decision> = possible.decisions.iter().cloned().map(Decision::of).collect();
    match decisions.pop() {
        Some(decision) if decisions.is_empty() => decision,
        last => Decision::OneOf(decisions.into_iter().chain(last).collect()),
    }
}

fn different(recorded: &Recorded, old: Decision, new: Decision, context: Values) -> Compared {
    Compared::Different(Difference { recorded: recorded.clone(), old, new, context, headers: Vec::new() })
}

fn undecided(recorded: &Recorded, old: Decision, new: Decision, why: Why) -> Compared {
    Compared::Undecided(Undecided { recorded: recorded.clone(), old, new, why })
}
