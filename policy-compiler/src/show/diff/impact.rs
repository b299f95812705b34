//! Runs recorded requests under both versions.

use std::collections::BTreeSet;

use context_mesh_core::{artifact::LoadError, carrier::mesh_header};

use super::Version;
use crate::run::{
    eval::Recorded,
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
}

/// Runs the requests under both versions.
///
/// # Errors
/// One of the artifacts does not load.
pub fn impact(old: &Version, new: &Version, requests: &[Recorded]) -> Result<Impact, LoadError> {
    let (mut first, mut second) = (Simulator::new(&old.artifact)?, Simulator::new(&new.artifact)?);
    let differences = requests.iter().filter_map(|recorded| {
        difference(recorded, first.run(&recorded.request, None), second.run(&recorded.request, None))
    });
    let differences = differences.collect();
    Ok(Impact { total: requests.len(), differences })
}

fn difference(
    recorded: &Recorded,
    old: Result<Outcome, SimulationError>,
    new: Result<Outcome, SimulationError>,
) -> Option<Difference> {
    let (mut context, mut headers) = (Vec::new(), Vec::new());
    if let (Ok(old), Ok(new)) = (&old, &new)
        && old.refusal.is_none()
        && new.refusal.is_none()
    {
        context = fields(old, new);
        headers = header_values(old, new);
    }
    let (old, new) = (decision(old), decision(new));
    let differs = old != new || !context.is_empty() || !headers.is_empty();
    differs.then(|| Difference { recorded: recorded.clone(), old, new, context, headers })
}

fn decision(outcome: Result<Outcome, SimulationError>) -> Decision {
    match outcome {
        Ok(Outcome { refusal: None, .. }) => Decision::GoesOn,
        Ok(Outcome { refusal: Some(refusal), .. }) => Decision::Refused(refusal),
        Err(error) => Decision::Failed(error.to_string()),
    }
}

type Values = Vec<(String, Option<String>, Option<String>)>;

fn fields(old: &Outcome, new: &Outcome) -> Values {
    let value = |of: &Outcome, name: &str| of.context.get(name).map(str::to_owned);
    let names = old.context.iter().chain(new.context.iter()).map(|(name, _)| name);
    differing(names, |name| (value(old, name), value(new, name)))
}

fn header_values(old: &Outcome, new: &Outcome) -> Values {
    let names = old.headers.iter().chain(&new.headers).map(|(name, _)| name.as_str());
    differing(names.filter(|name| *name != mesh_header::NAME), |name| (old.header(name), new.header(name)))
}

fn differing<'n>(
    names: impl Iterator<Item = &'n str>,
    values: impl Fn(&str) -> (Option<String>, Option<String>),
) -> Values {
    let names: BTreeSet<&str> = names.collect();
    let all = names.into_iter().map(|name| (name, values(name)));
    all.filter(|(_, (old, new))| old != new).map(|(name, (old, new))| (name.to_owned(), old, new)).collect()
}
