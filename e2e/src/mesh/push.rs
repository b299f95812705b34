//! Pushes new filter configurations to a running mesh, as a control plane would.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Mesh;
use super::running::SHOW_LIMIT;
use crate::envoy::POLL;
use crate::error::{Context as _, Error, Result};
use crate::filter_config;
use crate::stats::Stats;
use crate::topology::Role;

/// Time that the workers of an Envoy may need to apply what its main thread has accepted.
const WORKERS_FOLLOW: Duration = Duration::from_millis(50);

/// The reaction of an Envoy to a new filter configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// The configuration is active.
    Accepted,
    /// The configuration was rejected, and the last valid one remains active.
    Rejected,
}

impl Mesh {
    /// Pushes a new plugin configuration for the filter of `service` in `role`, and waits until its Envoy has accepted
    /// or rejected it.
    ///
    /// # Errors
    /// The mesh has no filter, the service does not have the role, or the Envoy does not react within 15 seconds.
    pub fn push_filter_config(&self, service: &str, role: Role, configuration: &str) -> Result<PushOutcome> {
        let filter = self.filter.as_ref().ok_or_else(|| Error::new("this mesh was started without a filter"))?;
        let wasm = std::path::absolute(&filter.wasm).context("cannot find the filter")?;
        let version = self.updates.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let document = filter_config::discovery_response(&wasm, configuration, &version.to_string());
        self.push_filter_document(service, role, &document.to_string())
    }

    /// Pushes a configuration like [`Mesh::push_filter_config`], as the whole ECDS document: for one that is
    /// deliberately invalid, or uses another .wasm.
    ///
    /// # Errors
    /// The same as for [`Mesh::push_filter_config`].
    pub fn push_filter_document(&self, service: &str, role: Role, document: &str) -> Result<PushOutcome> {
        let member = self.member(service)?;
        let before = UpdateCounts::of(&member.envoy.stats()?);
        filter_config::replace(&member.place.filter_file(role)?, document)?;
        let deadline = Instant::now() + SHOW_LIMIT;
        while Instant::now() < deadline {
            if let Some(outcome) = UpdateCounts::of(&member.envoy.stats()?).outcome_since(before) {
                // The main thread counts first; the workers apply it a few milliseconds later.
                std::thread::sleep(WORKERS_FOLLOW);
                return Ok(outcome);
            }
            std::thread::sleep(POLL);
        }
        Err(Error::new(format!("the Envoy of `{service}` did not react to a new {role} filter within {SHOW_LIMIT:?}")))
    }
}

/// How often an Envoy accepted and rejected a filter configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UpdateCounts {
    accepted: u64,
    rejected: u64,
}

impl UpdateCounts {
    fn of(stats: &Stats) -> Self {
        let sum = |end: &str| {
            let of_filters = stats.containing("extension_config_discovery.");
            of_filters.filter(|(name, _)| name.ends_with(end)).fold(0, |sum: u64, (_, count)| sum.saturating_add(count))
        };
        Self {
            accepted: sum(".update_success"),
            rejected: sum(".update_rejected").saturating_add(sum(".update_failure")),
        }
    }

    fn outcome_since(self, before: Self) -> Option<PushOutcome> {
        if self.rejected > before.rejected {
            Some(PushOutcome::Rejected)
        } else if self.accepted > before.accepted {
            Some(PushOutcome::Accepted)
        } else {
            None
        }
    }
}
