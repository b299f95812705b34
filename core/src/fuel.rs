//! The budget of one request: all work for it is paid from this budget, in units of fuel.
//!
//! A unit is one simple instruction of the machine, about ten nanoseconds of a worker in Envoy
//! ([`crate::limits::MAX_FUEL`] is the total). The costs of the stages of the pipeline are defined below, those of
//! instructions and functions in [`crate::vm::cost`]. A stage pays before it works. A request that needs more than the
//! budget is refused, whatever `onError` is: otherwise its sender could choose which rules are skipped.

use core::cell::Cell;

use crate::limits::MAX_FUEL;
use crate::tables::Reply;

/// Bytes of text that one unit pays for, if every byte is read: JSON, percent and base64 encoding, patterns.
const BYTES_A_UNIT: usize = 8;

/// Cost of one element of a list, one member of a map or one field, in addition to its bytes.
const ITEM: u64 = 8;

/// Cost of a hash in addition to its bytes: its first and last block, and writing it as text.
const HASH: u64 = 200;

/// The remaining budget of a request.
#[derive(Debug)]
pub struct Fuel {
    left: Cell<u64>,
    exhausted: Cell<bool>,
}

/// The request needs more fuel or memory than it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Default for Fuel {
    fn default() -> Self {
        Self::new(MAX_FUEL)
    }
}

impl Fuel {
    /// Returns a budget of this number of units.
    pub const fn new(units: u64) -> Self {
        Self { left: Cell::new(units), exhausted: Cell::new(false) }
    }

    /// Pays this number of units.
    ///
    /// # Errors
    /// [`Exhausted`]: fewer are left. Then nothing is left, and the request must be refused.
    pub fn burn(&self, units: u64) -> Result<(), Exhausted> {
        match self.left.get().checked_sub(units) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exhaust()),
        }
    }

    /// Pays for reading every byte of a text once.
    ///
    /// # Errors
    /// The same as for [`Fuel::burn`].
    pub fn text(&self, bytes: usize) -> Result<(), Exhausted> {
        self.burn(text(bytes))
    }

    /// Pays for this number of elements, members or fields, in addition to their bytes.
    ///
    /// # Errors
    /// The same as for [`Fuel::burn`].
    pub fn items(&self, count: usize) -> Result<(), Exhausted> {
        self.burn(ITEM.saturating_mul(units(count)))
    }

    /// Pays for a hash of this number of bytes.
    ///
    /// # Errors
    /// The same as for [`Fuel::burn`].
    pub fn hash(&self, bytes: usize) -> Result<(), Exhausted> {
        self.burn(HASH.saturating_add(text(bytes)))
    }

    /// Records that the budget is exhausted, for example the memory. No fuel is left then.
    pub(crate) fn exhaust(&self) -> Exhausted {
        self.left.set(0);
        self.exhausted.set(true);
        Exhausted
    }

    /// Returns the units that are left.
    pub fn left(&self) -> u64 {
        self.left.get()
    }

    /// Returns the units of a full budget that were paid.
    pub fn used(&self) -> u64 {
        MAX_FUEL.saturating_sub(self.left.get())
    }

    /// Returns whether the request needed more than the budget.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// Sets the remaining fuel to that of a machine.
    pub(crate) fn settle(&self, left: u64) {
        self.left.set(left);
    }
}

/// Returns the answer to a request that needs more than its budget. The status says that the request is too large
/// (431), so that it is not repeated unchanged: clients and proxies retry 503 and 429. For gRPC it is
/// `RESOURCE_EXHAUSTED`.
pub fn refusal() -> Reply {
    Reply { status: 431, grpc_status: 8, message: "the request asks for more work than one request may".to_owned() }
}

/// Returns the cost of reading every byte of a text once.
pub(crate) fn text(bytes: usize) -> u64 {
    units(bytes.wrapping_div(BYTES_A_UNIT))
}

fn units(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_is_there_can_be_paid_and_no_more() {
        let fuel = Fuel::new(10);
        assert_eq!((fuel.burn(10), fuel.left(), fuel.is_exhausted()), (Ok(()), 0, false));
        assert_eq!((fuel.burn(0), fuel.burn(1), fuel.is_exhausted()), (Ok(()), Err(Exhausted), true));
    }

    #[test]
    fn after_it_ran_out_nothing_more_is_paid() {
        let fuel = Fuel::new(10);
        assert_eq!((fuel.burn(11), fuel.burn(1), fuel.left()), (Err(Exhausted), Err(Exhausted), 0));
    }

    #[test]
    fn what_stages_cost() {
        type Pay = fn(&Fuel) -> Result<(), Exhausted>;
        let cases: [(&str, Pay, u64); 5] = [
            ("a short text", |fuel| fuel.text(7), 0),
            ("a header of 16 KiB", |fuel| fuel.text(16 * 1024), 2048),
            ("256 elements", |fuel| fuel.items(256), 2048),
            ("a hash", |fuel| fuel.hash(20), 202),
            ("more than a number holds", |fuel| fuel.hash(usize::MAX).or(Ok(())), MAX_FUEL),
        ];
        for (what, pay, expected) in cases {
            let fuel = Fuel::default();
            pay(&fuel).unwrap();
            assert_eq!(fuel.used(), expected, "{what}");
        }
    }
}
