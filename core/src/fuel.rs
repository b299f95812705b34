//! The budget of one request: everything that it can make us do is paid from it, in units of fuel.
//!
//! A unit is one simple instruction of the machine, about ten nanoseconds of a worker in Envoy
//! ([`crate::limits::MAX_FUEL`] has the sum). What stages of the pipeline cost stands below; what instructions and
//! functions cost, in [`crate::vm::cost`]. A stage pays before it works. A request that asks for more than the budget
//! is refused, whatever `onError` says: otherwise whoever sends it chooses which rules are left out.

use core::cell::Cell;

use crate::limits::MAX_FUEL;
use crate::tables::Reply;

/// Bytes of text that one unit pays for, where every byte is looked at: JSON, percent and base64 encoding, patterns.
const BYTES_A_UNIT: usize = 8;

/// What one element of a list, one member of a map or one field costs beside its bytes.
const ITEM: u64 = 8;

/// What a hash costs beside its bytes: its first and last block, and writing it down.
const HASH: u64 = 200;

/// What a request may still make us do.
#[derive(Debug)]
pub struct Fuel {
    left: Cell<u64>,
    exhausted: Cell<bool>,
}

/// There was not enough fuel, or not enough memory, for what a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Default for Fuel {
    fn default() -> Self {
        Self::new(MAX_FUEL)
    }
}

impl Fuel {
    /// A budget of so many units.
    pub const fn new(units: u64) -> Self {
        Self { left: Cell::new(units), exhausted: Cell::new(false) }
    }

    /// Pays so many units.
    ///
    /// # Errors
    /// [`Exhausted`] when there are not as many; then nothing is left, and the request must be refused.
    pub fn burn(&self, units: u64) -> Result<(), Exhausted> {
        match self.left.get().checked_sub(units) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exhaust()),
        }
    }

    /// Pays for looking at every byte of a text once.
    ///
    /// # Errors
    /// As [`Fuel::burn`].
    pub fn text(&self, bytes: usize) -> Result<(), Exhausted> {
        self.burn(text(bytes))
    }

    /// Pays for so many elements, members or fields, beside their bytes.
    ///
    /// # Errors
    /// As [`Fuel::burn`].
    pub fn items(&self, count: usize) -> Result<(), Exhausted> {
        self.burn(ITEM.saturating_mul(units(count)))
    }

    /// Pays for a hash of so many bytes.
    ///
    /// # Errors
    /// As [`Fuel::burn`].
    pub fn hash(&self, bytes: usize) -> Result<(), Exhausted> {
        self.burn(HASH.saturating_add(text(bytes)))
    }

    /// Notes that something ran out, memory for example: nothing is left.
    pub(crate) fn exhaust(&self) -> Exhausted {
        self.left.set(0);
        self.exhausted.set(true);
        Exhausted
    }

    /// The units that are left.
    pub fn left(&self) -> u64 {
        self.left.get()
    }

    /// The units of a full budget that were paid.
    pub fn used(&self) -> u64 {
        MAX_FUEL.saturating_sub(self.left.get())
    }

    /// Whether more was asked for than there was.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// Takes over what a machine left.
    pub(crate) fn settle(&self, left: u64) {
        self.left.set(left);
    }
}

/// The answer to a request that asks for more than its budget. It is the request that is too large (431), so nobody sends it
/// again as it is: clients and proxies retry 503 and 429. For gRPC it is `RESOURCE_EXHAUSTED`.
pub fn refusal() -> Reply {
    Reply { status: 431, grpc_status: 8, message: "the request asks for more work than one request may".to_owned() }
}

/// What it costs to look at every byte of a text once.
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
