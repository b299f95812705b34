//! What was recorded, against what the old version can have decided.

use context_mesh_core::cause::Cause;

use super::Version;
use crate::run::{
    recorded::Earlier,
    replay::{Applies, Possible, Replay},
    simulate::Refusal,
};

pub(super) fn applied(earlier: &Earlier, rule: &str) -> Applies {
    if earlier.rules.contains(rule) { Applies::Yes } else { Applies::No }
}

/// Fills in what the record says of the rules of the version that it was made under.
pub(super) fn fill(earlier: &Earlier, replay: &mut Replay, version: &Version) {
    for ran in &mut replay.rules {
        if let (Applies::Unknown(_), Some(rule)) = (&ran.applies, ran.rule.get(&version.tables.rules)) {
            ran.applies = applied(earlier, &rule.name);
        }
    }
}

/// Whether the record can be one of this version: it decides so, and all rules whose result is known applied or not as
/// recorded.
pub(super) fn is_consistent(replay: &Replay, earlier: &Earlier, version: &Version) -> bool {
    let rules = &version.tables.rules;
    let possible = replay.possible(&version.tables);
    possible.can_be(earlier)
        && replay.rules.iter().all(|ran| match (&ran.applies, ran.rule.get(rules)) {
            (Applies::Unknown(_), _) | (_, None) => true,
            (known, Some(rule)) => *known == applied(earlier, &rule.name),
        })
}

pub(super) fn not_what_was_recorded(old: &Possible, earlier: &Earlier) -> String {
    let recorded = match (&earlier.refused_by, earlier.status) {
        (None, _) => "it went on".to_owned(),
        (Some(rule), None) => format!("`{rule}` refused it"),
        (Some(rule), Some(status)) => format!("`{rule}` refused it with {status}"),
    };
    let decisions: Vec<String> = old.decisions.iter().map(|decision| in_words(decision.as_ref())).collect();
    let by_mesh = earlier.refused_by.as_deref().is_some_and(|rule| matches!(Cause::of(rule), Cause::Mesh(_)));
    let because = if by_mesh { ", for what the recording does not hold" } else { "" };
    format!("when it was recorded, {recorded}{because}; under the old version {}", decisions.join(", or "))
}

fn in_words(decision: Option<&Refusal>) -> String {
    decision.map_or_else(
        || "it goes on".to_owned(),
        |refusal| format!("`{}` refuses it with {}", refusal.rule, refusal.status),
    )
}
