//! Schemas and their versions: the active version and the older ones beside it.
//!
//! During a rollout, sidecars with an older and with a newer schema talk to each other. A tree may therefore keep older
//! versions of a schema, as documents of the same name and domain with other `version`s. Only the newest one declares
//! fields.

use std::collections::HashMap;

use semver::Version;

use super::Field;
use crate::{
    read::document::{Metadata, Schema},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// One version of a schema.
#[derive(Debug, Clone)]
pub struct SchemaVersion {
    /// Its name; empty if the document has none, which has been reported.
    pub name: String,
    /// The domain that owns it, or `enterprise`.
    pub domain: String,
    /// Its version, if it has one.
    pub version: Option<Version>,
    /// Whether it is the active version.
    pub active: bool,
    /// Its fields, sorted by name.
    pub fields: Vec<Field>,
    /// The place of its version, or else of its name.
    pub span: Span,
}

impl SchemaVersion {
    pub(super) fn new(head: &Metadata, domain: &str, active: bool, mut fields: Vec<Field>) -> Self {
        fields.sort_by(|a, b| a.table.name.cmp(&b.table.name));
        let name = head.name.as_ref();
        let span = head.version.as_ref().map(|version| version.span).or(name.map(|name| name.span));
        Self {
            name: name.map(|name| name.value.clone()).unwrap_or_default(),
            domain: domain.to_owned(),
            version: head.version.as_ref().map(|version| version.value.clone()),
            active,
            fields,
            span: span.unwrap_or(head.span),
        }
    }
}

/// The identity of a schema: its name and its domain.
type Key = (String, Option<String>);

fn key(schema: &Schema) -> Option<Key> {
    let Metadata { name, domain, .. } = &schema.metadata;
    Some((name.as_ref()?.value.clone(), domain.as_ref().map(|domain| domain.value.clone())))
}

fn version(schema: &Schema) -> Option<&Spanned<Version>> {
    schema.metadata.version.as_ref()
}

/// Returns the rank of a version. A release ranks above all pre-releases, so that a pre-release is active only if there
/// is no release. A document without a version ranks below all.
fn rank(version: Option<&Spanned<Version>>) -> Option<(bool, Version)> {
    version.map(|version| {
        let mut precedence = version.value.clone();
        precedence.build = semver::BuildMetadata::EMPTY;
        (precedence.pre.is_empty(), precedence)
    })
}

/// Returns the schemas, each with whether it is the active version.
pub(super) fn with_active(schemas: Vec<Schema>) -> Vec<(Schema, bool)> {
    let mut highest: HashMap<Key, Option<(bool, Version)>> = HashMap::new();
    for (key, rank) in schemas.iter().filter_map(|schema| Some((key(schema)?, rank(version(schema))))) {
        let known = highest.entry(key).or_default();
        if rank > *known {
            *known = rank;
        }
    }
    let counts = |schema: &Schema| match key(schema) {
        Some(key) => highest.get(&key).is_none_or(|highest| *highest == rank(version(schema))),
        None => true,
    };
    let with_active = |schema| {
        let active = counts(&schema);
        (schema, active)
    };
    schemas.into_iter().map(with_active).collect()
}

/// Reports two schemas of one name and domain that have the same version, or of which one has none.
pub(super) fn report_duplicates(schemas: &[Schema], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<Key, Vec<&Schema>> = HashMap::new();
    for schema in schemas {
        let (Some(key), Some(name)) = (key(schema), &schema.metadata.name) else { continue };
        let owner = key.1.as_ref().map_or("the enterprise".to_owned(), |domain| format!("domain `{domain}`"));
        let known = seen.entry(key).or_default();
        let clash = known.iter().find(|other| {
            let (a, b) = (rank(version(schema)), rank(version(other)));
            a == b || a.is_none() || b.is_none()
        });
        if let Some(first) = clash {
            let (what, help) = match version(schema) {
                Some(version) if rank(Some(version)) == rank(self::version(first)) => {
                    (format!(" {}", version.value), "give one of them another name or another version")
                }
                None if version(first).is_none() => (String::new(), "give one of them another name"),
                _ => (", one without a version".to_owned(), "several versions are allowed if each says its `version`"),
            };
            let message = format!("{owner} has two documents ContextSchema `{}`{what}", name.value);
            let first = first.metadata.name.as_ref().map_or(first.metadata.span, |name| name.span);
            let problem = Diagnostic::error(code::DUPLICATE_DOCUMENT, name.span, message);
            diagnostics.push(problem.label(first, "the first one").help(help));
        }
        known.push(schema);
    }
}
