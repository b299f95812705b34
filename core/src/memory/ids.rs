//! The ids of live requests. Each worker has a table from ids to tickets, in buckets that are values of shared data.
//!
//! ```text
//! worker   u64: whose bucket this is
//! ids      each: the id's hash (16 bytes), flag (1: not all of its contexts are listed), count,
//!          then this number of contexts: digest u64, random half u64 and place u32 of a ticket, issued at u64
//! ```
//!
//! Numbers are little endian, except for the count (LEB128). Only the worker itself writes its buckets, without reading
//! them first, from its own data; others read them. A bucket is ignored if its worker no longer has the part.

use std::collections::BTreeMap;

use super::secret::{Purpose, Secret};
use super::ticket::Place;
use crate::carrier::wire::{Reader, from_size, write_varint};
use crate::limits::MAX_CONTEXTS_OF_AN_ID;

/// Number of buckets of a worker. Each is a key in shared data for ever, so their number is limited. Few of a thousand
/// live requests share a bucket.
pub(super) const BUCKETS: u32 = 4096;

/// The keyed hash of an id.
pub(super) type IdHash = u128;

/// Returns the hash of an id.
pub(super) fn hash(secret: Secret, id: &[u8]) -> IdHash {
    secret.hash(Purpose::Id, [id])
}

/// Returns the bucket of an id.
pub(super) fn bucket(id: IdHash) -> u32 {
    u32::try_from(id & u128::from(BUCKETS - 1)).unwrap_or(0)
}

/// One context that an id refers to, and the ticket of a request that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pointer {
    /// See [`super::Record::digest`].
    pub(super) digest: u64,
    /// The random half of the ticket.
    pub(super) random: u64,
    /// The place of the ticket.
    pub(super) place: Place,
    /// When the context was made, in milliseconds since 1970.
    pub(super) issued_at_ms: u64,
}

/// The contexts of an id at one worker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The contexts of the live requests with the id.
    pub(super) pointers: Vec<Pointer>,
    /// Whether there are more contexts than the listed ones.
    pub(super) more: bool,
}

/// The ids of one worker's live requests.
#[derive(Debug, Default)]
pub(super) struct Ids {
    buckets: BTreeMap<u32, BTreeMap<IdHash, Contexts>>,
}

/// The contexts of an id by their digests. Each has the requests with this context, ordered by the age of the context
/// and their numbers.
type Contexts = BTreeMap<u64, BTreeMap<(u64, u64), Pointer>>;

impl Ids {
    /// Adds a request, by its number, to an id. Returns the bucket to write.
    pub(super) fn add(&mut self, id: IdHash, number: u64, pointer: Pointer) -> u32 {
        let bucket = bucket(id);
        let contexts = self.buckets.entry(bucket).or_default().entry(id).or_default();
        contexts.entry(pointer.digest).or_default().insert((pointer.issued_at_ms, number), pointer);
        bucket
    }

    /// Removes a request from an id. Returns the bucket to write.
    pub(super) fn remove(&mut self, id: IdHash, number: u64, pointer: Pointer) -> u32 {
        let bucket = bucket(id);
        let Some(ids) = self.buckets.get_mut(&bucket) else { return bucket };
        if let Some(contexts) = ids.get_mut(&id) {
            if let Some(requests) = contexts.get_mut(&pointer.digest) {
                requests.remove(&(pointer.issued_at_ms, number));
                if requests.is_empty() {
                    contexts.remove(&pointer.digest);
                }
            }
            if contexts.is_empty() {
                ids.remove(&id);
            }
        }
        if ids.is_empty() {
            self.buckets.remove(&bucket);
        }
        bucket
    }

    /// Returns the bucket in its shared form. Requests with equal contexts count as one, and the one with the oldest
    /// context represents them: sending a context again does not make it newer.
    pub(super) fn encode(&self, worker: u64, bucket: u32) -> Vec<u8> {
        let Some(ids) = self.buckets.get(&bucket) else { return Vec::new() };
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&worker.to_le_bytes());
        for (id, contexts) in ids {
            let more = contexts.len() > MAX_CONTEXTS_OF_AN_ID;
            out.extend_from_slice(&id.to_le_bytes());
            out.push(u8::from(more));
            write_varint(&mut out, from_size(contexts.len().min(MAX_CONTEXTS_OF_AN_ID)));
            let oldest = contexts.values().filter_map(BTreeMap::first_key_value);
            for (_, pointer) in oldest.take(MAX_CONTEXTS_OF_AN_ID) {
                out.extend_from_slice(&pointer.digest.to_le_bytes());
                out.extend_from_slice(&pointer.random.to_le_bytes());
                out.extend_from_slice(&pointer.place.number().to_le_bytes());
                out.extend_from_slice(&pointer.issued_at_ms.to_le_bytes());
            }
        }
        out
    }
}

