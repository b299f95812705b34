//! Shows which artifact runs and which ones were rejected, in the log and in the names of statistics.
//!
//! The host has one gauge of a name for all its workers. A new configuration of a service and role sets the gauge of the
//! previous one to 0. Each worker does this when it loads the configuration. The tick sets the gauge of the newest
//! configuration again, because a worker or a virtual machine that is late may have reset it.

use std::cell::RefCell;

use context_mesh_core::artifact::{Revision, Stamp};
use context_mesh_core::info;
use context_mesh_core::pipeline::{Counter, Role};
use proxy_wasm::types::LogLevel;

use crate::abi;
use crate::configure::Refused;
use crate::stats::Stats;

thread_local! {
    /// What the plugins of this worker run, the newest one of a place last.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

/// A gauge that is 1.
struct Running {
    place: Place,
    gauge: u32,
    /// Number of plugins that run the artifact: those of older configurations end with their last request.
    plugins: usize,
}

/// What runs one artifact at a time.
type Place = (String, Option<Role>);

/// The gauge of one plugin: 1 from its configuration until the next one of the same service and role, or until its end.
pub(crate) struct Shown {
    place: Place,
    gauge: Option<u32>,
}

impl Shown {
    /// Shows that a service with a role runs an artifact.
    pub(crate) fn new(service: &str, role: Option<Role>, stamp: &Stamp) -> Self {
        let revision = stamp.revision.as_ref().map_or(info::UNKNOWN, Revision::as_str);
        let (digest, named) = (stamp.digest, role.map_or(info::LISTENER, Role::as_str));
        let line = format!("context_mesh: runs revision {revision}, artifact {digest}, for `{service}`, role {named}");
        abi::log(LogLevel::Info, &line);
        let gauge = abi::define_gauge(&info::running(service, role, stamp));
        let shown = Self { place: (service.to_owned(), role), gauge };
        if let Some(gauge) = gauge {
            with_running(|running| shown.add(gauge, running));
        }
        shown
    }

    fn add(&self, gauge: u32, running: &mut Vec<Running>) {
        for before in running.iter().filter(|known| known.place == self.place && known.gauge != gauge) {
            abi::record(before.gauge, 0);
        }
        let plugins = running.iter().find(|known| self.is(known)).map_or(0, |known| known.plugins);
        running.retain(|known| !self.is(known));
        running.push(Running { place: self.place.clone(), gauge, plugins: plugins.saturating_add(1) });
        abi::record(gauge, 1);
    }

    fn is(&self, known: &Running) -> bool {
        known.place == self.place && Some(known.gauge) == self.gauge
    }

    /// Sets the gauge again, if this is the newest configuration of its place.
    pub(crate) fn refresh(&self) {
        with_running(|running| {
            let newest = running.iter().rev().find(|known| known.place == self.place);
            if let Some(known) = newest.filter(|known| self.is(known)) {
                abi::record(known.gauge, 1);
            }
        });
    }

    fn remove(&self, running: &mut Vec<Running>) {
        let Some(known) = running.iter_mut().find(|known| self.is(known)) else { return };
        known.plugins = known.plugins.saturating_sub(1);
        if known.plugins == 0 {
            abi::record(known.gauge, 0);
            running.retain(|known| !self.is(known));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        with_running(|running| self.remove(running));
    }
}

fn with_running(work: impl FnOnce(&mut Vec<Running>)) {
    RUNNING.with(|running| {
        // It is never borrowed twice: no host call leads back here.
        if let Ok(mut running) = running.try_borrow_mut() {
            work(&mut running);
        }
    });
}

/// Counts a configuration that is refused.
pub(crate) fn count(refused: &Refused) {
    Stats::define().increment(Counter::ConfigRefused);
    if let Some(counter) = abi::define_counter(&info::refused(refused.reason, refused.stamp.as_ref())) {
        abi::increment(counter);
    }
}
