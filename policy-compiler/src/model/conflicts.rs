//! Rules of one layer that can set one field to different values.
//!
//! Rules do not see each other and their order means nothing, so there would be no answer which value wins.
//! Whether two conditions can both hold is not asked: the answer would change with every edit. Across layers
//! the enterprise wins, and a shadow rule changes nothing.

use std::collections::{BTreeMap, HashSet};

use context_mesh_core::artifact::tables::Layer;

use super::{Effect, Field, Policy, Workloads};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, code},
    document::{Direction, Expression},
    source::Span,
};

/// A value that a rule gives to a field.
#[derive(Clone, Copy)]
struct Assignment<'a> {
    policy: usize,
    rule: &'a str,
    value: &'a Expression,
}

impl Assignment<'_> {
    /// Whether both give the same value: the same text, and if it uses variables, those of the same policy.
    fn agrees(&self, other: &Self) -> bool {
        self.value.text.trim() == other.value.text.trim()
            && (self.policy == other.policy || !self.value.text.contains("variables"))
    }
}

/// What two assignments must have in common to meet.
type Target = (Layer, Direction, usize);

#[derive(Default)]
struct Seen<'a> {
    /// By target and service.
    one: BTreeMap<(Target, usize), Assignment<'a>>,
    /// Those for all workloads.
    all: BTreeMap<Target, Assignment<'a>>,
    /// The first of any kind.
    any: BTreeMap<Target, Vec<Assignment<'a>>>,
}

pub(super) fn check(policies: &[Policy], fields: &[Field], diagnostics: &mut Diagnostics) {
    let mut seen = Seen::default();
    let mut reported: HashSet<(Span, usize)> = HashSet::new();
    for (index, policy) in policies.iter().enumerate() {
        for rule in policy.rules.iter().filter(|rule| !rule.shadow) {
            let Effect::Set(assignments) = &rule.effect else { continue };
            for (field, value) in assignments {
                let assignment = Assignment { policy: index, rule: &rule.name, value };
                let target = (policy.layer, policy.direction, *field);
                let other = seen.add(target, &policy.workloads, assignment);
                if let Some(other) = other
                    && reported.insert((value.span, *field))
                {
                    let name = fields.get(*field).map_or("", |field| &field.table.name);
                    diagnostics.push(conflict(name, assignment, other));
                }
            }
        }
    }
}

impl<'a> Seen<'a> {
    /// Adds an assignment; gives one that it conflicts with, if there is any.
    fn add(&mut self, target: Target, workloads: &Workloads, new: Assignment<'a>) -> Option<Assignment<'a>> {
        let conflicts = |other: &&Assignment<'a>| !new.agrees(other);
        let mut found = self.all.get(&target).filter(conflicts).copied();
        match workloads {
            Workloads::All => {
                let any = self.any.get(&target).and_then(|others| others.iter().find(conflicts)).copied();
                self.all.entry(target).or_insert(new);
                found = found.or(any);
            }
            Workloads::These(services) => {
                for service in services {
                    let first = *self.one.entry((target, *service)).or_insert(new);
                    found = found.or_else(|| Some(first).filter(|first| !new.agrees(first)));
                }
            }
        }
        // Two that differ are enough: whatever comes for all workloads differs from one of them.
        let any = self.any.entry(target).or_default();
        if any.len() < 2 && any.iter().all(|other| !other.agrees(&new)) {
            any.push(new);
        }
        found
    }
}

fn conflict(field: &str, new: Assignment<'_>, first: Assignment<'_>) -> Diagnostic {
    let message = format!("`{}` and `{}` can set `{field}` to different values", first.rule, new.rule);
    Diagnostic::error(code::CONFLICTING_SET, new.value.span, message)
        .label(first.value.span, "the other value")
        .help("write one rule, with both cases in one expression: `condition ? value : other`")
}
