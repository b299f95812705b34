//! Selects the warnings that are written: one of each kind in an interval, so that a flood of requests does not become
//! a flood of lines.

use core::cell::RefCell;

use crate::pipeline::Counter;

/// Time between two warnings of one kind, in milliseconds.
pub(crate) const INTERVAL_MS: u64 = 10_000;

/// The time of the last written warning of each kind, and the number of warnings since then.
#[derive(Debug)]
pub struct Sampler {
    kinds: RefCell<Vec<Kind>>,
}

#[derive(Debug)]
struct Kind {
    counter: Counter,
    next_ms: u64,
    unwritten: u64,
}

impl Default for Sampler {
    /// Returns a sampler that has not written any warning yet.
    fn default() -> Self {
        let kind = |counter: &Counter| Kind { counter: *counter, next_ms: 0, unwritten: 0 };
        Self { kinds: RefCell::new(Counter::ALL.iter().map(kind).collect()) }
    }
}

impl Sampler {
    /// Counts a warning of this kind. If it is to be written, returns the number of warnings since the last written
    /// one, including this one.
    pub fn due(&self, counter: Counter, now_ms: u64) -> Option<u64> {
        let mut kinds = self.kinds.try_borrow_mut().ok()?;
        let kind = kinds.iter_mut().find(|kind| kind.counter == counter)?;
        kind.unwritten = kind.unwritten.saturating_add(1);
        if now_ms < kind.next_ms {
            return None;
        }
        kind.next_ms = now_ms.saturating_add(INTERVAL_MS);
        Some(core::mem::take(&mut kind.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_kind_is_written_once_in_its_time_and_counts_what_was_not() {
        let sampler = Sampler::default();
        for (now_ms, counter, due) in [
            (5, Counter::Denied, Some(1)),
            (5, Counter::Denied, None),
            (6, Counter::RecallMiss, Some(1)),
            (5 + INTERVAL_MS - 1, Counter::Denied, None),
            (5 + INTERVAL_MS, Counter::Denied, Some(3)),
            (5 + INTERVAL_MS, Counter::RecallMiss, None),
            // If the clock goes back, nothing is written until the interval has passed again.
            (0, Counter::Denied, None),
            (u64::MAX, Counter::Denied, Some(2)),
            (u64::MAX, Counter::Denied, Some(1)),
        ] {
            assert_eq!(sampler.due(counter, now_ms), due, "{now_ms} {counter:?}");
        }
    }
}
