//! Runs recorded requests under both versions.
//!
//! A request with all of its values is run as it is. One that lacks some is compared by what is known ([`partial`]).
//!
//! [`partial`]: super::partial

use std::collections::BTreeSet;

use context_mesh_core::{
    artifact::LoadError,
    carrier::{baggage, mesh_header, tracestate},
};

use super::{Version, partial::Comparison};
use crate::run::{
    recorded::Recorded,
    simulate::{Outcome, Refusal, SimulationError, Simulator},
};

/// The decision about a request under one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    GoesOn,
    /// It is denied.
    Refused(Refusal),
    /// It cannot be simulated.
    Failed(String),
    /// One of these: which one depends on values that the recording does not hold.
    OneOf(Vec<Self>),
}

/// A request that the two versions decide differently.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The request.
    pub recorded: Recorded,
    /// The old decision.
    pub old: Decision,
    /// The new decision.
    pub new: Decision,
    /// Fields forwarded with other values: name, old and new JSON text. Only for requests that both versions allow.
    pub context: Vec<(String, Option<String>, Option<String>)>,
    /// Resulting headers that differ: name, old and new value. `x-mesh-context` is not included, because it is the
    /// context.
    pub headers: Vec<(String, Option<String>, Option<String>)>,
}

/// The changes that the new version would make to recorded requests.
#[derive(Debug, Clone)]
pub struct Impact {
    /// Number of requests that were run.
    pub total: usize,
    /// Requests with different decisions: denied or not, by another rule or with another response, or forwarded with
    /// another context or other headers.
    pub differences: Vec<Difference>,
    /// Requests of which nobody can say whether they are decided differently.
    pub undecided: Vec<Undecided>,
}

/// A request of which nobody can say whether it is decided differently.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// The request.
    pub recorded: Recorded,
    /// The old decision, as far as it is known.
    pub old: Decision,
    /// The new decision, as far as it is known.
    pub new: Decision,
    /// The reason.
    pub why: Why,
}

/// Why nobody can say whether a request is decided differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It depends on these values, which the recording does not hold.
    Unknown(BTreeSet<String>),
    /// The old version does not decide what was recorded, or the request cannot be simulated: what is wrong.
    NotReplayed(String),
}

/// What a comparison of one request found.
pub(super) enum Compared {
    /// It is decided alike.
    Same,
    /// It is decided differently.
    Different(Difference),
    /// Nobody can say.
    Undecided(Undecided),
}

impl Decision {
    /// Returns the decision with this denial, or without one.
    pub(super) fn of(refusal: Option<Refusal>) -> Self {
        refusal.map_or(Self::GoesOn, Self::Refused)
    }
}

impl Impact {
    /// Returns how many requests are certainly decided alike.
    pub fn same(&self) -> usize {
        self.total.saturating_sub(self.differences.len()).saturating_sub(self.undecided.len())
    }

    /// Returns how many requests could not be replayed.
    pub fn not_replayed(&self) -> usize {
        self.undecided.iter().filter(|of| matches!(of.why, Why::NotReplayed(_))).count()
    }
}

/// Runs the requests under both versions.
///
/// # Errors
/// One of the artifacts does not load.
pub fn impact(old: &Version, new: &Version, requests: &[Recorded]) -> Result<Impact, LoadError> {
    let (mut first, mut second) = (Simulator::new(&old.artifact)?, Simulator::new(&new.artifact)?);
    let mut partly = None;
    let mut impact = Impact { total: requests.len(), differences: Vec::new(), undecided: Vec::new() };
    for recorded in requests {
        let compared = match &recorded.gaps {
            None => whole(recorded, first.run(&recorded.request, None), second.run(&recorded.request, None)),
            Some(gaps) => {
                let comparison = match &mut partly {
                    Some(comparison) => comparison,
                    None => partly.insert(Comparison::new(old, new)?),
                };
                comparison.compare(recorded, gaps)
            }
        };
        match compared {
            Compared::Same => {}
            Compared::Different(difference) => impact.differences.push(difference),
            Compared::Undecided(undecided) => impact.undecided.push(undecided),
        }
    }
    Ok(impact)
}

/// Compares the outcomes of a request with all of its values.
fn whole(
    recorded: &Recorded,
    old: Result<Outcome, SimulationError>,
    new: Result<Outcome, SimulationError>,
) -> Compared {
    let (mut context, mut headers) = (Vec::new(), Vec::new());
    if let (Ok(old), Ok(new)) = (&old, &new)
        && old.refusal.is_none()
        && new.refusal.is_none()
    {
        context = fields(old, new);
        headers = header_values(old, new);
    }
    let recorded = recorded.clone();
    match (decision(old), decision(new)) {
        (Decision::Failed(error), new @ Decision::Failed(_)) => {
            let why = Why::NotReplayed(error.clone());
            Compared::Undecided(Undecided { recorded, old: Decision::Failed(error), new, why })
        }
        (old, new) if old == new && context.is_empty() && headers.is_empty() => Compared::Same,
        (old, new) => Compared::Different(Difference { recorded, old, new, context, headers }),
    }
}

fn decision(outcome: Result<Outcome, SimulationError>) -> Decision {
    match outcome {
        Ok(Outcome { refusal, .. }) => Decision::of(refusal),
        Err(error) => Decision::Failed(error.to_string()),
    }
}

pub(super) type Values = Vec<(String, Option<String>, Option<String>)>;

fn fields(old: &Outcome, new: &Outcome) -> Values {
    let value = |of: &Outcome, name: &str| of.context.get(name).map(str::to_owned);
    let names = old.context.iter().chain(new.context.iter()).map(|(name, _)| name);
    differing(names, |name| (value(old, name), value(new, name)))
}

fn header_values(old: &Outcome, new: &Outcome) -> Values {
    let names = old.headers.iter().chain(&new.headers).map(|(name, _)| name.as_str());
    let mut changed =
        differing(names.filter(|name| *name != mesh_header::NAME), |name| (old.header(name), new.header(name)));
    changed.retain(|(name, old, new)| without_ticket(name, old.as_deref()) != without_ticket(name, new.as_deref()));
    changed
}

/// Returns the members of a header but the ticket, which is the number of a place in the memory and says nothing of the
/// request.
fn without_ticket<'v>(name: &str, value: Option<&'v str>) -> Option<Vec<&'v str>> {
    let key = match name {
        baggage::NAME => baggage::TICKET_KEY,
        tracestate::NAME => tracestate::KEY,
        _ => return value.map(|value| vec![value]),
    };
    let is_ticket = |member: &&str| member.split_once('=').is_some_and(|(of, _)| of.trim() == key);
    value.map(|value| value.split(',').filter(|member| !is_ticket(member)).collect())
}

fn differing<'n>(
    names: impl Iterator<Item = &'n str>,
    values: impl Fn(&str) -> (Option<String>, Option<String>),
) -> Values {
    let names: BTreeSet<&str> = names.collect();
    let all = names.into_iter().map(|name| (name, values(name)));
    all.filter(|(_, (old, new))| old != new).map(|(name, (old, new))| (name.to_owned(), old, new)).collect()
}
