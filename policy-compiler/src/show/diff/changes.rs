//! Changes between two versions: what was added, removed or changed.

use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::artifact::tables::Tables;

use super::{
    Version,
    aspects::{self, Aspects},
};

/// The kind of thing that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A setting of the mesh.
    Mesh,
    /// A domain.
    Domain,
    /// A service.
    Service,
    /// A field.
    Field,
    /// A rule.
    Rule,
    /// A word with a number.
    Word,
}

impl Kind {
    /// Returns the name of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::Domain => "domain",
            Self::Service => "service",
            Self::Field => "field",
            Self::Rule => "rule",
            Self::Word => "word",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What changed.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The change.
    pub what: What,
}

/// How something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Only the new version has it, with these properties.
    Added(Vec<(String, String)>),
    /// Only the old version has it, with these properties.
    Removed(Vec<(String, String)>),
    /// Properties differ: name, old value, new value.
    Changed(Vec<(String, String, String)>),
}

/// Returns all changes, by kind and name. The place and order of rules have no meaning.
pub fn changes(old: &Version, new: &Version) -> Vec<Change> {
    // Sources are only compared with sources.
    let source = old.expressions.is_some() && new.expressions.is_some();
    let (old, new) = (all(old, source), all(new, source));
    let names: BTreeSet<&(Kind, String)> = old.keys().chain(new.keys()).collect();
    let changes = names.into_iter().filter_map(|key| {
        let what = match (old.get(key), new.get(key)) {
            (None, Some(new)) => What::Added(new.clone()),
            (Some(old), None) => What::Removed(old.clone()),
            (Some(old), Some(new)) => What::Changed(differences(old, new)?),
            (None, None) => return None,
        };
        Some(Change { kind: key.0, name: key.1.clone(), what })
    });
    changes.collect()
}

fn all(version: &Version, source: bool) -> BTreeMap<(Kind, String), Aspects> {
    let tables: &Tables = &version.tables;
    let mut all = BTreeMap::new();
    all.insert((Kind::Mesh, tables.mesh.name.clone()), aspects::mesh(&tables.mesh));
    let domains = tables.domains.iter().map(|domain| ((Kind::Domain, domain.name.clone()), aspects::domain(domain)));
    all.extend(domains);
    let services = tables.services.iter();
    all.extend(services.map(|of| ((Kind::Service, of.name.clone()), aspects::service(tables, of))));
    let fields = tables.fields.iter();
    all.extend(fields.map(|field| ((Kind::Field, field.name.clone()), aspects::field(tables, field))));
    let rules = tables.rules.iter().enumerate();
    all.extend(rules.map(|(index, of)| ((Kind::Rule, of.name.clone()), aspects::rule(version, index, of, source))));
    all.extend(tables.words.iter().map(|word| ((Kind::Word, word.text.clone()), aspects::word(word))));
    all
}

/// Returns the properties that differ, or `None` if there are none.
fn differences(old: &Aspects, new: &Aspects) -> Option<Vec<(String, String, String)>> {
    let value = |of: &Aspects, name: &str| of.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut names: Vec<&String> = old.iter().map(|(name, _)| name).collect();
    names.extend(new.iter().map(|(name, _)| name).filter(|name| value(old, name).is_none()));
    let found = names.into_iter().filter_map(|name| {
        let or_none = |of: &Aspects| value(of, name).unwrap_or_else(|| "none".to_owned());
        let (old, new) = (or_none(old), or_none(new));
        (old != new).then(|| (name.clone(), old, new))
    });
    let found: Vec<_> = found.collect();
    (!found.is_empty()).then_some(found)
}
