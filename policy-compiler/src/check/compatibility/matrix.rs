//! Compares all versions of a schema with each other.

use semver::Version;

use super::change::{Comparison, Reason, compare};
use crate::check::model::SchemaVersion;

/// A tree of documents, with a name that distinguishes it from others, such as its folder.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The name.
    pub name: String,
    /// Its schemas, in all versions that it has.
    pub schemas: Vec<SchemaVersion>,
}

/// For all versions of a schema, whether each can use what each other one sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The domain that owns the schema, or `enterprise`.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Its versions, oldest first. One without a number is named after its tree.
    pub versions: Vec<String>,
    /// For each writer and each reader, both as indices into `versions`: the fields whose values the reader cannot use,
    /// and why.
    pub cells: Vec<Vec<Vec<(String, Reason)>>>,
}

impl Matrix {
    /// Whether all versions are compatible with each other.
    pub fn is_compatible(&self) -> bool {
        self.cells.iter().flatten().all(Vec::is_empty)
    }
}

/// Returns the matrix of every schema. A version that is in several trees counts once; if its fields differ, all
/// variants are shown with the names of their trees. Versions without a number are older than all others, in the order
/// of the trees.
pub fn matrices(trees: &[Tree]) -> Vec<Matrix> {
    let mut schemas: Vec<(&str, &str)> = trees
        .iter()
        .flat_map(|tree| &tree.schemas)
        .map(|schema| (schema.domain.as_str(), schema.name.as_str()))
        .collect();
    schemas.sort_unstable();
    schemas.dedup();
    schemas.into_iter().map(|(domain, name)| matrix(domain, name, trees)).collect()
}

fn matrix(domain: &str, name: &str, trees: &[Tree]) -> Matrix {
    let mut versions: Vec<(&str, &SchemaVersion)> = Vec::new();
    for tree in trees {
        for schema in tree.schemas.iter().filter(|schema| schema.domain == domain && schema.name == name) {
            let same = |(_, known): &&(&str, &SchemaVersion)| {
                known.version == schema.version && compare(&known.fields, &schema.fields).changes.is_empty()
            };
            if !versions.iter().any(|known| same(&known)) {
                versions.push((&tree.name, schema));
            }
        }
    }
    // The sort is stable, so equal versions stay in the order of the trees.
    versions.sort_by(|(_, a), (_, b)| a.version.cmp(&b.version));
    let twice = |version: &Option<Version>| versions.iter().filter(|(_, other)| other.version == *version).count() > 1;
    let label = |(tree, schema): &(&str, &SchemaVersion)| match &schema.version {
        None => (*tree).to_owned(),
        Some(version) if twice(&schema.version) => format!("{version} ({tree})"),
        Some(version) => version.to_string(),
    };
    let cell = |writer: usize, reader: usize| -> Vec<(String, Reason)> {
        let (Some((_, w)), Some((_, r))) = (versions.get(writer), versions.get(reader)) else { return Vec::new() };
        let owned = |(field, reason): (&str, &Reason)| (field.to_owned(), reason.clone());
        if writer < reader {
            compare(&w.fields, &r.fields).backward().map(owned).collect()
        } else {
            compare(&r.fields, &w.fields).forward().map(owned).collect()
        }
    };
    let all = || 0..versions.len();
    Matrix {
        domain: domain.to_owned(),
        name: name.to_owned(),
        versions: versions.iter().map(label).collect(),
        cells: all().map(|writer| all().map(|reader| cell(writer, reader)).collect()).collect(),
    }
}

/// Compares two versions, the older one first.
pub(super) fn in_order(a: &SchemaVersion, b: &SchemaVersion) -> Comparison {
    if a.version <= b.version { compare(&a.fields, &b.fields) } else { compare(&b.fields, &a.fields) }
}
