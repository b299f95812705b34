//! The slots of a worker: which are free, and how many bytes its records use.

use std::collections::BTreeMap;

use super::{Limits, MemoryError, UNITS};
use crate::limits::MAX_MEMORY_SLOTS;

/// Slots of a part. [`Limits::slots`] says how many of them are used. The numbers of slots do not depend on the limits,
/// so that records keep their slots when the limits change.
const STRIDE: u32 = MAX_MEMORY_SLOTS / 128;

/// Returns all slots of a part, in the order in which they are assigned.
pub(super) fn of_part(unit: u32) -> impl Iterator<Item = u32> {
    let first = unit.saturating_mul(STRIDE);
    first..first.saturating_add(STRIDE)
}

/// A part of the memory.
#[derive(Debug)]
struct Part {
    unit: u32,
    /// Slots that were returned.
    free: Vec<u32>,
    /// All slots below this one have been assigned at some time.
    next: u32,
    bytes: usize,
}

/// The slots of a worker.
#[derive(Debug, Default)]
pub(super) struct Slots {
    parts: Vec<Part>,
    /// The slots in use, with the sizes of their records.
    used: BTreeMap<u32, usize>,
}

impl Slots {
    /// Adds a part.
    pub(super) fn add(&mut self, unit: u32) {
        self.parts.push(Part { unit, free: Vec::new(), next: 0, bytes: 0 });
    }

    /// Returns the parts.
    pub(super) fn units(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        self.parts.iter().map(|part| part.unit)
    }

    /// Takes a free slot with room for this number of bytes.
    pub(super) fn take(&mut self, bytes: usize, limits: Limits) -> Result<u32, MemoryError> {
        let share = u64::try_from(UNITS).unwrap_or(u64::MAX);
        let most_bytes = limits.bytes.checked_div(share).and_then(|most| usize::try_from(most).ok()).unwrap_or(0);
        let most_slots = u64::from(limits.slots).div_ceil(share);
        let most_slots = u32::try_from(most_slots).unwrap_or(STRIDE).min(STRIDE);
        if bytes > most_bytes {
            return Err(MemoryError::TooLarge);
        }
        for part in &mut self.parts {
            let used = part.next.saturating_sub(u32::try_from(part.free.len()).unwrap_or(u32::MAX));
            if used >= most_slots || part.bytes.saturating_add(bytes) > most_bytes {
                continue;
            }
            let local = part.free.pop().unwrap_or_else(|| {
                part.next = part.next.saturating_add(1);
                part.next.saturating_sub(1)
            });
            part.bytes = part.bytes.saturating_add(bytes);
            let slot = part.unit.saturating_mul(STRIDE).saturating_add(local);
            self.used.insert(slot, bytes);
            return Ok(slot);
        }
        Err(MemoryError::Full)
    }

    /// Returns a slot to the free ones.
    pub(super) fn give_back(&mut self, slot: u32) {
        let Some(bytes) = self.used.remove(&slot) else { return };
        let unit = slot.checked_div(STRIDE).unwrap_or(0);
        if let Some(part) = self.parts.iter_mut().find(|part| part.unit == unit) {
            part.bytes = part.bytes.saturating_sub(bytes);
            part.free.push(slot.checked_rem(STRIDE).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const LIMITS: Limits = Limits { slots: 256, bytes: 128 * 100, grace_ms: 0, ttl_ms: 0 };

    #[test]
    fn a_part_has_its_share_of_slots_and_bytes() {
        let mut slots = Slots::default();
        assert_eq!(slots.take(1, LIMITS), Err(MemoryError::Full));
        slots.add(3);
        slots.add(0);
        assert_eq!(slots.take(101, LIMITS), Err(MemoryError::TooLarge));
        let first = slots.take(60, LIMITS).unwrap();
        assert_eq!(first, 3 * STRIDE);
        // The part has too few bytes left; the other part has enough.
        assert_eq!(slots.take(41, LIMITS), Ok(0));
        assert_eq!(slots.take(40, LIMITS), Ok(3 * STRIDE + 1));
        assert_eq!(slots.take(1, LIMITS), Ok(1));
        assert_eq!(slots.take(1, LIMITS), Err(MemoryError::Full));
        slots.give_back(first);
        slots.give_back(first);
        assert_eq!(slots.take(1, LIMITS), Ok(first));
        assert_eq!(slots.take(1, LIMITS), Err(MemoryError::Full));
        assert_eq!(slots.units().collect::<Vec<_>>(), [3, 0]);
    }

    #[test]
    fn a_record_may_fill_a_whole_share() {
        let mut slots = Slots::default();
        slots.add(0);
        assert_eq!(slots.take(101, LIMITS), Err(MemoryError::TooLarge));
        assert_eq!(slots.take(100, LIMITS), Ok(0));
    }
}