/// Returns the contexts of an id in the worker's bucket; none if the bucket is another worker's. Malformed bytes count
/// as more contexts than can be read.
pub(super) fn find(bytes: &[u8], worker: u64, id: IdHash) -> Known {
    let mut reader = Reader::new(bytes);
    if bytes.is_empty() || reader.array().map(u64::from_le_bytes) != Ok(worker) {
        return Known::default();
    }
    read(reader, id).unwrap_or(Known { pointers: Vec::new(), more: true })
}

fn read(mut reader: Reader<'_>, id: IdHash) -> Option<Known> {
    while !reader.rest().is_empty() {
        let of = u128::from_le_bytes(reader.array().ok()?);
        let more = reader.byte().ok()? != 0;
        let count = reader.size().ok().filter(|count| *count <= MAX_CONTEXTS_OF_AN_ID)?;
        let mut pointers = Vec::with_capacity(count);
        for _ in 0..count {
            let digest = u64::from_le_bytes(reader.array().ok()?);
            let random = u64::from_le_bytes(reader.array().ok()?);
            let place = Place::of(u32::from_le_bytes(reader.array().ok()?));
            let issued_at_ms = u64::from_le_bytes(reader.array().ok()?);
            pointers.push(Pointer { digest, random, place, issued_at_ms });
        }
        if of == id {
            return Some(Known { pointers, more });
        }
    }
    Some(Known::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn pointer(digest: u64, random: u64) -> Pointer {
        Pointer { digest, random, place: Place::Slot(7), issued_at_ms: random }
    }

    #[test]
    fn equal_contexts_count_as_one_and_the_oldest_stands_for_them() {
        let (mut ids, id) = (Ids::default(), 5);
        for (number, digest, random) in [(1, 1, 12), (2, 2, 11), (3, 1, 10)] {
            assert_eq!(ids.add(id, number, pointer(digest, random)), 5);
        }
        ids.add(5 + u128::from(BUCKETS), 4, pointer(9, 99));
        let found = |ids: &Ids, id| find(&ids.encode(77, 5), 77, id);
        assert_eq!(found(&ids, id), Known { pointers: vec![pointer(1, 10), pointer(2, 11)], more: false });
        assert_eq!(found(&ids, 6), Known::default());
        assert_eq!(find(&ids.encode(77, 5), 78, id), Known::default(), "another worker");
        ids.remove(id, 3, pointer(1, 10));
        assert_eq!(found(&ids, id).pointers, [pointer(1, 12), pointer(2, 11)]);
        ids.remove(id, 2, pointer(2, 11));
        ids.remove(id, 1, pointer(1, 12));
        ids.remove(id, 1, pointer(1, 12));
        assert_eq!(found(&ids, id), Known::default());
        ids.remove(5 + u128::from(BUCKETS), 4, pointer(9, 99));
        assert_eq!(ids.encode(77, 5), b"");
    }

    #[test]
    fn an_id_with_many_contexts_says_that_there_are_more() {
        let mut ids = Ids::default();
        let most = u64::try_from(MAX_CONTEXTS_OF_AN_ID).unwrap();
        (0..most).for_each(|number| _ = ids.add(1, number, pointer(number, number)));
        assert!(!find(&ids.encode(1, 1), 1, 1).more);
        ids.add(1, most, pointer(most, most));
        let known = find(&ids.encode(1, 1), 1, 1);
        assert_eq!((known.more, known.pointers.len()), (true, MAX_CONTEXTS_OF_AN_ID));
        ids.remove(1, 0, pointer(0, 0));
        assert!(!find(&ids.encode(1, 1), 1, 1).more);
    }

    #[test]
    fn broken_buckets_are_ambiguous() {
        let mut ids = Ids::default();
        ids.add(1, 1, pointer(1, 1));
        let bytes = ids.encode(1, 1);
        for end in 9..bytes.len() {
            assert!(find(&bytes[..end], 1, 1).more, "{end}");
        }
    }
}
