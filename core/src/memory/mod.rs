//! The memory: the contexts of inbound requests, for the calls that the service makes while it serves them.
//!
//! Shared data has no delete operation and no lock, and is read and written by all workers of a proxy. So each worker
//! writes only its own values, and reads those of all workers:
//!
//! - The **directory** ([`directory`]) is the only value that workers write together, by compare-and-set. It contains
//!   the number of the memory, its secret, and which worker has which of its [`UNITS`] parts. A part is a share of the
//!   slots and of the bytes.
//! - A **slot** holds one record. The worker that has the slot writes it without reading it first, and empties it when
//!   the request is over.
//! - A **ticket** ([`ticket`]) refers to a record: it names the slot, and its random half is written in the record.
//! - **Ids** ([`ids`]) refer to tickets: each worker has a table of the ids that its live requests arrived with.
//!
//! A request is remembered while its stream is open, and for a grace period after that. If it could not be remembered
//! because the memory was full, this is known: its ticket says so, and its ids are ambiguous while it lives.

mod attached;
mod directory;
mod ids;
mod recall;
mod record;
mod secret;
mod slots;
#[cfg(test)]
mod tests;
mod ticket;
mod worker;

use core::cell::RefCell;

use crate::fuel::Fuel;
use crate::host::{Randomness, SharedMemory};

pub use attached::{Attachment, CallNumber};
pub use recall::{OnAmbiguous, Recall, RecalledBy, Wanted};
pub use record::Record;
pub use ticket::Ticket;
pub use worker::{Arrival, Remembered, RequestNumber};

use attached::Attached;
use worker::Worker;

/// Number of parts of the memory that workers take, each a share of the slots and bytes. This is also the largest
/// number of workers that remember: Envoy has one for each core.
pub(crate) const UNITS: usize = 128;

/// Interval at which [`Memory::tick`] should be called, in milliseconds. It is the precision of the end of a grace
/// period.
pub const TICK_MS: u32 = 500;

/// Limits of the memory's size and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of records.
    pub slots: u32,
    /// Largest number of bytes of all records.
    pub bytes: u64,
    /// How long a request is remembered after its stream ended, in milliseconds.
    pub grace_ms: u64,
    /// How long the records of a worker are kept after the worker itself is gone, in milliseconds.
    pub ttl_ms: u64,
}

/// The reason why a context is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryError {
    /// The host has no source of secrets, or there are more workers than parts.
    Disabled,
    /// The record exceeds [`crate::limits::MAX_RECORD_BYTES`], or the share of one part.
    TooLarge,
    /// All slots or bytes are in use.
    Full,
}

impl MemoryError {
    /// Returns the name in logs, reports and metrics. Names are never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::TooLarge => "too-large",
            Self::Full => "full",
        }
    }
}

/// The services of the host that the memory needs for one request.
#[derive(Clone, Copy)]
pub struct Access<'h> {
    /// Storage that all workers share.
    pub store: &'h dyn SharedMemory,
    /// Unpredictable bytes.
    pub randomness: &'h dyn Randomness,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
    /// The limits of the memory.
    pub limits: Limits,
}

/// The memory of one service, as one worker sees it. It is kept when the configuration changes. Services that share a
/// proxy have separate memories.
#[derive(Debug)]
pub struct Memory {
    keys: Keys,
    worker: RefCell<Worker>,
    attached: RefCell<Attached>,
}

impl Memory {
    /// Returns the memory of this service. Nothing is read or written yet.
    pub fn new(service: &str) -> Self {
        Self { keys: Keys::new(service), worker: RefCell::default(), attached: RefCell::default() }
    }

    /// Remembers a request that arrived, until [`Memory::end`]. If there is no room for its record, this fact is
    /// remembered instead.
    pub fn remember(&self, access: Access<'_>, arrival: &Arrival<'_>) -> Remembered {
        let Ok(mut worker) = self.worker.try_borrow_mut() else { return Remembered::nothing() };
        worker.remember(&self.keys, access, arrival)
    }

