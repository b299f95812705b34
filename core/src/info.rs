//! The names of the statistics that show which artifact a filter runs, and which ones it rejected.
//!
//! Statistics of Envoy have no labels of their own. So the names have parts that a regular expression for tags can match:
//!
//! ```text
//! context_mesh.artifact_info.service.SERVICE.role.ROLE.revision.REVISION.digest.DIGEST   1 while it runs, 0 afterwards
//! context_mesh.artifact_refused.reason.REASON.revision.REVISION.digest.DIGEST            how often it was refused
//! ```
//!
//! Only the revision may contain dots. `-` means that the revision or the digest is not known.

use core::fmt;

use crate::artifact::{LoadError, Stamp};
use crate::limits::MAX_INFO_SERVICE_BYTES;
use crate::pipeline::Role;

/// The part of a name for something that is not known.
pub const UNKNOWN: &str = "-";

/// The part of a name for a role that follows from the direction of the listener.
pub const LISTENER: &str = "listener";

const RUNNING: &str = "context_mesh.artifact_info";
const REFUSED: &str = "context_mesh.artifact_refused";

/// Why a configuration is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The plugin configuration is not what the filter expects.
    Configuration,
    /// The service is not known, or the artifact is the slice of another one.
    Service,
    /// The artifact is of another release than the filter.
    Release,
    /// The artifact was changed or cut on its way, or is none.
    Damaged,
    /// A table or an instruction of the artifact breaks a rule.
    Invalid,
    /// The secret of pseudonyms is too short.
    Secret,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Configuration, Self::Service, Self::Release, Self::Damaged, Self::Invalid, Self::Secret];

    /// Returns the reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Returns what it means, for whoever sees only its name.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Configuration => "the plugin configuration is not what the filter expects; `policyc emit` writes one",
            Self::Service => "the proxy has no service name, or the artifact is the slice of another service",
            Self::Release => "the artifact is of another release than the filter: ship a filter that fits it first",
            Self::Damaged => "the artifact was changed or cut on its way, or is none: ship it again",
            Self::Invalid => "the artifact does not verify: build it with a released `policyc`",
            Self::Secret => "the secret of pseudonyms is too short: use a random one of at least 16 bytes",
        }
    }

    /// Returns its name in statistics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Service => "service",
            Self::Release => "release",
            Self::Damaged => "damaged",
            Self::Invalid => "invalid",
            Self::Secret => "secret",
        }
    }
}

impl From<&LoadError> for Reason {
    fn from(error: &LoadError) -> Self {
        match error {
            LoadError::Version { .. } | LoadError::Features { .. } | LoadError::UnknownSection { .. } => Self::Release,
            LoadError::Truncated { .. }
            | LoadError::Magic
            | LoadError::TooLarge { .. }
            | LoadError::Revision
            | LoadError::Digest { .. }
            | LoadError::Compression => Self::Damaged,
            LoadError::TooManySections
            | LoadError::SectionBounds
            | LoadError::SectionCount { .. }
            | LoadError::Section { .. }
            | LoadError::Verify { .. } => Self::Invalid,
        }
    }
}

/// Returns what is wrong if an artifact is the slice of another service. The whole is the slice of nobody.
pub fn wrong_slice(slice: &str, service: &str) -> Option<String> {
    let text = || {
        format!(
            "the artifact was built for service `{slice}`, and this is `{service}`: ship the one built with `--service {service}`"
        )
    };
    (!slice.is_empty() && slice != service).then(text)
}

/// Returns the name of the gauge that is 1 while a filter runs an artifact for a service and a role.
pub fn running(service: &str, role: Option<Role>, stamp: &Stamp) -> String {
    let (service, role) = (part(service), role.map_or(LISTENER, Role::as_str));
    format!("{RUNNING}.service.{service}.role.{role}.{}", Build(Some(stamp)))
}

/// Returns the name of the counter of a configuration that is refused. Without a stamp, its artifact is not known.
pub fn refused(reason: Reason, stamp: Option<&Stamp>) -> String {
    format!("{REFUSED}.reason.{}.{}", reason.as_str(), Build(stamp))
}

/// Returns the name of a service as it stands in the names of statistics: of letters, digits, `-` and `_`, with `_` for any
/// other byte, and limited in length.
pub fn part(service: &str) -> String {
    let known = |byte: u8| if byte.is_ascii_alphanumeric() || byte == b'-' { char::from(byte) } else { '_' };
    let part: String = service.bytes().take(MAX_INFO_SERVICE_BYTES).map(known).collect();
    if part.is_empty() { UNKNOWN.to_owned() } else { part }
}

