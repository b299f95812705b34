//! Compares what goes on of a request that both versions allow, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::artifact::tables::MaskMethod;
use context_mesh_core::index::ProgramIndex;

use super::{Both, Comparison, presence};
use crate::run::{
    recorded::Presence,
    replay::{Action, Depends, Shown, Value, actions},
};
use crate::show::diff::{code, impact::Values};

/// Whether something is so, as far as it is known.
enum Known {
    Yes,
    No,
    Depends(Depends),
}

impl Comparison<'_> {
    /// Adds the fields that certainly go on otherwise, and what the others depend on.
    pub(super) fn effects(&self, both: &Both<'_>, context: &mut Values, depends: &mut Depends) {
        let changed = self.unchanged.changed_fields().filter(|field| !self.is_absent(both, field));
        depends.extend(changed.map(|field| format!("context.{field}")));
        if !both.old.again.is_empty() || !both.new.again.is_empty() {
            depends.insert("which reading of the path a rule applies to".to_owned());
        }
        if both.old.surroundings != both.new.surroundings || self.unchanged.has_moved(&both.recorded.request.workload) {
            // Regions and pseudonyms are those of the destination.
            depends.insert("the context".to_owned());
        }
        let (old, new) = (actions(&both.old, &self.old.tables), actions(&both.new, &self.new.tables));
        let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let untouched = Ok(Action { set: None, shown: Shown::Whole });
        for field in fields {
            let of = |actions: &BTreeMap<String, Result<Action, Depends>>| {
                actions.get(field).cloned().unwrap_or_else(|| untouched.clone())
            };
            match (of(&old), of(&new)) {
                (Ok(old), Ok(new)) => match self.same_action(&old, &new, presence(both, field)) {
                    Known::Yes => {}
                    Known::No => context.push((field.clone(), text(&old), text(&new))),
                    Known::Depends(mut values) => {
                        if values.is_empty() {
                            values.insert(format!("context.{field}"));
                        }
                        depends.extend(values);
                    }
                },
                (old, new) => depends.extend([old, new].into_iter().filter_map(Result::err).flatten()),
            }
        }
    }

    /// Compares what happens to a field of which it is known whether the request has it.
    fn same_action(&self, old: &Action, new: &Action, presence: Presence) -> Known {
        if old.shown == new.shown && self.same_set(old.set.as_ref(), new.set.as_ref()) {
            return Known::Yes;
        }
        let set = |action: &Action| action.set.as_ref().map(|(_, value)| value.clone());
        match (set(old), set(new)) {
            (None, None) => match presence {
                Presence::Absent => Known::Yes,
                Presence::Present => Known::No,
                Presence::Unknown => Known::Depends(Depends::new()),
            },
            (Some(Value::Known(_)), Some(Value::Known(_))) => Known::No,
            (Some(Value::Known(_)), None) | (None, Some(Value::Known(_))) if presence == Presence::Absent => Known::No,
            (old, new) => {
                let missing = [old, new].into_iter().flatten().filter_map(|value| match value {
                    Value::Unknown(depends) => Some(depends),
                    Value::Known(_) | Value::Failed => None,
                });
                Known::Depends(missing.flatten().collect())
            }
        }
    }

    /// Whether two fields get the same value: by the value, or by the program, which has the same request before it.
    fn same_set(&self, old: Option<&(ProgramIndex, Value)>, new: Option<&(ProgramIndex, Value)>) -> bool {
        match (old, new) {
            (None, None) => true,
            (Some((_, Value::Known(old))), Some((_, Value::Known(new)))) => old == new,
            (Some((old, _)), Some((new, _))) => {
                code::text(&self.old.tables, *old) == code::text(&self.new.tables, *new)
            }
            _ => false,
        }
    }
}

/// Describes what happens to a field, or returns `None` if nothing of it goes on.
fn text(action: &Action) -> Option<String> {
    let value = match &action.set {
        Some((_, Value::Known(value))) => value.clone(),
        Some(_) => "set by a rule".to_owned(),
        None => "as received".to_owned(),
    };
    match action.shown {
        Shown::TakenOut => None,
        Shown::Whole => Some(value),
        Shown::Masked(MaskMethod::KeepLast(kept)) => {
            Some(format!("{value}, masked but for the last {kept} characters"))
        }
        Shown::Masked(MaskMethod::Hash) => Some(format!("{value}, masked as a hash")),
        Shown::Masked(MaskMethod::Pseudonym) => Some(format!("{value}, masked as a pseudonym")),
    }
}
