//! Shows which artifact runs and which ones were rejected, in the log and in the names of statistics.
//!
//! The host has one gauge of a name for all its workers. A new configuration of a service and role sets the gauge of the
//! previous one to 0. Each worker does this when it loads the configuration. The tick sets the gauge of the newest
//! configuration again, because a worker or a virtual machine that is late may have reset it.

use std::cell::RefCell;
use std::rc::Rc;

use context_mesh_core::artifact::{Revision, Stamp};
use context_mesh_core::info;
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{Counter, Role};

use crate::abi;
use crate::configure::Refused;
use crate::stats::Stats;
use crate::types::LogLevel;

thread_local! {
    /// The number of plugins that this worker had, and its newest ones.
    static NEWEST: RefCell<(u64, Vec<Newest>)> = const { RefCell::new((0, Vec::new())) };
}

/// The newest plugin of a service and role, whose gauge is 1.
struct Newest {
    place: Place,
    gauge: u32,
    /// Distinguishes it from earlier plugins of the place.
    number: u64,
}

/// A service, which is known by the address of its memory in this worker, and a role.
type Place = (usize, Option<Role>);

/// The gauge of one plugin. It is 1 from its configuration until the next one of the same service and role, or until the
/// plugin ends.
pub(crate) struct Shown(u64);

impl Shown {
    /// Shows that a service with a role runs an artifact.
    pub(crate) fn new(service: &str, memory: &Rc<Memory>, role: Option<Role>, stamp: &Stamp) -> Self {
        let revision = stamp.revision.as_ref().map_or(info::UNKNOWN, Revision::as_str);
        let (digest, named) = (stamp.digest, role.map_or(info::LISTENER, Role::as_str));
        let line = format!("context_mesh: runs revision {revision}, artifact {digest}, for `{service}`, role {named}");
        abi::log(LogLevel::Info, &line);
        let gauge = abi::define_gauge(&info::running(service, role, stamp));
        let place = (Rc::as_ptr(memory).addr(), role);
        let mut shown = Self(0);
        if let Some(gauge) = gauge {
            with_newest(|(plugins, newest)| {
                *plugins = plugins.saturating_add(1);
                shown.0 = *plugins;
                newest.retain(|known| {
                    if known.place == place && known.gauge != gauge {
                        abi::record(known.gauge, 0);
                    }
                    known.place != place
                });
                newest.push(Newest { place, gauge, number: shown.0 });
                abi::record(gauge, 1);
            });
        }
        shown
    }

    /// Sets the gauge again, if this is the newest plugin of its place.
    pub(crate) fn refresh(&self) {
        with_newest(|(_, newest)| {
            if let Some(known) = newest.iter().find(|known| known.number == self.0) {
                abi::record(known.gauge, 1);
            }
        });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        with_newest(|(_, newest)| {
            newest.retain(|known| {
                let is_this = known.number == self.0;
                if is_this {
                    abi::record(known.gauge, 0);
                }
                !is_this
            });
        });
    }
}

fn with_newest(work: impl FnOnce(&mut (u64, Vec<Newest>))) {
    NEWEST.with(|newest| {
        // It is never borrowed twice: no host call leads back here.
        if let Ok(mut newest) = newest.try_borrow_mut() {
            work(&mut newest);
        }
    });
}

/// Counts a configuration that is rejected.
pub(crate) fn count(refused: &Refused) {
    Stats::define().increment(Counter::ConfigRefused);
    if let Some(counter) = abi::define_counter(&info::refused(refused.reason, refused.stamp.as_ref())) {
        abi::increment(counter);
    }
}
