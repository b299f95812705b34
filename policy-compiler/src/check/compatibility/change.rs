//! What differs between two versions of a schema, field by field.

use super::options;
use crate::check::model::Field;

/// What a version that does not understand another one gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// The value: it is taken out, or a context without it is invalid.
    Value,
    /// What applications and rules rely on.
    Behaviour,
    /// What keeps the field from who must not see it.
    Privacy,
}

impl Aspect {
    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Behaviour => "behaviour",
            Self::Privacy => "privacy",
        }
    }
}

/// Why what one version sends is not good for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What goes wrong.
    pub aspect: Aspect,
    /// How, as half a sentence.
    pub text: String,
}

impl Reason {
    pub(super) fn new(aspect: Aspect, text: impl Into<String>) -> Self {
        Self { aspect, text: text.into() }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: String,
    /// The option that differs, or `field` when the field is new, gone or moved.
    pub option: &'static str,
    /// What differs, as half a sentence.
    pub text: String,
    /// Why what the old version sends is not good for the new one.
    pub backward: Option<Reason>,
    /// Why what the new version sends is not good for the old one.
    pub forward: Option<Reason>,
    /// Whether something was added: a field, or a header that shows one.
    pub addition: bool,
}

/// In which directions two versions understand each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In both.
    Full,
    /// What the old one sends is good for the new one.
    Backward,
    /// What the new one sends is good for the old one.
    Forward,
    /// In none.
    Incompatible,
}

impl Verdict {
    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Incompatible => "incompatible",
        }
    }

    /// The verdict about two versions of which each direction is good or not.
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
    /// The fields with the reasons why what the old version sends is not good for the new one.
    pub fn backward(&self) -> impl Iterator<Item = (&str, &Reason)> {
        self.changes.iter().filter_map(|change| Some((change.field.as_str(), change.backward.as_ref()?)))
    }

    /// The fields with the reasons why what the new version sends is not good for the old one.
    pub fn forward(&self) -> impl Iterator<Item = (&str, &Reason)> {
        self.changes.iter().filter_map(|change| Some((change.field.as_str(), change.forward.as_ref()?)))
    }

    /// In which directions the versions understand each other.
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
    // Stable: the changes of one field stay in the order of its options.
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    Comparison { changes }
}

/// A context carries fields that nobody declares as they are. So a new field does no harm where it is not known, unless it
/// needs protection that it does not get there.
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
