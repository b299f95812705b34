//! The data of one worker about the requests that it remembers. It is more than the shared data contains, so that the
//! worker writes without reading.

use crate::sort;
use std::collections::{BTreeMap, BTreeSet};

use super::directory::{self, Claim, Directory, Renewal};
use super::ids::{self, IdHash, Ids, Pointer};
use super::record::{self, Record};
use super::secret::Secret;
use super::slots::{self, Slots};
use super::ticket::{Place, Ticket};
use super::{Access, Keys, MemoryError};

/// Identifies a remembered request, for [`super::Memory::end`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestNumber(u64);

/// A request that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The record of the request.
    pub record: &'a Record,
    /// All ids that it arrived with, as bytes that differ for ids of different kinds.
    pub ids: &'a [Vec<u8>],
    /// All tickets that it arrived with. A ticket of this memory is a predecessor: the service called itself. A ticket
    /// of another memory is an id.
    pub tickets: &'a [Ticket],
}

/// The result of remembering a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Its number; `None` if nothing at all is remembered.
    pub number: Option<RequestNumber>,
    /// Its ticket.
    pub ticket: Option<Ticket>,
    /// The reason why its context is not remembered, if it is not.
    pub error: Option<MemoryError>,
}

impl Remembered {
    pub(super) fn nothing() -> Self {
        Self { number: None, ticket: None, error: Some(MemoryError::Disabled) }
    }
}

/// Empties the slots and the buckets of a part. Slots are assigned in order, so the first one that was never written
/// comes after the last used one.
fn empty(keys: &Keys, access: Access<'_>, unit: u32) {
    let clear = |key: &str| match access.store.get(key) {
        Some((bytes, _)) => {
            if !bytes.is_empty() {
                let _ = access.store.set(key, &[], None);
            }
            true
        }
        None => false,
    };
    let _ = slots::of_part(unit).find(|slot| !clear(&keys.slot(*slot)));
    (0..ids::BUCKETS).for_each(|bucket| _ = clear(&keys.ids(unit, bucket)));
}

/// Returns the id that a ticket of another memory represents.
pub(super) fn foreign_id(ticket: Ticket) -> Vec<u8> {
    format!("ticket {ticket}").into_bytes()
}

/// A worker.
#[derive(Debug, Default)]
pub(super) struct Worker {
    /// The parts of the directory that never change, after it was read.
    known: Option<(u32, Secret)>,
    home: Option<Home>,
    slots: Slots,
    ids: Ids,
    requests: BTreeMap<u64, Request>,
    next_request: u64,
    /// The requests whose streams ended, ordered by the time at which they are forgotten.
    ending: BTreeSet<(u64, u64)>,
    renewed_ms: u64,
}

/// The part in which a worker keeps its ids.
#[derive(Debug, Clone, Copy)]
struct Home {
    worker: u64,
    unit: u32,
}

#[derive(Debug)]
struct Request {
    ids: Vec<IdHash>,
    pointer: Pointer,
}

impl Worker {
    /// Returns the number and the secret of the memory, if it exists.
    pub(super) fn known(&mut self, keys: &Keys, access: Access<'_>) -> Option<(u32, Secret)> {
        if self.known.is_none() {
            self.known = Directory::read(access.store, keys).map(|directory| (directory.memory, directory.secret));
        }
        self.known
    }

    pub(super) fn remember(&mut self, keys: &Keys, access: Access<'_>, arrival: &Arrival<'_>) -> Remembered {
        self.tick(keys, access);
        let Some((home, memory, secret)) = self.home(keys, access) else { return Remembered::nothing() };
        let Some(random) = access.randomness.secret() else { return Remembered::nothing() };
        let [random @ .., _, _, _, _, _, _, _, _] = random;
        let random = u64::from_le_bytes(random);
        let (own, foreign): (Vec<Ticket>, Vec<Ticket>) =
            arrival.tickets.iter().partition(|ticket| ticket.memory == memory);
        let before: Vec<u64> = own.iter().map(|ticket| ticket.random()).collect();
        let (place, error) = match self.store(keys, access, random, &before, arrival.record) {
            Ok(place) => (place, None),
            Err(error) => (Place::NotRemembered, Some(error)),
        };
        let foreign = foreign.into_iter().map(foreign_id);
        let mut hashes: Vec<IdHash> = arrival.ids.iter().map(|id| ids::hash(secret, id)).collect();
        hashes.extend(foreign.map(|id| ids::hash(secret, &id)));
        sort::sort(&mut hashes);
        hashes.dedup();
        let (digest, issued_at_ms) = (arrival.record.digest(secret), arrival.record.issued_at_ms);
        let pointer = Pointer { digest, random, place, issued_at_ms };
        let number = self.next_request;
        self.next_request = number.wrapping_add(1);
        let changed = hashes.iter().map(|id| self.ids.add(*id, number, pointer)).collect();
        self.publish(keys, access, home, &changed);
        self.requests.insert(number, Request { ids: hashes, pointer });
        let ticket = Some(Ticket::new(memory, secret, random, place));
        Remembered { number: Some(RequestNumber(number)), ticket, error }
    }

