//! The differences between two versions of a schema, field by field.

use super::options;
use crate::check::model::Field;

/// The kind of harm when a version does not understand another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// The value: it is removed, or a context without it is invalid.
    Value,
    /// The behaviour that applications and rules rely on.
    Behaviour,
    /// The protection of the field from those who must not see it.
    Privacy,
}

impl Aspect {
    /// Returns the word used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Behaviour => "behaviour",
            Self::Privacy => "privacy",
        }
    }
}

/// Why one version cannot use what another sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of harm.
    pub aspect: Aspect,
    /// The reason, as a clause.
    pub text: String,
}

impl Reason {
    pub(super) fn new(aspect: Aspect, text: impl Into<String>) -> Self {
        Self { aspect, text: text.into() }
    }
}

/// A difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: String,
    /// The option that differs, or `field` if the field is new, removed or moved.
    pub option: &'static str,
    /// The difference, as a clause.
    pub text: String,
    /// Why the new version cannot use what the old one sends.
    pub backward: Option<Reason>,
    /// Why the old version cannot use what the new one sends.
    pub forward: Option<Reason>,
    /// Whether something was added: a field, or a header that shows one.
    pub addition: bool,
}

/// The directions in which two versions are compatible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both directions.
    Full,
    /// The new version can use what the old one sends.
    Backward,
    /// The old version can use what the new one sends.
    Forward,
    /// Neither direction.
    Incompatible,
}

impl Verdict {
    /// Returns the word used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Incompatible => "incompatible",
        }
    }

    /// Returns the verdict for two versions, given the compatibility of each direction.
    pub const fn of(backward: bool, forward: bool) -> Self {
        match (backward, forward) {
            (true, true) => Self::Full,
            (true, false) => Self::Backward,
            (false, true) => Self::Forward,
            (false, false) => Self::Incompatible,
        }
    }
}

/// All differences between two versions, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The differences.
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Returns the fields with the reasons why the new version cannot use what the old one sends.
    pub fn backward(&self) -> impl Iterator<Item = (&str, &Reason)> {
        self.changes.iter().filter_map(|change| Some((change.field.as_str(), change.backward.as_ref()?)))
    }

    /// Returns the fields with the reasons why the old version cannot use what the new one sends.
    pub fn forward(&self) -> impl Iterator<Item = (&str, &Reason)> {
        self.changes.iter().filter_map(|change| Some((change.field.as_str(), change.forward.as_ref()?)))
    }

    /// Returns the directions in which the versions are compatible.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.backward().next().is_none(), self.forward().next().is_none())
    }
}

/// Compares the fields of an older and a newer version.
pub fn compare(old: &[Field], new: &[Field]) -> Comparison {
    let mut changes = Vec::new();
    for field in old {
        match new.iter().find(|other| other.table.name == field.table.name) {
            Some(other) => changes.extend(options::differences(field, other)),
            None => changes.push(removed(field)),
        }
    }
    let is_new = |field: &&Field| !old.iter().any(|other| other.table.name == field.table.name);
    changes.extend(new.iter().filter(is_new).map(added));
    // The sort is stable: the changes of one field stay in the order of its options.
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    Comparison { changes }
}

/// Returns the change for a new field. A context carries undeclared fields unchanged, so a new field does no harm where
/// it is not known, unless it needs protection that it does not get there.
fn added(field: &Field) -> Change {
    let required = field.table.required;
    let missing = || Reason::new(Aspect::Value, "it is required, and what is sent does not have it");
    Change {
        field: field.table.name.clone(),
        option: "field",
        text: format!("a new {} field", if required { "required" } else { "optional" }),
        backward: required.then(missing),
        forward: options::unprotected(&field.table),
        addition: true,
    }
}

fn removed(field: &Field) -> Change {
    let missing = || Reason::new(Aspect::Value, "it is required, and what is sent may not have it any more");
    let gone = || Reason::new(Aspect::Behaviour, "applications are not shown it any more, and no rule can name it");
    Change {
        field: field.table.name.clone(),
        option: "field",
        text: "it is not declared any more".to_owned(),
        backward: Some(options::unprotected(&field.table).unwrap_or_else(gone)),
        forward: field.table.required.then(missing),
        addition: false,
    }
}
