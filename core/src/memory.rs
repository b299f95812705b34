//! The memory: what an inbound request's context was, for the calls that the service makes while it serves it.
//!
//! Shared data has no delete, so the memory is a fixed number of slots whose keys are written over and over:
//! a set-associative table. A trace belongs to one set of four slots and has an order among them; the
//! first slot that is free takes it, and when none is free the record that expires first makes room.
//! A slot that was never written ends a search, because no trace of that order ever went past it.
//!
//! Slots are read as what anybody may have written: every plugin of a pod can share the name space. The whole
//! key of the trace stands in the record and is compared, so a collision of hashes is a miss, never a mix-up.

use std::borrow::Borrow;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::carrier::CarrierError;
use crate::carrier::payload;
use crate::carrier::wire::{Reader, from_size, write_text, write_varint};
use crate::context::Context;
use crate::host::SharedMemory;
use crate::limits::{MAX_CONTEXT_FIELDS, MAX_FIELD_NAME_BYTES, MAX_MEMORY_SLOTS, MAX_RECORD_BYTES};
use crate::names::Names;
use crate::trace::TraceKey;

/// Slots of a set. Four keep the loss by collisions small while most searches read one slot.
const WAYS: u64 = 4;

/// How often a write is tried again when another worker wrote the slot in between.
const TRIES: usize = 3;

/// Format of a record, also part of the slots' keys.
const FORMAT: u8 = 2;

/// What the key of every slot begins with: plugins of a pod may share the name space.
const KEY_PREFIX: &str = "context-mesh/2/";

/// How far the clocks of two workers may be apart, in milliseconds. A record that expires later than any
/// worker could have written it is rubbish and does not hold its slot for ever.
const CLOCK_SLACK_MS: u64 = 60_000;

/// The slots and how long they hold a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    slots: u32,
    ttl_ms: u64,
}

/// What is remembered of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The context after the decision.
    pub context: Context,
    /// The names of the fields that were redacted here and must not come back.
    pub withheld: Names,
    /// When the context was made, in milliseconds since 1970.
    pub issued_at_ms: u64,
}

/// Why a context is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryError {
    /// There are no slots, or records would expire at once.
    Disabled,
    /// The record exceeds [`MAX_RECORD_BYTES`], or a withheld name or their number a limit of the context.
    TooLarge,
    /// Other workers wrote the slots again and again.
    Busy,
}

impl MemoryError {
    /// The name in logs, reports and metrics. Names are never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::TooLarge => "too-large",
            Self::Busy => "busy",
        }
    }
}

impl Memory {
    /// A memory with `slots` slots (at most [`MAX_MEMORY_SLOTS`]; 0 remembers nothing) that holds records for
    /// `ttl_ms` milliseconds. All workers of a process must use the same numbers to find each other's records.
    pub fn new(slots: u32, ttl_ms: u64) -> Self {
        Self { slots: slots.min(MAX_MEMORY_SLOTS), ttl_ms }
    }

    /// Stores the record under each of the traces, in place of an older one of the same trace. `now_ms` is in
    /// milliseconds since 1970. Usually one read and one write for each.
    ///
    /// # Errors
    /// [`MemoryError`] says why it is not remembered under one of them, and then under none that follows.
    pub fn remember(
        &self,
        store: &dyn SharedMemory,
        traces: impl IntoIterator<Item = impl Borrow<TraceKey>>,
        now_ms: u64,
        record: &Record,
    ) -> Result<(), MemoryError> {
        if self.slots == 0 || self.ttl_ms == 0 {
            return Err(MemoryError::Disabled);
        }
        let body = encode_body(record)?;
        for trace in traces {
            let bytes = with_head(trace.borrow(), now_ms.saturating_add(self.ttl_ms), &body)?;
            self.write(store, trace.borrow(), now_ms, &bytes)?;
        }
        Ok(())
    }

    fn write(&self, store: &dyn SharedMemory, trace: &TraceKey, now_ms: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        for _ in 0..TRIES {
            let (slot, version) = self.choose(store, trace, now_ms).ok_or(MemoryError::Disabled)?;
            if store.set(&slot, bytes, version).is_ok() {
                return Ok(());
            }
        }
        Err(MemoryError::Busy)
    }

    /// The slot for a trace, with the version that it must still have: the first that is the trace's own or
    /// free, else the one that expires first.
    ///
    /// An older record of the same trace may stay in a slot further on. It is never found: the search finds
    /// the newer one first, and the older one expires and makes room first.
    fn choose(&self, store: &dyn SharedMemory, trace: &TraceKey, now_ms: u64) -> Option<(String, Option<u32>)> {
        let mut earliest: Option<(u64, String, Option<u32>)> = None;
        for slot in self.slots_of(trace) {
            let Some((bytes, version)) = store.get(&slot) else { return Some((slot, None)) };
            let mut reader = Reader::new(&bytes);
            match read_head(&mut reader) {
                Ok(head) if self.is_live(head.expiry_ms, now_ms) => {
                    if head.trace == *trace {
                        return Some((slot, version));
                    }
                    if earliest.as_ref().is_none_or(|(expiry, ..)| head.expiry_ms < *expiry) {
                        earliest = Some((head.expiry_ms, slot, version));
                    }
                }
                Ok(_) | Err(_) => return Some((slot, version)),
            }
        }
        earliest.map(|(_, slot, version)| (slot, version))
    }

