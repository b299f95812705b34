//! The `x-mesh-context` values that this worker attached to calls that are still open. If one of them appears again, it
//! is the worker's own: after the router, or after an internal redirect. Values of ended calls are forgotten, so that
//! no application can restore an old context by copying it.

use core::hash::Hasher;
use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::rc::Rc;

use crate::context::Context;
use crate::limits::{ATTACHED_GRACE_MS, MAX_ATTACHED, MAX_ATTACHED_BYTES};

/// The decision that was made when a context was attached to a call.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The service that was the destination of the call.
    pub service: Rc<str>,
    /// The context before the rules changed it; `None` if they did not change it.
    pub before: Option<Rc<Context>>,
}

/// Identifies a call with an attached context, to report its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNumber(u64);

/// The values, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Attached {
    entries: HashMap<u64, Entry>,
    /// Size of the contexts in `entries`, in bytes.
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    attachment: Attachment,
    /// Number of open calls with this value.
    open: u32,
    /// When the last of them ended, in milliseconds since 1970.
    ended_ms: u64,
}

impl Attached {
    /// Records a value of a call. If there are too many, it is not recorded, and is not recognised later.
    pub(super) fn note(&mut self, value: &[u8], attachment: Attachment, now_ms: u64) -> Option<CallNumber> {
        let hash = hash(value);
        if !self.has_room(hash, &attachment) {
            self.forget(now_ms);
            if !self.has_room(hash, &attachment) {
                return None;
            }
        }
        let (open, former) = self.entries.get(&hash).map_or((0, 0), |known| (known.open, size(&known.attachment)));
        self.bytes = self.bytes.saturating_sub(former).saturating_add(size(&attachment));
        self.entries.insert(hash, Entry { attachment, open: open.saturating_add(1), ended_ms: 0 });
        Some(CallNumber(hash))
    }

    fn has_room(&self, hash: u64, attachment: &Attachment) -> bool {
        let bytes = self.bytes.saturating_add(size(attachment));
        bytes <= MAX_ATTACHED_BYTES && (self.entries.len() < MAX_ATTACHED || self.entries.contains_key(&hash))
    }

    /// Records the end of a call. The value is kept for a moment longer, because the proxy ends a call before it
    /// follows its redirect.
    pub(super) fn end(&mut self, CallNumber(hash): CallNumber, now_ms: u64) {
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.open = entry.open.saturating_sub(1);
            entry.ended_ms = now_ms;
        }
    }

    /// Returns the decision for the value, if a call has it.
    pub(super) fn find(&self, value: &[u8], now_ms: u64) -> Option<Attachment> {
        let entry = self.entries.get(&hash(value))?;
        entry.is_known(now_ms).then(|| entry.attachment.clone())
    }

    /// Removes expired values.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let mut bytes = self.bytes;
        self.entries.retain(|_, entry| {
            let known = entry.is_known(now_ms);
            if !known {
                bytes = bytes.saturating_sub(size(&entry.attachment));
            }
            known
        });
        self.bytes = bytes;
    }
}

impl Entry {
    fn is_known(&self, now_ms: u64) -> bool {
        self.open > 0 || now_ms.saturating_sub(self.ended_ms) <= ATTACHED_GRACE_MS
    }
}

fn size(attachment: &Attachment) -> usize {
    attachment.before.as_ref().map_or(0, |context| context.bytes())
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn to(service: &str, before: Option<&Rc<Context>>) -> Attachment {
        Attachment { service: service.into(), before: before.cloned() }
    }

    #[test]
    fn a_value_is_known_while_a_call_with_it_is_open() {
        let mut attached = Attached::default();
        let found = |attached: &Attached, now_ms| attached.find(b"v", now_ms).map(|found| found.service.to_string());
        let first = attached.note(b"v", to("a", None), 1000).unwrap();
        let second = attached.note(b"v", to("b", None), 1000).unwrap();
        assert_eq!(found(&attached, 1_000_000).as_deref(), Some("b"), "of two decisions the later one");
        attached.end(first, 1000);
        assert!(found(&attached, 1_000_000).is_some());
        attached.end(second, 2000);
        assert!(found(&attached, 2000 + ATTACHED_GRACE_MS).is_some(), "a redirect follows");
        assert!(found(&attached, 2001 + ATTACHED_GRACE_MS).is_none());
        attached.forget(2001 + ATTACHED_GRACE_MS);
        assert!(attached.entries.is_empty());
        attached.end(second, 9000);
    }

    #[test]
    fn values_and_contexts_are_kept_within_limits() {
        let mut context = Context::new();
        context.insert_string("a", &"x".repeat(10_000)).unwrap();
        let (context, each) = (Rc::new(context.clone()), context.bytes());
        let mut attached = Attached::default();
        let notes: Vec<_> =
            (0..1000_u32).filter_map(|n| attached.note(&n.to_le_bytes(), to("a", Some(&context)), 0)).collect();
        assert_eq!((notes.len(), attached.bytes), (MAX_ATTACHED_BYTES / each, notes.len() * each));
        assert!(attached.find(&0_u32.to_le_bytes(), 0).unwrap().before.is_some(), "who came first is not pushed out");
        notes.into_iter().for_each(|number| attached.end(number, 0));
        assert!(attached.note(b"v", to("a", Some(&context)), ATTACHED_GRACE_MS).is_none(), "a redirect may follow");
        assert!(attached.note(b"v", to("a", Some(&context)), 1 + ATTACHED_GRACE_MS).is_some());
        assert_eq!((attached.entries.len(), attached.bytes), (1, each));
        let more =
            (0..).take(MAX_ATTACHED + 5).filter_map(|n: u64| attached.note(&n.to_le_bytes(), to("a", None), 9000));
        assert_eq!(more.count(), MAX_ATTACHED - 1);
    }
}
