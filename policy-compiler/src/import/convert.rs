//! Writes the tree that decides as the policies do, and says for each policy how it was converted.

use super::{istio::Resources, select::Group};

/// A converted tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converted {
    /// The files, sorted by path. They are to be written only if no verdict is [`Verdict::Refused`].
    pub files: Vec<File>,
    /// The verdicts, in the order of [`Resources::policies`].
    pub verdicts: Vec<Verdict>,
}

/// A file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the tree.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// How the conversion of a policy compares with the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every request is decided as before.
    Exact,
    /// Some requests that the policy let pass are rejected.
    Stricter(Vec<Reason>),
    /// It cannot be converted.
    Refused(Vec<Reason>),
}

/// Why a policy is not exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The part of the policy.
    pub span: crate::report::source::Span,
    /// What differs, and what to do.
    pub text: String,
}

/// Converts the policies.
pub fn convert(_resources: &Resources, _groups: &[Group]) -> Converted {
    Converted::default()
}