    /// What is remembered of the trace, if it has not expired. Usually one read.
    pub fn recall(&self, store: &dyn SharedMemory, trace: &TraceKey, now_ms: u64) -> Option<Record> {
        for slot in self.slots_of(trace) {
            let (bytes, _) = store.get(&slot)?;
            let mut reader = Reader::new(&bytes);
            let Ok(head) = read_head(&mut reader) else { continue };
            if head.trace == *trace && self.is_live(head.expiry_ms, now_ms) {
                return decode(reader).ok();
            }
        }
        None
    }

    fn is_live(&self, expiry_ms: u64, now_ms: u64) -> bool {
        let latest = now_ms.saturating_add(self.ttl_ms).saturating_add(CLOCK_SLACK_MS);
        expiry_ms > now_ms && expiry_ms <= latest
    }

    /// The keys of the trace's slots, in its order.
    ///
    /// The hash has a fixed key, because the workers of a process must agree and there is no secret that they
    /// share. Who can choose trace ids can thus fill a set; with as many requests he could fill the whole
    /// memory, and all he gains is that a context is not recalled.
    fn slots_of(&self, trace: &TraceKey) -> impl Iterator<Item = String> + use<> {
        let mut hasher = DefaultHasher::new();
        trace.hash(&mut hasher);
        let hash = hasher.finish();
        let slots = self.slots;
        let ways = WAYS.min(u64::from(slots));
        let sets = u64::from(slots).checked_div(ways).unwrap_or(0);
        let set = hash.checked_rem(sets).unwrap_or(0);
        let first = hash >> 62;
        (0..ways).map(move |step| {
            let way = first.wrapping_add(step).checked_rem(ways).unwrap_or(0);
            let slot = set.saturating_mul(ways).saturating_add(way);
            let mut key = String::with_capacity(32);
            key.push_str(KEY_PREFIX);
            push_number(&mut key, u64::from(slots));
            key.push('/');
            push_number(&mut key, slot);
            key
        })
    }
}

/// Appends a decimal number. Every request names slots, and formatting costs more than all else about it.
fn push_number(text: &mut String, number: u64) {
    // 2^64 has 20 digits.
    let mut digits = [b'0'; 20];
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

/// The part of a record that says whose it is.
struct Head {
    expiry_ms: u64,
    trace: TraceKey,
}

/// The part of a record that all its traces share.
fn encode_body(record: &Record) -> Result<Vec<u8>, MemoryError> {
    let names_fit = record.withheld.iter().all(|name| name.len() <= MAX_FIELD_NAME_BYTES);
    if record.withheld.len() > MAX_CONTEXT_FIELDS || !names_fit {
        return Err(MemoryError::TooLarge);
    }
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(&record.issued_at_ms.to_le_bytes());
    write_varint(&mut out, from_size(record.withheld.len()));
    for name in record.withheld.iter() {
        write_text(&mut out, name);
    }
    payload::write(&mut out, &record.context, None);
    Ok(out)
}

/// A whole record.
fn with_head(trace: &TraceKey, expiry_ms: u64, body: &[u8]) -> Result<Vec<u8>, MemoryError> {
    let mut out = Vec::with_capacity(body.len().saturating_add(64));
    out.push(FORMAT);
    out.extend_from_slice(&expiry_ms.to_le_bytes());
    match trace {
        TraceKey::Trace(id) => {
            out.push(0);
            out.extend_from_slice(&id.to_le_bytes());
        }
        TraceKey::RequestId(id) => {
            out.push(1);
            write_text(&mut out, id);
        }
    }
    out.extend_from_slice(body);
    if out.len() > MAX_RECORD_BYTES { Err(MemoryError::TooLarge) } else { Ok(out) }
}

fn read_head(reader: &mut Reader<'_>) -> Result<Head, CarrierError> {
    if reader.rest().len() > MAX_RECORD_BYTES {
        return Err(CarrierError::TooLarge);
    }
    if reader.byte()? != FORMAT {
        return Err(CarrierError::UnknownVersion);
    }
    let expiry_ms = u64::from_le_bytes(reader.array()?);
    let trace = match reader.byte()? {
        0 => TraceKey::Trace(u128::from_le_bytes(reader.array()?)),
        1 => {
            let length = reader.size()?;
            TraceKey::RequestId(reader.text(length)?.to_owned())
        }
        _ => return Err(CarrierError::Malformed),
    };
    Ok(Head { expiry_ms, trace })
}

/// Reads what stands behind the head.
fn decode(mut reader: Reader<'_>) -> Result<Record, CarrierError> {
    let issued_at_ms = u64::from_le_bytes(reader.array()?);
    let count = reader.size()?;
    if count > MAX_CONTEXT_FIELDS {
        return Err(CarrierError::TooManyFields);
    }
    let mut withheld = Names::default();
    for _ in 0..count {
        let length = reader.size()?;
        if length > MAX_FIELD_NAME_BYTES {
            return Err(CarrierError::FieldName);
        }
        withheld.push(reader.text(length)?);
    }
    let context = payload::read(reader.rest(), None)?;
    Ok(Record { context, withheld, issued_at_ms })
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the counters of the fakes stay small")]
#[path = "memory_tests.rs"]
mod tests;