/// Writes the parts that name an artifact.
struct Build<'s>(Option<&'s Stamp>);

impl fmt::Display for Build<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.0.and_then(|stamp| stamp.revision.as_ref());
        write!(f, "revision.{}.digest.", revision.map_or(UNKNOWN, |revision| revision.as_str()))?;
        match self.0 {
            Some(stamp) => write!(f, "{}", stamp.digest),
            None => f.write_str(UNKNOWN),
        }
    }
}

/// What the name of a statistic says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Info<'n> {
    /// A filter runs an artifact.
    Running {
        /// The service, as [`part`] writes it.
        service: &'n str,
        /// The role, or [`LISTENER`].
        role: &'n str,
        /// The revision, if it is known.
        revision: Option<&'n str>,
        /// The digest, in hex.
        digest: Option<&'n str>,
    },
    /// A configuration was refused.
    Refused {
        /// The reason, as [`Reason::as_str`] writes it.
        reason: &'n str,
        /// The revision of the artifact, if it is known.
        revision: Option<&'n str>,
        /// The digest of the artifact in hex, if it is known.
        digest: Option<&'n str>,
    },
}

impl<'n> Info<'n> {
    /// Reads the name of a statistic. `None` for any other one.
    pub fn parse(name: &'n str) -> Option<Self> {
        let (rest, digest) = name.rsplit_once(".digest.")?;
        let digest = known(digest);
        if let Some(rest) = rest.strip_prefix(RUNNING).and_then(|rest| rest.strip_prefix(".service.")) {
            let (service, rest) = rest.split_once(".role.")?;
            let (role, revision) = rest.split_once(".revision.")?;
            return Some(Self::Running { service, role, revision: known(revision), digest });
        }
        let rest = rest.strip_prefix(REFUSED)?.strip_prefix(".reason.")?;
        let (reason, revision) = rest.split_once(".revision.")?;
        Some(Self::Refused { reason, revision: known(revision), digest })
    }
}

fn known(text: &str) -> Option<&str> {
    (text != UNKNOWN).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Digest, Revision};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn stamp(revision: Option<&str>) -> Stamp {
        Stamp { digest: Digest([0xab; 32]), revision: revision.map(|text| Revision::parse(text).unwrap()) }
    }

    #[test]
    fn names_read_back_as_they_were_written() {
        let hex = "ab".repeat(32);
        let digest = Some(hex.as_str());
        for revision in [None, Some("3f2a"), Some("1.4.0"), Some("a.revision.b.digest.c.role.d")] {
            for (role, named) in [(Some(Role::Inbound), "inbound"), (None, LISTENER)] {
                let name = running("ledger", role, &stamp(revision));
                let expected = Info::Running { service: "ledger", role: named, revision, digest };
                assert_eq!(Info::parse(&name), Some(expected), "{name}");
            }
            for reason in Reason::ALL {
                let name = refused(reason, Some(&stamp(revision)));
                let expected = Info::Refused { reason: reason.as_str(), revision, digest };
                assert_eq!(Info::parse(&name), Some(expected), "{name}");
            }
        }
        let name = refused(Reason::Configuration, None);
        assert_eq!(name, "context_mesh.artifact_refused.reason.configuration.revision.-.digest.-");
        let expected = Info::Refused { reason: "configuration", revision: None, digest: None };
        assert_eq!(Info::parse(&name), Some(expected));
    }

    #[test]
    fn a_service_is_one_part_of_a_name_whatever_it_is_called() {
        let (long, cut) = ("a".repeat(1000), "a".repeat(MAX_INFO_SERVICE_BYTES));
        let cases = [
            ("ledger", "ledger"),
            ("a.role.b", "a_role_b"),
            ("a:b c/\u{e4}\n", "a_b_c____"),
            ("", "-"),
            (long.as_str(), cut.as_str()),
        ];
        for (service, expected) in cases {
            assert_eq!(part(service), expected, "{service}");
            let name = running(service, None, &stamp(None));
            assert!(matches!(Info::parse(&name), Some(Info::Running { service, .. }) if service == expected), "{name}");
        }
    }

    #[test]
    fn other_statistics_say_nothing_of_artifacts() {
        for name in [
            "",
            "context_mesh.denied",
            "context_mesh.artifact_info",
            "context_mesh.artifact_info.digest.a",
            "context_mesh.artifact_info.service.a.revision.b.digest.c",
            "context_mesh.artifact_infos.service.a.role.b.revision.c.digest.d",
            "context_mesh.artifact_refused.service.a.role.b.revision.c.digest.d",
        ] {
            assert_eq!(Info::parse(name), None, "{name}");
        }
    }
}
