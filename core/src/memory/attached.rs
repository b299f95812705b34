//! The `x-mesh-context` values that this worker attached to calls: one that comes again is its own, after an internal redirect. No
//! application ever sees them.

use core::hash::Hasher;
use std::collections::{HashMap, VecDeque};
use std::hash::DefaultHasher;

use crate::limits::MAX_ATTACHED;

/// The last values, by their hashes, and for which destination each was made.
#[derive(Debug, Default)]
pub(super) struct Attached {
    order: VecDeque<u64>,
    destinations: HashMap<u64, u64>,
}

impl Attached {
    pub(super) fn note(&mut self, value: &[u8], destination: &str) {
        let hash = hash(value);
        if self.destinations.insert(hash, self::hash(destination.as_bytes())).is_none() {
            self.order.push_back(hash);
        }
        if self.order.len() > MAX_ATTACHED
            && let Some(oldest) = self.order.pop_front()
        {
            self.destinations.remove(&oldest);
        }
    }

    /// Whether the value is one of them, and if so whether it was made for this destination.
    pub(super) fn find(&self, value: &[u8], destination: &str) -> Option<bool> {
        let made_for = self.destinations.get(&hash(value))?;
        Some(*made_for == hash(destination.as_bytes()))
    }
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

    #[test]
    fn the_last_values_are_known_with_their_destinations() {
        let mut attached = Attached::default();
        for number in 0..=MAX_ATTACHED {
            attached.note(number.to_string().as_bytes(), "a");
            attached.note(number.to_string().as_bytes(), "b");
        }
        assert_eq!(attached.find(b"0", "b"), None, "the oldest is forgotten");
        let last = MAX_ATTACHED.to_string();
        let found = ["b", "a"].map(|destination| attached.find(last.as_bytes(), destination));
        assert_eq!(found, [Some(true), Some(false)]);
        assert_eq!((attached.order.len(), attached.destinations.len()), (MAX_ATTACHED, MAX_ATTACHED));
    }
}
