//! The contexts of this worker that the proxy knows by number: plugins, and the requests that each of them handles.
//!
//! Nothing is borrowed while a callback works, because a host call may lead to another callback.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use context_mesh_core::memory::{CallNumber, RequestNumber};

use crate::configure::Active;

thread_local! {
    static CONTEXTS: RefCell<Contexts> = const { RefCell::new(Contexts::new()) };
}

/// A plugin, once it is configured.
type Plugin = Option<Rc<Active>>;

struct Contexts {
    plugins: BTreeMap<u32, Plugin>,
    streams: BTreeMap<u32, Stream>,
}

/// One request, until the proxy deletes it.
pub(crate) struct Stream {
    /// The plugin as it was configured when the request began.
    pub(crate) active: Plugin,
    /// What the filter keeps of the request.
    pub(crate) kept: Kept,
}

/// The numbers of a request in the memory, for the calls at its end.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kept {
    /// The number of the request.
    pub(crate) remembered: Option<RequestNumber>,
    /// The number of the call whose attached context is kept while it is open.
    pub(crate) call: Option<CallNumber>,
}

impl Contexts {
    const fn new() -> Self {
        Self { plugins: BTreeMap::new(), streams: BTreeMap::new() }
    }
}

/// Adds a context: a plugin if it has no parent, otherwise a request of that plugin.
pub(crate) fn create(context: u32, parent: u32) {
    with(|contexts| {
        if parent == 0 {
            contexts.plugins.insert(context, None);
        } else {
            let active = contexts.plugins.get(&parent).cloned().flatten();
            contexts.streams.insert(context, Stream { active, kept: Kept::default() });
        }
    });
}

/// Replaces the configuration of a plugin. Requests that have begun keep theirs.
pub(crate) fn configure(context: u32, active: Rc<Active>) {
    // The previous configuration ends after the map is free again, because its end makes host calls.
    let _previous = with(|contexts| contexts.plugins.insert(context, Some(active)));
}

/// Returns a plugin, if it is configured.
pub(crate) fn plugin(context: u32) -> Plugin {
    with(|contexts| contexts.plugins.get(&context).cloned().flatten()).flatten()
}

/// Returns the plugin of a request, if it was configured when the request began.
pub(crate) fn plugin_of(stream: u32) -> Plugin {
    with(|contexts| contexts.streams.get(&stream).and_then(|stream| stream.active.clone())).flatten()
}

/// Notes what the filter keeps of a request.
pub(crate) fn keep(stream: u32, kept: Kept) {
    with(|contexts| {
        if let Some(stream) = contexts.streams.get_mut(&stream) {
            stream.kept = kept;
        }
    });
}

/// Removes a context. Returns it if it was a request. A plugin ends here.
pub(crate) fn remove(context: u32) -> Option<Stream> {
    let stream = with(|contexts| contexts.streams.remove(&context)).flatten();
    if stream.is_none() {
        let _plugin = with(|contexts| contexts.plugins.remove(&context));
    }
    stream
}

/// Always returns a value: the contexts are never borrowed twice.
fn with<T>(work: impl FnOnce(&mut Contexts) -> T) -> Option<T> {
    CONTEXTS.with(|contexts| contexts.try_borrow_mut().ok().map(|mut contexts| work(&mut contexts)))
}
