//! Recalls the context for a call: that of the request of its ticket, otherwise that of the only request of one of its
//! ids, otherwise what all requests of an id have in common.

use super::directory::Directory;
use super::ids::{self, Pointer};
use super::record::{self, Record, Stored};
use super::secret::Secret;
use super::ticket::{Place, Ticket};
use super::worker::{Worker, foreign_id};
use super::{Access, Keys};
use crate::context::agree::agree;
use crate::context::{CALLER, Context};
use crate::fuel::Fuel;
use crate::limits::{MAX_CONTEXTS_OF_AN_ID, MAX_TICKETS};
use crate::sort;

/// The tickets and ids of a call.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// All tickets, from every carrier.
    pub tickets: &'a [Ticket],
    /// Its ids, in the order in which they are looked up, as in [`super::Arrival`].
    pub ids: &'a [Vec<u8>],
    /// How to treat an id with several contexts.
    pub on_ambiguous: OnAmbiguous,
}

/// How to treat an id whose live requests have different contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// Recall the fields on which all of them agree. These cannot be wrong.
    Agree,
    /// Recall nothing.
    Nothing,
}

/// What a context was recalled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecalledBy {
    /// Its ticket.
    Ticket,
    /// The id at this place among the wanted ones.
    Id(usize),
}

/// The result of recalling the context for a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Recall {
    /// The context of this request.
    Found {
        /// The record of the request.
        record: Box<Record>,
        /// What it was found by.
        by: RecalledBy,
    },
    /// A request without a context.
    NoContext,
    /// A request whose context could not be remembered.
    Lost,
    /// The tickets of unrelated requests.
    Conflict,
    /// The ticket of a request that is over.
    Dead,
    /// The id of several requests, and the fields that they agree on.
    Ambiguous {
        /// The fields on which all agree; `None` if not all of the records can be read, or if none are to be recalled.
        agreed: Option<Box<Record>>,
        /// The place of the id among the wanted ones.
        id: usize,
    },
    /// Nothing is remembered under any of its ids.
    Missing,
    /// The call has neither a ticket nor an id.
    NoId,
}

/// Recalls the context for a call; see [`super::Memory::recall`].
pub(super) fn recall(worker: &mut Worker, keys: &Keys, access: Access<'_>, wanted: &Wanted<'_>, fuel: &Fuel) -> Recall {
    if wanted.tickets.is_empty() && wanted.ids.is_empty() {
        return Recall::NoId;
    }
    let Some((memory, secret)) = worker.known(keys, access) else {
        return if wanted.tickets.is_empty() { Recall::Missing } else { Recall::Dead };
    };
    let reader = Reader { keys, access, secret, fuel };
    let mut own: Vec<Ticket> = wanted.tickets.iter().filter(|ticket| ticket.memory == memory).copied().collect();
    sort::sort_by(&mut own, |a, b| a.random() < b.random());
    own.dedup();
    if !own.is_empty() {
        return reader.by_tickets(&own);
    }
    let directory = Directory::read(access.store, keys);
    let homes: Vec<(u32, u64)> = directory.iter().flat_map(Directory::homes).collect();
    let ids = Ids { reader: &reader, homes: &homes, on_ambiguous: wanted.on_ambiguous };
    if let Some(foreign) = wanted.tickets.first() {
        // The application refers to the request that arrived with this ticket, or to one that is not known here. Ids
        // would find any other request of the trace.
        return if wanted.tickets.iter().any(|ticket| ticket != foreign) {
            Recall::Conflict
        } else {
            match ids.find(&foreign_id(*foreign), 0) {
                Some(Recall::Found { record, .. }) => Recall::Found { record, by: RecalledBy::Ticket },
                Some(found) => found,
                None => Recall::Dead,
            }
        };
    }
    let mut ambiguous = None;
    for (place, id) in wanted.ids.iter().enumerate() {
        match ids.find(id, place) {
            None => {}
            Some(found @ Recall::Ambiguous { .. }) => ambiguous = ambiguous.or(Some(found)),
            Some(found) => return found,
        }
    }
    ambiguous.unwrap_or(Recall::Missing)
}

/// Reads records.
struct Reader<'r> {
    keys: &'r Keys,
    access: Access<'r>,
    secret: Secret,
    fuel: &'r Fuel,
}

impl Reader<'_> {
    /// Returns the record in a slot, if it belongs to the request with this random half.
    fn read(&self, slot: u32, random: u64) -> Option<Stored> {
        let (bytes, _) = self.access.store.get(&self.keys.slot(slot))?;
        self.fuel.text(bytes.len().saturating_mul(2)).ok()?;
        record::decode(&bytes, random).ok()
    }

    fn by_tickets(&self, own: &[Ticket]) -> Recall {
        if own.len() > MAX_TICKETS {
            return Recall::Conflict;
        }
        if let [ticket] = own {
            return match self.read_ticket(*ticket) {
                Read::Stored(stored) => found(stored, RecalledBy::Ticket),
                Read::NoContext => Recall::NoContext,
                Read::Lost => Recall::Lost,
                Read::Dead => Recall::Dead,
            };
        }
        // The request that came after all the others: the service called itself.
        for ticket in own {
            let Read::Stored(stored) = self.read_ticket(*ticket) else { continue };
            let others = own.iter().map(|other| other.random()).filter(|other| *other != ticket.random());
            if others.into_iter().all(|other| stored.before.contains(&other)) {
                return found(stored, RecalledBy::Ticket);
            }
        }
        Recall::Conflict
    }

    fn read_ticket(&self, ticket: Ticket) -> Read {
        match ticket.place(self.secret) {
            Place::NoContext => Read::NoContext,
            Place::NotRemembered => Read::Lost,
            Place::Slot(slot) => self.read(slot, ticket.random()).map_or(Read::Dead, Read::Stored),
        }
    }
}

