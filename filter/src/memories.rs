//! The memories of this worker: one for each service, shared by all plugins and configurations of the service, because
//! requests outlive configurations.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use context_mesh_core::memory::Memory;

thread_local! {
    static MEMORIES: RefCell<BTreeMap<String, Rc<Memory>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns the memory of a service.
pub(crate) fn of(service: &str) -> Rc<Memory> {
    MEMORIES.with(|memories| match memories.try_borrow_mut() {
        Ok(mut memories) => {
            let new = || Rc::new(Memory::new(service));
            memories.entry(service.to_owned()).or_insert_with(new).clone()
        }
        // Not reached: no memory is requested while another one is made.
        Err(_) => Rc::new(Memory::new(service)),
    })
}
