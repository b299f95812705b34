//! What two versions have in common, for requests whose values are partly missing.

use std::collections::{BTreeMap, HashMap, HashSet};

use context_mesh_core::artifact::tables::{Attribute, Effect, RuleTable};
use context_mesh_core::index::{self, RuleIndex};

use super::{Change, Kind, Version, What, aspects, changes, code};
use crate::run::replay::Replayer;

/// What two versions have in common.
pub(super) struct Unchanged {
    /// Rules of the new version that apply to the same requests as those of the same name in the old one.
    alike: HashSet<RuleIndex>,
    /// Those that do the same too.
    equal: HashSet<RuleIndex>,
    /// Settings of the mesh that changed, and that decide which values a request has.
    pub(super) settings: Vec<String>,
    /// Fields whose schemas changed, and whether a request may have such a field that had none before.
    fields: BTreeMap<String, bool>,
    /// Services whose regions changed.
    moved: HashSet<String>,
    /// Whether all rules that set fields are equal.
    pub(super) sets: bool,
}

/// Settings of the mesh that decide nothing about a single request. Rules and identities are compared themselves.
const WITHOUT_EFFECT: [&str; 10] = [
    "name",
    "carriers.version",
    "rollout.window (ms)",
    "gateway.traces",
    "gateway.sampled",
    "memory.slots",
    "memory.bytes",
    "memory.ttl (ms)",
    "memory.grace (ms)",
    "built for",
];

/// Properties of a field that decide where it is read from.
const SOURCES: [&str; 3] = ["baggage", "header", "origin"];

impl Unchanged {
    /// Compares two versions. `new_replayer` is one for the new version.
    pub(super) fn between(old: &Version, new: &Version, new_replayer: &Replayer<'_>) -> Self {
        let (mut settings, mut fields, mut moved) = (Vec::new(), BTreeMap::new(), HashSet::new());
        for change in changes(old, new) {
            match change.kind {
                Kind::Mesh => settings.extend(setting_names(&change)),
                Kind::Field => drop(fields.insert(change.name.clone(), may_appear(&change.what))),
                Kind::Service if changes_regions(&change.what) => drop(moved.insert(change.name.clone())),
                // Rules are compared one by one; services and domains show in what is known of a request.
                Kind::Rule | Kind::Service | Kind::Domain | Kind::Word => {}
            }
        }
        let old_rules: HashMap<&str, (usize, &RuleTable)> =
            old.tables.rules.iter().enumerate().map(|(place, rule)| (rule.name.as_str(), (place, rule))).collect();
        let (mut alike, mut equal) = (HashSet::new(), HashSet::new());
        for (place, rule) in new.tables.rules.iter().enumerate() {
            let Some((old_place, old_rule)) = old_rules.get(rule.name.as_str()) else { continue };
            let Some(index) = index::position(place).map(RuleIndex) else { continue };
            let required = match &rule.effect {
                Effect::Require { fields, .. } => fields.as_slice(),
                _ => &[],
            };
            let read = new_replayer.reads(rule).filter_map(|attribute| match attribute {
                Attribute::Field(name, _) => Some(name),
                _ => None,
            });
            if read.chain(required).any(|name| fields.contains_key(name)) || !applies_alike(old, old_rule, new, rule) {
                continue;
            }
            alike.insert(index);
            if properties(old, *old_place, old_rule) == properties(new, place, rule) {
                equal.insert(index);
            }
        }
        let setters = |version: &Version| -> Vec<String> {
            let rules = version.tables.rules.iter().filter(|rule| matches!(rule.effect, Effect::Set { .. }));
            rules.map(|rule| rule.name.clone()).collect()
        };
        let is_equal = |(place, rule): (usize, &RuleTable)| {
            !matches!(rule.effect, Effect::Set { .. })
                || index::position(place).is_some_and(|place| equal.contains(&RuleIndex(place)))
        };
        let sets = setters(old) == setters(new) && new.tables.rules.iter().enumerate().all(is_equal);
        Self { alike, equal, settings, fields, moved, sets }
    }

    /// Whether a rule of the new version applies to the same requests as that of the same name in the old one.
    pub(super) fn is_alike(&self, rule: RuleIndex) -> bool {
        self.alike.contains(&rule)
    }

    /// Whether it does the same too.
    pub(super) fn is_equal(&self, rule: RuleIndex) -> bool {
        self.equal.contains(&rule)
    }

    /// Whether the regions of a service changed: which one its proxy is in is not known of a request.
    pub(super) fn has_moved(&self, service: &str) -> bool {
        self.moved.contains(service)
    }

    /// Whether the schema of a field changed, and if so, whether a request may have it that had none before.
    pub(super) fn changed_field(&self, name: &str) -> Option<bool> {
        self.fields.get(name).copied()
    }

    /// Returns the fields whose schemas changed.
    pub(super) fn changed_fields(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

fn setting_names(change: &Change) -> Vec<String> {
    let What::Changed(properties) = &change.what else { return vec![format!("the mesh `{}`", change.name)] };
    let names = properties.iter().map(|(name, ..)| name.as_str()).filter(|name| !WITHOUT_EFFECT.contains(name));
    names.map(|name| format!("`{}` of the mesh", name.trim_end_matches(" (ms)"))).collect()
}

fn changes_regions(what: &What) -> bool {
    matches!(what, What::Changed(properties) if properties.iter().any(|(name, ..)| name == "regions"))
}

fn may_appear(what: &What) -> bool {
    match what {
        What::Changed(properties) => properties.iter().any(|(name, ..)| SOURCES.contains(&name.as_str())),
        What::Added(_) | What::Removed(_) => true,
    }
}

/// Whether two rules apply to the same requests. What they do then may differ.
fn applies_alike(old: &Version, old_rule: &RuleTable, new: &Version, new_rule: &RuleTable) -> bool {
    let condition = |version: &Version, rule: &RuleTable| rule.condition.map(|at| code::text(&version.tables, at));
    let effects = match (&old_rule.effect, &new_rule.effect) {
        (Effect::Require { fields: old, .. }, Effect::Require { fields: new, .. }) => old == new,
        (old, new) => std::mem::discriminant(old) == std::mem::discriminant(new),
    };
    effects
        && (old_rule.on_error, old_rule.shadow) == (new_rule.on_error, new_rule.shadow)
        && condition(old, old_rule) == condition(new, new_rule)
}

/// Returns the properties of a rule without its workloads: whether it is run is known of each request.
fn properties(version: &Version, place: usize, rule: &RuleTable) -> aspects::Aspects {
    let all = aspects::rule(version, place, rule, false);
    all.into_iter().filter(|(name, _)| name != "workloads").collect()
}
