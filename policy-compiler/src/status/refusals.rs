//! What a proxy refused: what its filter counted, and what its configuration dump has.

use context_mesh_core::info::Reason;

use super::{Refusal, Running, dump::Configured};

fn revision(configured: &Configured) -> Option<String> {
    configured.stamp.as_ref()?.revision.as_ref().map(|revision| revision.as_str().to_owned())
}

fn digest(configured: &Configured) -> Option<String> {
    configured.stamp.as_ref().map(|stamp| stamp.digest.to_string())
}

/// Returns what runs if every configuration that loads does: where nothing but a dump is known.
pub(super) fn all_that_load(configured: &[Configured], service: &str) -> Vec<Running> {
    let good = configured.iter().filter(|known| known.problem.is_none());
    let running = good.filter_map(|known| {
        let service = known.service.clone().unwrap_or_else(|| service.to_owned());
        Some(Running { service, role: known.role.clone(), revision: revision(known), digest: digest(known)? })
    });
    let mut running: Vec<Running> = running.collect();
    running.sort();
    running.dedup();
    running
}

/// Returns what a filter refuses of a dump.
pub(super) fn problems(configured: &[Configured]) -> Vec<Refusal> {
    let refusal = |known: &Configured| {
        let (reason, text) = known.problem.clone()?;
        let (revision, digest) = (revision(known), digest(known));
        Some(Refusal { reason: reason.as_str().to_owned(), revision, digest, count: None, text })
    };
    let mut refused: Vec<Refusal> = configured.iter().filter_map(refusal).collect();
    refused.sort();
    refused.dedup();
    refused
}

/// Returns what was counted, each with its reason in full if the dump still has the artifact, and what the dump has
/// besides.
pub(super) fn merged(
    counted: Vec<(String, Option<String>, Option<String>, u64)>,
    configured: &[Configured],
    running: &[Running],
    service: &str,
) -> Vec<Refusal> {
    let mut in_dump = problems(configured);
    // Where nothing runs, the statistics may be those of an older filter, or be left out by a matcher.
    if !running.is_empty() {
        in_dump.extend(idle(configured, running, service));
    }
    let mut refused = Vec::new();
    for (reason, revision, digest, count) in counted {
        let is_same =
            |known: &Refusal| (&known.reason, &known.revision, &known.digest) == (&reason, &revision, &digest);
        let text = match in_dump.iter().position(is_same) {
            Some(at) => in_dump.remove(at).text,
            None => Reason::parse(&reason)
                .map_or("of a reason that this `policyc` does not know", Reason::meaning)
                .to_owned(),
        };
        refused.push(Refusal { reason, revision, digest, count: Some(count), text });
    }
    // Of one artifact, what was counted says more.
    in_dump.retain(|known| {
        let is_same = |other: &Refusal| (&other.revision, &other.digest) == (&known.revision, &known.digest);
        known.digest.is_none() || !refused.iter().any(is_same)
    });
    refused.extend(in_dump);
    refused.sort();
    refused
}

/// Returns the configurations that load here and that the proxy does not run all the same: its filter is of another
/// release, or its environment has no good secret.
fn idle(configured: &[Configured], running: &[Running], service: &str) -> Vec<Refusal> {
    let idle = all_that_load(configured, service).into_iter().filter(|good| {
        let runs =
            |known: &Running| known.digest == good.digest && known.revision == good.revision && known.role == good.role;
        !running.iter().any(runs)
    });
    let refusal = |good: Running| {
        let text = "Envoy has this configuration, and the filter does not run it; Envoy's log says why".to_owned();
        Refusal { reason: "idle".to_owned(), revision: good.revision, digest: Some(good.digest), count: None, text }
    };
    idle.map(refusal).collect()
}
