//! The directory: the only value of a memory that its workers write together, by compare-and-set.
//!
//! ```text
//! format   4
//! memory   u32: the number of the memory, in tickets
//! secret   16 bytes: the key of its hashes
//! parts    each: worker u64 (0: free), until u64 (milliseconds since 1970), home u8
//! ```
//!
//! Numbers are little endian. A worker holds a part for as long as it renews it. If a worker is gone, because its
//! virtual machine trapped or was replaced by a newer one, other workers empty its parts after twice the time to live.

use super::secret::Secret;
use super::{Access, Keys, UNITS};
use crate::carrier::wire::Reader;
use crate::host::SharedMemory;

const FORMAT: u8 = 4;

/// Number of retries of a write, if another worker wrote in between.
const TRIES: usize = 8;

/// Parts that are reserved for workers that have none yet.
const RESERVED: usize = UNITS / 4;

/// A version that no value has. A write with it only succeeds if there is no value yet.
const ABSENT: u32 = u32::MAX;

/// The content of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) memory: u32,
    pub(super) secret: Secret,
    parts: Vec<Part>,
}

/// A part of the memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Part {
    /// The worker that holds the part; 0 is none.
    worker: u64,
    until_ms: u64,
    /// Whether the worker keeps its ids here.
    home: bool,
}

/// The kind of part that a worker claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Its first part, where it keeps its ids.
    Home,
    /// One more part.
    More,
}

impl Directory {
    /// Reads the directory. Returns `None` if it does not exist yet.
    pub(super) fn read(store: &dyn SharedMemory, keys: &Keys) -> Option<Self> {
        Some(read_with_version(store, keys)?.0)
    }

    /// Returns the workers that have ids, each with its part.
    pub(super) fn homes(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let parts = (0_u32..).zip(&self.parts);
        parts.filter(|(_, part)| part.home && part.worker != 0).map(|(unit, part)| (unit, part.worker))
    }

    /// Returns this part, if the worker holds it.
    fn part_of(&mut self, worker: u64, unit: u32) -> Option<&mut Part> {
        self.parts.get_mut(usize::try_from(unit).ok()?).filter(|part| part.worker == worker)
    }

    fn take(&mut self, worker: u64, claim: Claim, now_ms: u64, ttl_ms: u64) -> Option<u32> {
        let used = self.parts.iter().filter(|part| part.worker != 0).count();
        if claim == Claim::More && used >= UNITS.saturating_sub(RESERVED) {
            return None;
        }
        let place = match self.parts.iter().position(|part| part.worker == 0) {
            Some(place) => place,
            None if self.parts.len() < UNITS => {
                self.parts.push(Part::default());
                self.parts.len().saturating_sub(1)
            }
            None => return None,
        };
        let until_ms = now_ms.saturating_add(ttl_ms);
        *self.parts.get_mut(place)? = Part { worker, until_ms, home: claim == Claim::Home };
        u32::try_from(place).ok()
    }

    /// Takes the parts of workers that are gone, so that they can be emptied.
    fn take_abandoned(&mut self, worker: u64, now_ms: u64, ttl_ms: u64) -> Vec<u32> {
        let mut taken = Vec::new();
        for (unit, part) in (0_u32..).zip(&mut self.parts) {
            let gone = part.until_ms.saturating_add(ttl_ms) < now_ms;
            if part.worker != 0 && part.worker != worker && gone {
                *part = Part { worker, until_ms: now_ms.saturating_add(ttl_ms), home: false };
                taken.push(unit);
            }
        }
        taken
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.parts.len().saturating_mul(17).saturating_add(21));
        out.push(FORMAT);
        out.extend_from_slice(&self.memory.to_le_bytes());
        out.extend_from_slice(&self.secret.0);
        for part in &self.parts {
            out.extend_from_slice(&part.worker.to_le_bytes());
            out.extend_from_slice(&part.until_ms.to_le_bytes());
            out.push(u8::from(part.home));
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte().ok()? != FORMAT {
            return None;
        }
        let memory = u32::from_le_bytes(reader.array().ok()?);
        let secret = Secret(reader.array().ok()?);
        let mut parts = Vec::new();
        while !reader.rest().is_empty() && parts.len() < UNITS {
            let worker = u64::from_le_bytes(reader.array().ok()?);
            let until_ms = u64::from_le_bytes(reader.array().ok()?);
            parts.push(Part { worker, until_ms, home: reader.byte().ok()? == 1 });
        }
        reader.finish().ok()?;
        Some(Self { memory, secret, parts })
    }
}

