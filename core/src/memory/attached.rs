//! The `x-mesh-context` values that this worker attached to calls: one that comes again is its own, behind the router or after an
//! internal redirect. No application ever sees them.

use core::hash::Hasher;
use std::collections::{HashMap, VecDeque};
use std::hash::DefaultHasher;
use std::rc::Rc;

use crate::context::Context;
use crate::limits::{MAX_ATTACHED, MAX_ATTACHED_BYTES};

/// What was decided when a context was attached to a call.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The service that the call was to go to.
    pub service: Rc<str>,
    /// The context before the rules had their way with it; `None` where none of them changed it.
    pub before: Option<Rc<Context>>,
}

/// The last values, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Attached {
    order: VecDeque<u64>,
    attachments: HashMap<u64, Attachment>,
    /// What the contexts in `attachments` take.
    bytes: usize,
}

impl Attached {
    pub(super) fn note(&mut self, value: &[u8], attachment: Attachment) {
        let hash = hash(value);
        self.bytes = self.bytes.saturating_add(bytes(&attachment));
        match self.attachments.insert(hash, attachment) {
            Some(former) => self.bytes = self.bytes.saturating_sub(bytes(&former)),
            None => self.order.push_back(hash),
        }
        while self.order.len() > MAX_ATTACHED || self.bytes > MAX_ATTACHED_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(former) = self.attachments.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(bytes(&former));
            }
        }
    }

    /// What was decided about the value, if it is one of them.
    pub(super) fn find(&self, value: &[u8]) -> Option<Attachment> {
        self.attachments.get(&hash(value)).cloned()
    }
}

fn bytes(attachment: &Attachment) -> usize {
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
    fn the_last_values_are_known_with_their_destinations() {
        let mut attached = Attached::default();
        for number in 0..=MAX_ATTACHED {
            attached.note(number.to_string().as_bytes(), to("a", None));
            attached.note(number.to_string().as_bytes(), to("b", None));
        }
        assert!(attached.find(b"0").is_none(), "the oldest is forgotten");
        let last = attached.find(MAX_ATTACHED.to_string().as_bytes()).unwrap();
        assert_eq!((&*last.service, last.before.is_none()), ("b", true));
        assert_eq!((attached.order.len(), attached.attachments.len()), (MAX_ATTACHED, MAX_ATTACHED));
    }

    #[test]
    fn contexts_are_kept_within_a_limit_of_bytes() {
        let mut context = Context::new();
        context.insert_string("a", &"x".repeat(10_000)).unwrap();
        let (context, each) = (Rc::new(context.clone()), context.bytes());
        let mut attached = Attached::default();
        for number in 0..1000_u32 {
            attached.note(&number.to_le_bytes(), to("a", Some(&context)));
            attached.note(&number.to_le_bytes(), to("a", Some(&context)));
        }
        assert_eq!(attached.attachments.len(), MAX_ATTACHED_BYTES / each);
        assert_eq!(attached.bytes, attached.attachments.len() * each);
        assert!(attached.find(&999_u32.to_le_bytes()).unwrap().before.is_some());
    }
}
