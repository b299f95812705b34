//! A record: what is remembered of one request, and its format in a slot.
//!
//! ```text
//! format       3
//! random       64 bits of its ticket, little endian
//! before       count, then the random halves of the tickets that the request arrived with
//! issued at    64 bits, milliseconds since 1970
//! withheld     count, then each name with its length
//! payload      the context, as in `x-mesh-context`
//! ```

use crate::carrier::CarrierError;
use crate::carrier::payload;
use crate::carrier::wire::{Reader, from_size, write_text, write_varint};
use crate::context::carried::CarriedName;
use crate::context::{CALLER, Context};
use crate::limits::{MAX_CONTEXT_FIELDS, MAX_FIELD_NAME_BYTES, MAX_PREDECESSORS, MAX_RECORD_BYTES};
use crate::names::Names;
use crate::sort;

use super::MemoryError;
use super::secret::{Purpose, Secret};

const FORMAT: u8 = 3;

/// The remembered data of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The context after the decision.
    pub context: Context,
    /// The names of the fields that were redacted here and must not be sent back.
    pub withheld: Names,
    /// When the context was made, in milliseconds since 1970.
    pub issued_at_ms: u64,
}

impl Record {
    /// Returns whether there is nothing to remember.
    pub(super) fn is_empty(&self) -> bool {
        let fields = self.context.iter().filter(|(name, _)| *name != CALLER).count();
        fields == 0 && self.withheld.is_empty() && self.context.carried().is_empty()
    }

