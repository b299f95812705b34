//! The cause of a refusal: a rule, allow rules of which none matched, or the mesh itself.

use crate::tables::Layer;

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'w> {
    /// The rule of this name.
    Rule(&'w str),
    /// The layer has allow rules, and none of them matched.
    NotAllowed(Layer),
    /// A setting or a limit of the mesh.
    Mesh(MeshCause),
}

/// A setting or a limit of the mesh that refuses requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeshCause {
    /// The path of the request is ambiguous, and `ambiguousPath: deny`, or a rule that reads the path, refuses such
    /// requests.
    AmbiguousPath,
    /// `ambiguousRecall: deny`
    AmbiguousRecall,
    /// The request needs more work or memory than one request may use.
    Budget,
    /// `trust.callerMismatch: deny`
    CallerMismatch,
    /// The context is larger than it may be.
    ContextSize,
    /// `lostRecall: deny`
    LostRecall,
    /// `onInvalid: deny`
    OnInvalid,
    /// The route of a call changed after the decision.
    Route,
}

impl<'w> Cause<'w> {
    /// All causes except rules.
    pub const OTHERS: [Self; 10] = [
        Self::NotAllowed(Layer::Enterprise),
        Self::NotAllowed(Layer::Domain),
        Self::Mesh(MeshCause::AmbiguousPath),
        Self::Mesh(MeshCause::AmbiguousRecall),
        Self::Mesh(MeshCause::Budget),
        Self::Mesh(MeshCause::CallerMismatch),
        Self::Mesh(MeshCause::ContextSize),
        Self::Mesh(MeshCause::LostRecall),
        Self::Mesh(MeshCause::OnInvalid),
        Self::Mesh(MeshCause::Route),
    ];

    /// Returns the name in reports. Names of rules contain a `/`, and others do not.
    pub const fn as_str(self) -> &'w str {
        match self {
            Self::Rule(name) => name,
            Self::NotAllowed(Layer::Enterprise) => "enterprise allow rules",
            Self::NotAllowed(Layer::Domain) => "domain allow rules",
            Self::Mesh(cause) => cause.as_str(),
        }
    }

    /// Returns the cause with this name in a report.
    pub fn of(name: &'w str) -> Self {
        Self::OTHERS.into_iter().find(|cause| cause.as_str() == name).unwrap_or(Self::Rule(name))
    }
}

impl MeshCause {
    /// Returns the name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "mesh ambiguousPath",
            Self::AmbiguousRecall => "mesh ambiguousRecall",
            Self::Budget => "mesh budget",
            Self::CallerMismatch => "mesh callerMismatch",
            Self::ContextSize => "mesh context size",
            Self::LostRecall => "mesh lostRecall",
            Self::OnInvalid => "mesh onInvalid",
            Self::Route => "mesh route",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_cause_is_known_by_its_name() {
        for cause in Cause::OTHERS {
            assert_eq!(Cause::of(cause.as_str()), cause);
            assert!(!cause.as_str().contains('/'));
        }
        assert_eq!(Cause::of("shop/p/r"), Cause::Rule("shop/p/r"));
    }
}
