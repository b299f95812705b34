//! The workloads of this worker. The plugins for inbound and outbound requests mostly have the same artifact, which
//! only needs to be loaded once.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use context_mesh_core::artifact::Digest;
use context_mesh_core::pipeline::Workload;

thread_local! {
    static WORKLOADS: RefCell<Vec<Weak<Workload>>> = const { RefCell::new(Vec::new()) };
}

/// Returns the workload of this artifact and service if a plugin has it already, otherwise the result of `make`.
pub(crate) fn find_or_make(
    digest: Digest,
    service: &str,
    make: impl FnOnce() -> Result<Workload, String>,
) -> Result<Rc<Workload>, String> {
    let is_wanted = |known: &Rc<Workload>| known.program().digest() == digest && known.service() == service;
    let found = WORKLOADS.with(|workloads| match workloads.try_borrow_mut() {
        Ok(mut workloads) => {
            workloads.retain(|known| known.strong_count() > 0);
            workloads.iter().filter_map(Weak::upgrade).find(is_wanted)
        }
        Err(_) => None,
    });
    if let Some(found) = found {
        return Ok(found);
    }
    let made = Rc::new(make()?);
    WORKLOADS.with(|workloads| {
        if let Ok(mut workloads) = workloads.try_borrow_mut() {
            workloads.push(Rc::downgrade(&made));
        }
    });
    Ok(made)
}