    /// Returns a number that two records share if a call may recall either of them. The caller, and the time at which
    /// the context was made, do not count.
    pub(super) fn digest(&self, secret: Secret) -> u64 {
        let mut fields: Vec<(&str, &str)> = self.context.iter().filter(|(name, _)| *name != CALLER).collect();
        sort::sort(&mut fields);
        let mut withheld: Vec<&str> = self.withheld.iter().collect();
        sort::sort(&mut withheld);
        let carried = self.context.carried();
        let counts = [from_size(fields.len()), from_size(withheld.len()), from_size(carried.fields.len())];
        let counts = counts.map(u64::to_le_bytes);
        let names: Vec<[u8; 8]> = carried
            .fields
            .iter()
            .map(|field| match field.name {
                CarriedName::Number(number) => number.to_le_bytes(),
                CarriedName::Text(_) => u64::MAX.to_le_bytes(),
            })
            .collect();
        let numbers: Vec<[u8; 8]> = carried.extensions.iter().map(|extension| extension.number.to_le_bytes()).collect();
        let parts = counts.iter().map(<[u8; 8]>::as_slice);
        let parts = parts.chain(fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
        let parts = parts.chain(withheld.iter().map(|name| name.as_bytes()));
        let parts = parts.chain(carried.fields.iter().zip(&names).flat_map(|(field, number)| {
            let text = match &field.name {
                CarriedName::Text(text) => text.as_bytes(),
                CarriedName::Number(_) => &[],
            };
            [number.as_slice(), text, field.value.as_slice()]
        }));
        let parts = parts.chain(
            carried.extensions.iter().zip(&numbers).flat_map(|(e, number)| [number.as_slice(), e.content.as_slice()]),
        );
        let [low @ .., _, _, _, _, _, _, _, _] = secret.hash(Purpose::Context, parts).to_le_bytes();
        u64::from_le_bytes(low)
    }
}

/// A record in its form in a slot.
#[derive(Debug, PartialEq)]
pub(super) struct Stored {
    /// The tickets that the request arrived with, by their random halves.
    pub(super) before: Vec<u64>,
    pub(super) record: Record,
}

/// Encodes a record for its slot.
pub(super) fn encode(random: u64, before: &[u64], record: &Record) -> Result<Vec<u8>, MemoryError> {
    let names_fit = record.withheld.iter().all(|name| name.len() <= MAX_FIELD_NAME_BYTES);
    if record.withheld.len() > MAX_CONTEXT_FIELDS || !names_fit {
        return Err(MemoryError::TooLarge);
    }
    let mut out = Vec::with_capacity(512);
    out.push(FORMAT);
    out.extend_from_slice(&random.to_le_bytes());
    let before = before.get(..MAX_PREDECESSORS).unwrap_or(before);
    write_varint(&mut out, from_size(before.len()));
    before.iter().for_each(|random| out.extend_from_slice(&random.to_le_bytes()));
    out.extend_from_slice(&record.issued_at_ms.to_le_bytes());
    write_varint(&mut out, from_size(record.withheld.len()));
    for name in record.withheld.iter() {
        write_text(&mut out, name);
    }
    payload::write(&mut out, &record.context, None);
    if out.len() > MAX_RECORD_BYTES { Err(MemoryError::TooLarge) } else { Ok(out) }
}

/// Reads the slot of the request with this random half. Returns an error if the slot holds anything else. The content
/// of slots is not trusted: every plugin of a pod may share the name space.
pub(super) fn decode(bytes: &[u8], random: u64) -> Result<Stored, CarrierError> {
    let mut reader = Reader::new(bytes);
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(CarrierError::TooLarge);
    }
    if reader.byte()? != FORMAT {
        return Err(CarrierError::UnknownVersion);
    }
    if u64::from_le_bytes(reader.array()?) != random {
        return Err(CarrierError::Malformed);
    }
    let count = reader.size()?;
    if count > MAX_PREDECESSORS {
        return Err(CarrierError::Malformed);
    }
    let mut before = Vec::with_capacity(count);
    for _ in 0..count {
        before.push(u64::from_le_bytes(reader.array()?));
    }
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
    Ok(Stored { before, record: Record { context, withheld, issued_at_ms } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn record(fields: &[(&str, &str)], withheld: &[&str]) -> Record {
        Record {
            context: crate::testing::context(fields),
            withheld: withheld.iter().copied().collect(),
            issued_at_ms: 1_800_000_000_123,
        }
    }

    #[test]
    fn records_read_back_under_their_own_ticket_only() {
        let record = record(&[("tenant", "\"acme\""), ("custom", "{ \"one\": 1.0 }")], &["user_id"]);
        let bytes = encode(7, &[1, 2], &record).unwrap();
        assert_eq!(decode(&bytes, 7), Ok(Stored { before: vec![1, 2], record }));
        assert_eq!(decode(&bytes, 8), Err(CarrierError::Malformed));
        assert_eq!(decode(&[], 7), Err(CarrierError::Truncated));
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], 7).is_err(), "{end}");
        }
        assert_eq!(decode(&[2; 64], 7), Err(CarrierError::UnknownVersion));
        assert_eq!(decode(&vec![3; MAX_RECORD_BYTES + 1], 7), Err(CarrierError::TooLarge));
    }

    #[test]
    fn the_caller_the_time_and_the_order_make_no_difference() {
        let secret = Secret([1; 16]);
        let digest = |fields: &[(&str, &str)], withheld: &[&str]| record(fields, withheld).digest(secret);
        let one = digest(&[("a", "1"), ("b", "2")], &["x", "y"]);
        assert_eq!(one, digest(&[("b", "2"), ("caller", "\"c\""), ("a", "1")], &["y", "x"]));
        let others: [(&[(&str, &str)], &[&str]); 6] = [
            (&[("a", "1")], &["x", "y"]),
            (&[("a", "2"), ("b", "2")], &["x", "y"]),
            (&[("a", "1"), ("b", "2")], &["x"]),
            (&[("a", "1"), ("b", "2"), ("x", "3")], &[]),
            (&[("a1b", "2")], &["x", "y"]),
            (&[], &[]),
        ];
        for (fields, withheld) in others {
            assert_ne!(one, digest(fields, withheld), "{fields:?} {withheld:?}");
        }
        let caller = record(&[("caller", "\"c\"")], &[]);
        assert!(caller.is_empty() && !record(&[], &["x"]).is_empty() && !record(&[("a", "1")], &[]).is_empty());
    }

    #[test]
    fn what_is_too_large_is_not_remembered() {
        let long = "n".repeat(MAX_FIELD_NAME_BYTES + 1);
        assert_eq!(encode(1, &[], &record(&[], &[&long])), Err(MemoryError::TooLarge));
        let names: Vec<String> = (0..=MAX_CONTEXT_FIELDS).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(encode(1, &[], &record(&[], &names)), Err(MemoryError::TooLarge));
    }
}