fn read_with_version(store: &dyn SharedMemory, keys: &Keys) -> Option<(Directory, Option<u32>)> {
    let (bytes, version) = store.get(&keys.directory())?;
    Some((Directory::decode(&bytes)?, version))
}

/// Takes a part for a worker, and creates the directory if there is none. Returns `None` if no part is left, or if
/// there is no source of secrets.
pub(super) fn take(access: Access<'_>, keys: &Keys, worker: u64, claim: Claim) -> Option<(u32, Directory)> {
    for _ in 0..TRIES {
        let (mut directory, version) = match access.store.get(&keys.directory()) {
            Some((bytes, version)) => match Directory::decode(&bytes) {
                Some(directory) => (directory, version),
                // Not a directory of this format: overwritten, because otherwise nothing would ever be remembered
                // again.
                None => (new(access)?, version),
            },
            None => (new(access)?, Some(ABSENT)),
        };
        let unit = directory.take(worker, claim, access.now_ms, access.limits.ttl_ms)?;
        if access.store.set(&keys.directory(), &directory.encode(), version).is_ok() {
            return Some((unit, directory));
        }
    }
    None
}

/// The result of a renewal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// The worker keeps its parts for another period. The listed parts of workers that are gone now belong to it too,
    /// to be emptied and returned.
    Kept {
        /// The parts of workers that are gone.
        abandoned: Vec<u32>,
    },
    /// The worker has lost one of its parts. It must not write to any of them.
    Lost,
}

/// Renews the parts of a worker for another `ttl_ms`. If other workers keep writing in between, the next renewal is
/// early enough.
pub(super) fn renew(access: Access<'_>, keys: &Keys, worker: u64, units: impl Iterator<Item = u32> + Clone) -> Renewal {
    let Access { now_ms, limits, .. } = access;
    for _ in 0..TRIES {
        let Some((mut directory, version)) = read_with_version(access.store, keys) else { return Renewal::Lost };
        for unit in units.clone() {
            let Some(part) = directory.part_of(worker, unit) else { return Renewal::Lost };
            part.until_ms = now_ms.saturating_add(limits.ttl_ms);
        }
        let abandoned = directory.take_abandoned(worker, now_ms, limits.ttl_ms);
        if access.store.set(&keys.directory(), &directory.encode(), version).is_ok() {
            return Renewal::Kept { abandoned };
        }
    }
    Renewal::Kept { abandoned: Vec::new() }
}

/// Returns parts that the worker has emptied. If this fails because other workers keep writing in between, the parts
/// are found abandoned later.
pub(super) fn give_back(access: Access<'_>, keys: &Keys, worker: u64, units: &[u32]) {
    for _ in 0..TRIES {
        let Some((mut directory, version)) = read_with_version(access.store, keys) else { return };
        for unit in units {
            if let Some(part) = directory.part_of(worker, *unit) {
                *part = Part::default();
            }
        }
        if access.store.set(&keys.directory(), &directory.encode(), version).is_ok() {
            return;
        }
    }
}

fn new(access: Access<'_>) -> Option<Directory> {
    let [a, b, c, d, ..] = access.randomness.secret()?;
    let secret = Secret(access.randomness.secret()?);
    Some(Directory { memory: u32::from_le_bytes([a, b, c, d]), secret, parts: Vec::new() })
}
