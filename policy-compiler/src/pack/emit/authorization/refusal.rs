//! What an AuthorizationPolicy cannot say, and the differences that a user may accept.

/// Why something cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The reason, after `RULE cannot be said in an AuthorizationPolicy:`.
    pub(super) text: String,
    /// What to do.
    pub(super) help: String,
}

impl Refusal {
    /// Creates a refusal.
    pub(super) fn new(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { text: text.into(), help: help.into() }
    }

    /// Creates the refusal of what can be said, except for a difference that has not been accepted.
    pub(super) fn difference(difference: Difference) -> Self {
        let text = difference.meaning().to_owned();
        Self { text, help: format!("if that is acceptable, add `--accept {}`", difference.name()) }
    }
}

/// A difference between the decisions of the tree and those of the emitted policies. Each needs the consent of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Paths with several readings, and long ones.
    OddPaths,
    /// Repeated headers, and long ones.
    OddHeaders,
    /// Hosts with a port that is none, or with a final dot.
    OddHosts,
    /// Clients without an IP address, and IPv4 addresses in the form of IPv6.
    OddAddresses,
    /// Claims of another type than the declared one, and empty lists.
    OddClaims,
    /// Segments that the templates of Envoy do not match.
    Templates,
    /// The status and the text of a denial.
    Answers,
    /// Invalid contexts.
    Contexts,
}

impl Difference {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OddPaths,
        Self::OddHeaders,
        Self::OddHosts,
        Self::OddAddresses,
        Self::OddClaims,
        Self::Templates,
        Self::Answers,
        Self::Contexts,
    ];

    /// Returns its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OddPaths => "odd-paths",
            Self::OddHeaders => "odd-headers",
            Self::OddHosts => "odd-hosts",
            Self::OddAddresses => "odd-addresses",
            Self::OddClaims => "odd-claims",
            Self::Templates => "templates",
            Self::Answers => "answers",
            Self::Contexts => "contexts",
        }
    }

    /// Returns what differs, as a sentence without a full stop.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OddPaths => {
                "RBAC does not reject paths with several readings or longer than `headerValueBytes`, and decides about them as they are written"
            }
            Self::OddHeaders => {
                "RBAC compares each value of a repeated header, or joins them with commas, and reads headers longer than `headerValueBytes`, where the rule ends with an error"
            }
            Self::OddHosts => {
                "RBAC does not reject hosts whose port is no number, and compares the beginning of a name with its final dot"
            }
            Self::OddAddresses => {
                "RBAC takes a client without an IP address for one of another network, and an IPv4 address that is written as `::ffff:10.0.0.1` for one of IPv6"
            }
            Self::OddClaims => {
                "Istio compares the items of a list and a text alike, and an empty list is no claim to it"
            }
            Self::Templates => {
                "Envoy's templates match only segments of the characters that they list, in some versions without `=` and `*`"
            }
            Self::Answers => "RBAC answers every denial with 403 and a text of its own",
            Self::Contexts => "RBAC does not read contexts, so it does not reject the invalid ones as the Mesh asks",
        }
    }
}