    /// Returns the context that a call recalls.
    pub fn recall(&self, access: Access<'_>, wanted: &Wanted<'_>, fuel: &Fuel) -> Recall {
        let Ok(mut worker) = self.worker.try_borrow_mut() else { return Recall::Missing };
        worker.tick(&self.keys, access);
        recall::recall(&mut worker, &self.keys, access, wanted, fuel)
    }

    /// Records the end of a request's stream. The request is forgotten `grace_ms` after `now_ms`, by the next request
    /// or [`Memory::tick`].
    pub fn end(&self, number: RequestNumber, now_ms: u64, grace_ms: u64) {
        if let Ok(mut worker) = self.worker.try_borrow_mut() {
            worker.end(number, now_ms, grace_ms);
        }
    }

    /// Records that this `x-mesh-context` was attached to a call. It is known until [`Memory::end_call`].
    pub(crate) fn note_attached(&self, value: &[u8], attachment: Attachment, now_ms: u64) -> Option<CallNumber> {
        self.attached.try_borrow_mut().ok()?.note(value, attachment, now_ms)
    }

    /// Records the end of a call's stream.
    pub fn end_call(&self, number: CallNumber, now_ms: u64) {
        if let Ok(mut attached) = self.attached.try_borrow_mut() {
            attached.end(number, now_ms);
        }
    }

    /// Returns the decision that was made when this worker attached this `x-mesh-context` to a call. Returns `None` if
    /// it did not attach it, or if the call is over.
    pub fn attached(&self, value: &[u8], now_ms: u64) -> Option<Attachment> {
        self.attached.try_borrow().ok()?.find(value, now_ms)
    }

    /// Forgets requests that are over, and renews the others. To be called every [`TICK_MS`].
    pub fn tick(&self, access: Access<'_>) {
        if let Ok(mut worker) = self.worker.try_borrow_mut() {
            worker.tick(&self.keys, access);
        }
        if let Ok(mut attached) = self.attached.try_borrow_mut() {
            attached.forget(access.now_ms);
        }
    }
}

/// The keys in shared data. Plugins of a pod may share the name space.
#[derive(Debug)]
struct Keys {
    prefix: String,
}

impl Keys {
    fn new(service: &str) -> Self {
        Self { prefix: format!("context-mesh/4/{service}/") }
    }

    fn directory(&self) -> String {
        self.with("directory", &[])
    }

    /// Returns the key of the record in this slot.
    fn slot(&self, slot: u32) -> String {
        self.with("slot/", &[slot])
    }

    /// Returns the key of the ids in this bucket, of the worker with this part.
    fn ids(&self, unit: u32, bucket: u32) -> String {
        self.with("ids/", &[unit, bucket])
    }

    fn with(&self, what: &str, numbers: &[u32]) -> String {
        let mut key = String::with_capacity(self.prefix.len().saturating_add(32));
        key.push_str(&self.prefix);
        key.push_str(what);
        for (at, number) in numbers.iter().enumerate() {
            if at > 0 {
                key.push('/');
            }
            push_number(&mut key, *number);
        }
        key
    }
}

/// Appends a decimal number. Every request names slots, and formatting would be the most expensive part of it.
fn push_number(text: &mut String, number: u32) {
    // 2^32 has 10 digits.
    let mut digits = [b'0'; 10];
    let (mut rest, mut length) = (number, 0_usize);
    for digit in digits.iter_mut().rev() {
        *digit = u8::try_from(rest.wrapping_rem(10)).unwrap_or(0).wrapping_add(b'0');
        length = length.wrapping_add(1);
        rest = rest.wrapping_div(10);
        if rest == 0 {
            break;
        }
    }
    let written = digits.get(digits.len().saturating_sub(length)..).unwrap_or_default();
    text.push_str(core::str::from_utf8(written).unwrap_or_default());
}
