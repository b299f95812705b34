//! One proxy: what it runs, what it refused, and whether that is expected.

use context_mesh_core::info;
use serde_json::Value;

use super::{
    dump::{self, Dump},
    expected::Entry,
    refusals::{all_that_load, merged, problems},
    stats::{self, Stats},
};

/// What is known of one proxy: answers of its admin interface.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Where they are from: an address, or files.
    pub source: String,
    /// The answer to `/server_info`.
    pub server_info: Option<String>,
    /// The answer to `/stats`.
    pub stats: Option<String>,
    /// Answers to `/config_dump`, whole or for some resources.
    pub dumps: Vec<String>,
}

/// An artifact that a proxy runs for a service in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Running {
    /// The service. Statistics write `_` for characters that a part of their names cannot have.
    pub service: String,
    /// The role, or `listener`.
    pub role: String,
    /// The revision.
    pub revision: Option<String>,
    /// The digest, in hex.
    pub digest: String,
}

/// Something that a proxy refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The kind of reason.
    pub reason: String,
    /// The revision of the artifact, if it is known.
    pub revision: Option<String>,
    /// The digest of the artifact, if it is known.
    pub digest: Option<String>,
    /// How often it was refused since the proxy started, if that was counted.
    pub count: Option<u64>,
    /// What is wrong with it.
    pub text: String,
}

/// Whether what runs is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'e> {
    /// Nothing is expected of anything.
    Unasked,
    /// It is what is expected.
    Expected,
    /// The same policies, built from another revision.
    OtherRevision(&'e Entry),
    /// Something else is expected.
    Other(&'e Entry),
    /// Nothing is expected of this service in this role.
    Unlisted,
}

impl Verdict<'_> {
    /// Whether something else runs than is expected.
    pub const fn is_different(&self) -> bool {
        matches!(self, Self::Other(_) | Self::Unlisted)
    }
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// The name of its node, or else its source.
    pub name: String,
    /// Where what is known of it is from.
    pub source: String,
    /// The version of Envoy, if it is known.
    pub envoy: Option<String>,
    /// What it runs.
    pub running: Vec<Running>,
    /// What it refused.
    pub refused: Vec<Refusal>,
    /// Envoy's own counters of refusals and failures, which are not 0.
    pub counters: Vec<(String, u64)>,
    /// Why Envoy refused listeners.
    pub errors: Vec<String>,
    /// Why nothing is known of it.
    pub unknown: Option<String>,
}

impl Proxy {
    /// Reads what one proxy answered.
    ///
    /// # Errors
    /// An answer is not what Envoy answers. The text says which.
    pub fn read(answers: &Answers) -> Result<Self, String> {
        let server: Value =
            answers.server_info.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let (mut name, mut service) = dump::identity(&server["node"]);
        let stats = match &answers.stats {
            Some(text) => Some(stats::parse(text).map_err(|error| format!("the statistics: {error}"))?),
            None => None,
        };
        let (mut configured, mut errors) = (Vec::new(), Vec::new());
        for text in &answers.dumps {
            let dump = dump::parse(text).map_err(|error| format!("the configuration dump: {error}"))?;
            let Dump { node, service: of_node, configured: more, errors: said } = dump;
            name = name.or(node);
            service = service.or(of_node);
            configured.extend(more);
            errors.extend(said);
        }
        errors.sort();
        errors.dedup();
        let service = service.unwrap_or_else(|| info::UNKNOWN.to_owned());
        let (running, refused, counters) = match stats {
            None => (all_that_load(&configured, &service), problems(&configured), Vec::new()),
            Some(Stats { running, refused, counters }) => {
                let running: Vec<Running> = running.into_iter().map(Running::from).collect();
                let refused = merged(refused, &configured, &running, &service);
                (running, refused, counters)
            }
        };
        Ok(Self {
            name: name.unwrap_or_else(|| answers.source.clone()),
            source: answers.source.clone(),
            envoy: server["version"].as_str().and_then(version),
            running,
            refused,
            counters,
            errors,
            unknown: None,
        })
    }

    /// Returns a proxy that could not be asked.
    pub fn unknown(source: String, reason: String) -> Self {
        Self {
            name: source.clone(),
            source,
            envoy: None,
            running: Vec::new(),
            refused: Vec::new(),
            counters: Vec::new(),
            errors: Vec::new(),
            unknown: Some(reason),
        }
    }

    /// Whether it runs something else than is expected, or nothing.
    pub fn is_different(&self, expected: Option<&[Entry]>) -> bool {
        let different = |running: &Running| running.verdict(expected).is_different();
        expected.is_some() && self.unknown.is_none() && (self.running.is_empty() || self.running.iter().any(different))
    }
}

impl Running {
    /// Judges it. A plugin that serves both directions may run what is expected of either one.
    pub fn verdict<'e>(&self, expected: Option<&'e [Entry]>) -> Verdict<'e> {
        let Some(expected) = expected else { return Verdict::Unasked };
        let service = info::part(&self.service);
        let is_role =
            |role: &str| role == self.role || (self.role == info::LISTENER && matches!(role, "inbound" | "outbound"));
        let mut of_place =
            expected.iter().filter(|entry| info::part(&entry.service) == service && is_role(&entry.role));
        let Some(first) = of_place.clone().next() else { return Verdict::Unlisted };
        match of_place.find(|entry| entry.digest == self.digest) {
            None => Verdict::Other(first),
            Some(entry) if entry.revision != self.revision => Verdict::OtherRevision(entry),
            Some(_) => Verdict::Expected,
        }
    }
}

impl From<(String, String, Option<String>, String)> for Running {
    fn from((service, role, revision, digest): (String, String, Option<String>, String)) -> Self {
        Self { service, role, revision, digest }
    }
}

/// Returns the number in a version such as `9e55/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(text: &str) -> Option<String> {
    text.split('/').nth(1).filter(|number| !number.is_empty()).map(str::to_owned)
}