/// Returns the result for a record. A record without a context only exists to link to earlier requests.
fn found(stored: Stored, by: RecalledBy) -> Recall {
    if stored.record.is_empty() {
        return Recall::NoContext;
    }
    Recall::Found { record: Box::new(stored.record), by }
}

enum Read {
    Stored(Stored),
    NoContext,
    Lost,
    Dead,
}

/// Looks up ids in the tables of all workers.
struct Ids<'r> {
    reader: &'r Reader<'r>,
    homes: &'r [(u32, u64)],
    on_ambiguous: OnAmbiguous,
}

impl Ids<'_> {
    /// Returns the result for the id at this position, or `None` if no live request has it.
    fn find(&self, id: &[u8], place: usize) -> Option<Recall> {
        let id = ids::hash(self.reader.secret, id);
        let (contexts, mut complete) = self.contexts(id);
        complete &= contexts.iter().all(|context| context.place != Place::NotRemembered);
        let [first, others @ ..] = contexts.as_slice() else {
            return (!complete).then_some(Recall::Ambiguous { agreed: None, id: place });
        };
        if complete && others.is_empty() {
            return match first.place {
                Place::NoContext => Some(Recall::NoContext),
                Place::NotRemembered => Some(Recall::Lost),
                // The request may have ended since its bucket was read.
                Place::Slot(slot) => {
                    self.reader.read(slot, first.random).map(|stored| found(stored, RecalledBy::Id(place)))
                }
            };
        }
        if contexts.iter().all(|context| context.place == Place::NotRemembered) && others.is_empty() {
            return Some(Recall::Lost);
        }
        let agreed = if complete && self.on_ambiguous == OnAmbiguous::Agree { self.agreed(&contexts) } else { None };
        Some(Recall::Ambiguous { agreed: agreed.map(Box::new), id: place })
    }

    /// Returns the contexts of an id at all workers, each once, and whether the list is complete.
    fn contexts(&self, id: ids::IdHash) -> (Vec<Pointer>, bool) {
        let (mut contexts, mut complete): (Vec<Pointer>, bool) = (Vec::new(), true);
        for (unit, worker) in self.homes {
            let key = self.reader.keys.ids(*unit, ids::bucket(id));
            let Some((bytes, _)) = self.reader.access.store.get(&key) else { continue };
            if self.reader.fuel.text(bytes.len()).is_err() {
                return (Vec::new(), false);
            }
            let known = ids::find(&bytes, *worker, id);
            complete &= !known.more;
            for pointer in known.pointers {
                let same = contexts.iter().position(|seen| seen.digest == pointer.digest);
                if let Some(seen) = same.and_then(|place| contexts.get_mut(place)) {
                    // Of equal contexts, the oldest represents all, and a remembered one replaces one that is not
                    // remembered.
                    let older = pointer.issued_at_ms < seen.issued_at_ms && pointer.place != Place::NotRemembered;
                    if older || seen.place == Place::NotRemembered {
                        *seen = pointer;
                    }
                } else if contexts.len() < MAX_CONTEXTS_OF_AN_ID {
                    contexts.push(pointer);
                } else {
                    complete = false;
                }
            }
        }
        (contexts, complete)
    }

    /// Returns what all contexts have in common, or `None` if one of them cannot be read.
    fn agreed(&self, contexts: &[Pointer]) -> Option<Record> {
        let mut agreed: Option<Record> = None;
        for pointer in contexts {
            let record = match pointer.place {
                Place::NoContext => Record { issued_at_ms: u64::MAX, ..Record::default() },
                Place::Slot(slot) => self.reader.read(slot, pointer.random)?.record,
                Place::NotRemembered => return None,
            };
            agreed = Some(match agreed {
                None => record,
                Some(so_far) => intersect(&so_far, &record)?,
            });
        }
        agreed
    }
}

/// Returns the fields that both have with the same value, the withheld names of either, and the older time.
fn intersect(a: &Record, b: &Record) -> Option<Record> {
    let mut context = Context::new();
    for (name, value) in a.context.iter() {
        if name != CALLER && b.context.get(name).is_some_and(|other| agree(value, other)) {
            context.insert(name, value).ok()?;
        }
    }
    if a.context.carried() == b.context.carried() {
        context.set_carried(a.context.carried().clone());
    }
    let mut withheld = a.withheld.clone();
    b.withheld.iter().filter(|name| !a.withheld.contains(name)).for_each(|name| withheld.push(name));
    Some(Record { context, withheld, issued_at_ms: a.issued_at_ms.min(b.issued_at_ms) })
}
