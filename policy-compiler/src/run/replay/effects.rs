//! What rules make of each field, as far as it is known: values are set, then masked, then taken out, as the filter does
//! (`core/src/pipeline/apply.rs`).

use std::collections::BTreeMap;

use context_mesh_core::{
    artifact::tables::{Effect, Layer, MaskMethod, RuleTable, Tables},
    context::CALLER,
    index::ProgramIndex,
    mask::stricter,
};

use super::{Applies, Depends, Ran, Replay};

/// A value that a rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Its JSON text.
    Known(String),
    /// It is an error, so nothing is set.
    Failed,
    /// It depends on missing values.
    Unknown(Depends),
}

/// What happens to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The program of the value that it gets, and the value. `None` if it keeps its own.
    pub set: Option<(ProgramIndex, Value)>,
    /// How much of it is shown then.
    pub shown: Shown,
}

/// How much of a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// What a mask leaves.
    Masked(MaskMethod),
    /// Nothing.
    TakenOut,
}

/// Returns for each field that an effect names what happens to it, or the missing values that this depends on.
pub fn actions(replay: &Replay, tables: &Tables) -> BTreeMap<String, Result<Action, Depends>> {
    let mut by_field: BTreeMap<&str, Vec<(&RuleTable, &Ran)>> = BTreeMap::new();
    for ran in &replay.rules {
        let Some(rule) = ran.rule.get(&tables.rules) else { continue };
        let fields: Vec<&str> = match &rule.effect {
            Effect::Redact { fields } | Effect::Mask { fields, .. } => fields.iter().map(String::as_str).collect(),
            Effect::Set { fields } => fields.iter().map(|(field, _)| field.as_str()).collect(),
            _ => continue,
        };
        fields.into_iter().for_each(|field| by_field.entry(field).or_default().push((rule, ran)));
    }
    let named = by_field.into_iter().map(|(field, rules)| (field.to_owned(), action(field, &rules)));
    named.collect()
}

fn action(field: &str, rules: &[(&RuleTable, &Ran)]) -> Result<Action, Depends> {
    let shown = if field == CALLER { Shown::Whole } else { shown(rules)? };
    // Whatever the value was.
    let set = if shown == Shown::TakenOut { None } else { set(field, rules)? };
    Ok(Action { set, shown })
}

/// Returns how much is shown: a redaction wins over masks, and of masks the strictest.
fn shown(rules: &[(&RuleTable, &Ran)]) -> Result<Shown, Depends> {
    let mut unknown = Depends::new();
    let redactions = rules.iter().filter(|(rule, _)| matches!(rule.effect, Effect::Redact { .. }));
    for (_, ran) in redactions {
        match &ran.applies {
            Applies::Yes => return Ok(Shown::TakenOut),
            Applies::No => {}
            Applies::Unknown(depends) => unknown.extend(depends.iter().cloned()),
        }
    }
    let masks = || {
        rules.iter().filter_map(|(rule, ran)| match rule.effect {
            Effect::Mask { method, .. } => Some((method, &ran.applies)),
            _ => None,
        })
    };
    let certain = masks().filter(|(_, applies)| **applies == Applies::Yes).map(|(method, _)| method).reduce(stricter);
    for (method, applies) in masks() {
        if let Applies::Unknown(depends) = applies
            && certain.is_none_or(|certain| stricter(certain, method) != certain)
        {
            unknown.extend(depends.iter().cloned());
        }
    }
    if unknown.is_empty() { Ok(certain.map_or(Shown::Whole, Shown::Masked)) } else { Err(unknown) }
}

/// Returns the value that a field gets: the last one, and the enterprise's after the domain's.
fn set(field: &str, rules: &[(&RuleTable, &Ran)]) -> Result<Option<(ProgramIndex, Value)>, Depends> {
    for layer in [Layer::Enterprise, Layer::Domain] {
        for (rule, ran) in rules.iter().rev().filter(|(rule, _)| rule.layer == layer) {
            let Effect::Set { fields } = &rule.effect else { continue };
            for (place, (_, program)) in fields.iter().enumerate().rev().filter(|(_, (name, _))| name == field) {
                let value = ran.values.get(place).map_or(&Value::Failed, |(_, value)| value);
                match (&ran.applies, value) {
                    (Applies::No, _) | (_, Value::Failed) => {}
                    (Applies::Yes, value) => return Ok(Some((*program, value.clone()))),
                    (Applies::Unknown(depends), _) => return Err(depends.clone()),
                }
            }
        }
    }
    Ok(None)
}