    pub(super) fn end(&mut self, number: RequestNumber, now_ms: u64, grace_ms: u64) {
        if self.requests.contains_key(&number.0) {
            self.ending.insert((now_ms.saturating_add(grace_ms), number.0));
        }
    }

    /// Forgets the requests that are over, and renews the parts of the memory.
    pub(super) fn tick(&mut self, keys: &Keys, access: Access<'_>) {
        self.forget(keys, access);
        let Some(home) = self.home else { return };
        // A clock that goes back also causes a renewal.
        let since = access.now_ms.abs_diff(self.renewed_ms);
        if since < access.limits.ttl_ms.checked_div(4).unwrap_or(0) {
            return;
        }
        self.renewed_ms = access.now_ms;
        match directory::renew(access, keys, home.worker, self.slots.units()) {
            Renewal::Kept { abandoned } if abandoned.is_empty() => {}
            Renewal::Kept { abandoned } => {
                abandoned.iter().for_each(|unit| empty(keys, access, *unit));
                directory::give_back(access, keys, home.worker, &abandoned);
            }
            Renewal::Lost => self.start_anew(keys, access),
        }
    }

    fn forget(&mut self, keys: &Keys, access: Access<'_>) {
        let mut changed = BTreeSet::new();
        while let Some((due_ms, number)) = self.ending.first().copied() {
            if due_ms > access.now_ms {
                break;
            }
            self.ending.pop_first();
            let Some(request) = self.requests.remove(&number) else { continue };
            if let Place::Slot(slot) = request.pointer.place {
                // Emptied, so that neither the ticket nor the bytes remain.
                let _ = access.store.set(&keys.slot(slot), &[], None);
                self.slots.give_back(slot);
            }
            changed.extend(request.ids.iter().map(|id| self.ids.remove(*id, number, request.pointer)));
        }
        if let Some(home) = self.home {
            self.publish(keys, access, home, &changed);
        }
    }

    /// Starts again after other workers took over the parts of this worker, because it could not renew them for too
    /// long. Its records are lost, but it still knows which requests live.
    fn start_anew(&mut self, keys: &Keys, access: Access<'_>) {
        self.home = None;
        self.known = None;
        self.slots = Slots::default();
        let Some((home, ..)) = self.home(keys, access) else {
            self.requests.clear();
            self.ids = Ids::default();
            return;
        };
        let mut changed = BTreeSet::new();
        for (number, request) in &mut self.requests {
            request.pointer.place = Place::NotRemembered;
            // Replaces the entry with the lost record.
            changed.extend(request.ids.iter().map(|id| self.ids.add(*id, *number, request.pointer)));
        }
        self.publish(keys, access, home, &changed);
    }

    /// Returns the worker's home with the number and the secret of the memory. The home is taken with the first
    /// request.
    fn home(&mut self, keys: &Keys, access: Access<'_>) -> Option<(Home, u32, Secret)> {
        if let (Some(home), Some((memory, secret))) = (self.home, self.known) {
            return Some((home, memory, secret));
        }
        let [worker @ .., _, _, _, _, _, _, _, _] = access.randomness.secret()?;
        // 0 means no worker.
        let worker = u64::from_le_bytes(worker).max(1);
        let (unit, directory) = directory::take(access, keys, worker, Claim::Home)?;
        let home = Home { worker, unit };
        self.home = Some(home);
        self.known = Some((directory.memory, directory.secret));
        self.renewed_ms = access.now_ms;
        self.slots.add(unit);
        Some((home, directory.memory, directory.secret))
    }

    /// Writes the record into a slot.
    fn store(
        &mut self,
        keys: &Keys,
        access: Access<'_>,
        random: u64,
        before: &[u64],
        record: &Record,
    ) -> Result<Place, MemoryError> {
        if record.is_empty() && before.is_empty() {
            return Ok(Place::NoContext);
        }
        let bytes = record::encode(random, before, record)?;
        let slot = match self.slots.take(bytes.len(), access.limits) {
            Err(MemoryError::Full) => {
                let worker = self.home.ok_or(MemoryError::Full)?.worker;
                let (unit, _) = directory::take(access, keys, worker, Claim::More).ok_or(MemoryError::Full)?;
                self.slots.add(unit);
                self.slots.take(bytes.len(), access.limits)?
            }
            taken => taken?,
        };
        let _ = access.store.set(&keys.slot(slot), &bytes, None);
        Ok(Place::Slot(slot))
    }

    fn publish(&self, keys: &Keys, access: Access<'_>, home: Home, buckets: &BTreeSet<u32>) {
        for bucket in buckets {
            let bytes = self.ids.encode(home.worker, *bucket);
            let _ = access.store.set(&keys.ids(home.unit, *bucket), &bytes, None);
        }
    }
}
