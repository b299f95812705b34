//! Compares two trees, schema by schema.

use semver::Version;

use super::{
    change::{Aspect, Change, Comparison, Reason, compare},
    version::{Advice, Level, advise},
};
use crate::check::model::{Field, SchemaVersion};

/// What became of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// The domain that owns it, or `enterprise`.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Its old version, if it had one.
    pub old: Option<Version>,
    /// Its new version, if it has one.
    pub new: Option<Version>,
    /// The differences.
    pub comparison: Comparison,
    /// Advice about its version.
    pub advice: Advice,
}

/// Whether two documents are versions of the same schema.
pub(super) fn same_schema(a: &SchemaVersion, b: &SchemaVersion) -> bool {
    (&a.domain, &a.name) == (&b.domain, &b.name)
}

/// Compares the active versions of an old and a new tree, schema by schema. A field may move from one schema to
/// another, because all schemas share one set of fields.
pub fn check(old: &[SchemaVersion], new: &[SchemaVersion]) -> Vec<SchemaChange> {
    let active = |schemas| actives(schemas);
    let (old, new) = (active(old), active(new));
    let mut changes: Vec<SchemaChange> = old.iter().map(|before| became(before, &old, &new)).collect();
    let is_new = |after: &&&SchemaVersion| !old.iter().any(|before| same_schema(before, after));
    changes.extend(new.iter().filter(is_new).map(|after| {
        let comparison = compare(&[], &added(after, &old));
        SchemaChange { advice: Advice::Fits, ..change(after, None, after.version.clone(), comparison) }
    }));
    changes.sort_by(|a, b| (&a.domain, &a.name).cmp(&(&b.domain, &b.name)));
    changes
}

fn actives(schemas: &[SchemaVersion]) -> Vec<&SchemaVersion> {
    schemas.iter().filter(|schema| schema.active).collect()
}

fn change(schema: &SchemaVersion, old: Option<Version>, new: Option<Version>, comparison: Comparison) -> SchemaChange {
    let advice = advise(old.as_ref(), new.as_ref(), Level::of(&comparison));
    SchemaChange { domain: schema.domain.clone(), name: schema.name.clone(), old, new, comparison, advice }
}

fn became(before: &SchemaVersion, old: &[&SchemaVersion], new: &[&SchemaVersion]) -> SchemaChange {
    let after = new.iter().find(|after| same_schema(before, after));
    let mut fields = after.map(|after| added(after, old)).unwrap_or_default();
    let mut moves = Vec::new();
    for field in &before.fields {
        let of = |schema: &&SchemaVersion| Some((find(schema, field)?.clone(), schema.domain.clone()));
        let Some((now, owner)) = after.and_then(of).or_else(|| new.iter().find_map(of)) else { continue };
        if owner != before.domain {
            moves.push(moved(&now, &before.domain, &owner));
        }
        fields.push(now);
    }
    let mut comparison = compare(&before.fields, &fields);
    comparison.changes.extend(moves);
    comparison.changes.sort_by(|a, b| a.field.cmp(&b.field));
    let gone = after.is_none();
    let change = change(before, before.version.clone(), after.and_then(|after| after.version.clone()), comparison);
    // A removed schema has no version to raise.
    if gone { SchemaChange { advice: Advice::Fits, ..change } } else { change }
}

/// Returns the fields of a schema that no schema had before.
fn added(after: &SchemaVersion, old: &[&SchemaVersion]) -> Vec<Field> {
    after.fields.iter().filter(|field| !old.iter().any(|before| find(before, field).is_some())).cloned().collect()
}

fn find<'s>(schema: &'s SchemaVersion, field: &Field) -> Option<&'s Field> {
    schema.fields.iter().find(|other| other.table.name == field.table.name)
}

fn moved(field: &Field, before: &str, after: &str) -> Change {
    let text = format!("rules of `{before}` cannot set it any more");
    Change {
        field: field.table.name.clone(),
        option: "field",
        text: format!("owner {before} -> {after}"),
        backward: Some(Reason::new(Aspect::Behaviour, text)),
        forward: None,
        addition: false,
    }
}
