//! `x-mesh-context`: the mesh's own carrier, compact and versioned.
//!
//! ```text
//! 0   version     2
//! 1   flags       bit 0: the fields are their length (LEB128) and one lz4 block; the others are 0
//! 2   issued at   48 bits, milliseconds since 1970: when the context was made, at whichever hop
//! 8   extensions  see the module `extension`
//!     fields      see the module `payload`
//! ```
//!
//! Version 1 is read too, and written while necessary (see [`super::words::Writer::version`]):
//!
//! ```text
//! 0   version     1
//! 1   flags       bit 0 as above; bit 1: sealed; the others are 0
//! 2   key id      u16; 0 is unsealed
//! 4   dictionary  u32; 0 is none, and so it is written
//! 8   issued at   as above
//! 14  fields      as above
//! ```
//!
//! Numbers are little endian. The whole header is base64url without padding.
//!
//! A reader also accepts a JSON object in plain text, so that an application can add a field without a library. Its `{`
//! is not in the alphabet of base64url, so the two forms cannot be confused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use super::dictionary::dictionary_id;
use super::payload::Numbers;
use super::wire::{Reader, from_size, write_varint};
use super::words::{Version, Words, Writer};
use super::{CarrierError, extension, insert_new, payload};
use crate::context::{Context, json};
use crate::limits::{MAX_CARRIER_BYTES, MAX_MESH_HEADER_BYTES, MAX_PAYLOAD_BYTES};

/// The name of the header.
pub const NAME: &str = "x-mesh-context";

const VERSION_1: u8 = 1;
const VERSION_2: u8 = 2;
const LZ4: u8 = 1;
const SEALED: u8 = 2;

/// Smallest payload that is compressed, in bytes. Smaller ones seldom contain repetitions that the words do not cover,
/// and lz4 would take longer than the rest of the encoding.
const MIN_LZ4_BYTES: usize = 256;

/// The content of a header.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshHeader {
    /// The fields.
    pub context: Context,
    /// When its context was made, in milliseconds since 1970; `None` for the plain form, which has no time.
    pub issued_at_ms: Option<u64>,
}

impl MeshHeader {
    /// Rejects a header that is older than `max_age_ms` (0: any age) at the time `now_ms`. A time of issue in the
    /// future counts as now, because clocks differ. The plain form has no age.
    ///
    /// # Errors
    /// [`CarrierError::Expired`].
    pub(crate) fn check_age(&self, now_ms: u64, max_age_ms: u64) -> Result<(), CarrierError> {
        let age = self.issued_at_ms.map_or(0, |issued| now_ms.saturating_sub(issued));
        if max_age_ms > 0 && age > max_age_ms { Err(CarrierError::Expired) } else { Ok(()) }
    }
}

/// Encodes the header's value in the version that the writer specifies. `issued_at_ms` is the time when the context was
/// made, in milliseconds since 1970.
///
/// # Errors
/// [`CarrierError::TooLarge`]: the value would exceed [`MAX_MESH_HEADER_BYTES`]. No context that was read does.
pub fn encode(context: &Context, writer: Writer<'_>, issued_at_ms: u64) -> Result<String, CarrierError> {
    let mut bytes = Vec::with_capacity(256);
    let [time @ .., _, _] = issued_at_ms.min((1 << 48) - 1).to_le_bytes();
    match writer.version(context) {
        Version::One => {
            bytes.extend_from_slice(&[VERSION_1, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&time);
        }
        Version::Two => {
            bytes.extend_from_slice(&[VERSION_2, 0]);
            bytes.extend_from_slice(&time);
            extension::write(&mut bytes, context.carried());
        }
    }
    let start = bytes.len();
    payload::write_fields(&mut bytes, context, Some(writer));
    let fields = bytes.get(start..).unwrap_or_default();
    if fields.len() > MAX_PAYLOAD_BYTES {
        return Err(CarrierError::TooLarge);
    }
    if fields.len() >= MIN_LZ4_BYTES {
        let mut smaller = bytes.get(..start).unwrap_or_default().to_vec();
        if let Some(flags) = smaller.get_mut(1) {
            *flags |= LZ4;
        }
        write_varint(&mut smaller, from_size(fields.len()));
        smaller.extend_from_slice(&lz4_flex::block::compress(fields));
        if smaller.len() < bytes.len() {
            bytes = smaller;
        }
    }
    // Rejected before encoding: base64 makes it a third longer.
    let text = base64::encoded_len(bytes.len(), false).filter(|length| *length <= MAX_MESH_HEADER_BYTES);
    text.map(|_| URL_SAFE_NO_PAD.encode(bytes)).ok_or(CarrierError::TooLarge)
}

/// Decodes the header's value, in any form. The age is not checked: see [`MeshHeader::check_age`].
///
/// # Errors
/// [`CarrierError`]: the reason. A sealed header of version 1 is [`CarrierError::Sealed`]; one whose dictionary the
/// artifact does not list is [`CarrierError::UnknownDictionary`].
pub fn decode(value: &[u8], words: &Words) -> Result<MeshHeader, CarrierError> {
    if value.first() == Some(&b'{') {
        if value.len() > MAX_CARRIER_BYTES {
            return Err(CarrierError::TooLarge);
        }
        return Ok(MeshHeader { context: decode_plain(value)?, issued_at_ms: None });
    }
    if value.len() > MAX_MESH_HEADER_BYTES {
        return Err(CarrierError::TooLarge);
    }
    let bytes = URL_SAFE_NO_PAD.decode(value).map_err(|_| CarrierError::NotBase64)?;
    let mut reader = Reader::new(&bytes);
    match reader.byte()? {
        VERSION_1 => decode_1(reader, words),
        VERSION_2 => decode_2(reader, words),
        _ => Err(CarrierError::UnknownVersion),
    }
}

fn decode_1(mut reader: Reader<'_>, words: &Words) -> Result<MeshHeader, CarrierError> {
    let flags = reader.byte()?;
    if flags & !(LZ4 | SEALED) != 0 {
        return Err(CarrierError::UnknownFlags);
    }
    let key = u16::from_le_bytes(reader.array()?);
    if key != 0 || flags & SEALED != 0 {
        return Err(CarrierError::Sealed);
    }
    let dictionary = match u32::from_le_bytes(reader.array()?) {
        0 => &[],
        id => words.dictionaries().find(id).ok_or(CarrierError::UnknownDictionary)?,
    };
    let issued_at_ms = Some(time(&mut reader)?);
    let context = fields(reader, flags, Numbers::Listed(dictionary), Context::new())?;
    Ok(MeshHeader { context, issued_at_ms })
}

fn decode_2(mut reader: Reader<'_>, words: &Words) -> Result<MeshHeader, CarrierError> {
    let flags = reader.byte()?;
    if flags & !LZ4 != 0 {
        return Err(CarrierError::UnknownFlags);
    }
    let issued_at_ms = Some(time(&mut reader)?);
    let mut context = Context::new();
    extension::read(&mut reader, &mut context)?;
    let context = fields(reader, flags, Numbers::Lasting(Some(words)), context)?;
    Ok(MeshHeader { context, issued_at_ms })
}

fn time(reader: &mut Reader<'_>) -> Result<u64, CarrierError> {
    let [a, b, c, d, e, f] = reader.array()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
}

fn fields(reader: Reader<'_>, flags: u8, numbers: Numbers<'_>, start: Context) -> Result<Context, CarrierError> {
    if flags & LZ4 == 0 {
        payload::read_fields(reader.rest(), numbers, start)
    } else {
        payload::read_fields(&decompress(reader)?, numbers, start)
    }
}

/// Returns the most bytes that reading the header's value can produce, according to its first bytes.
pub(crate) fn most_bytes(value: &[u8]) -> usize {
    // A word is longer than its number.
    let plain = value.len().saturating_mul(2);
    let head = value.get(..4).and_then(|head| URL_SAFE_NO_PAD.decode(head).ok()).unwrap_or_default();
    let inflated = head.get(1).is_some_and(|flags| flags & LZ4 != 0);
    // The largest factor of lz4. A payload larger than the limit is rejected without being read.
    if inflated { value.len().saturating_mul(255).min(MAX_PAYLOAD_BYTES).max(plain) } else { plain }
}

fn decompress(mut reader: Reader<'_>) -> Result<Vec<u8>, CarrierError> {
    let size = reader.size()?;
    // Checked before anything is allocated: the sender chooses this number.
    if size > MAX_PAYLOAD_BYTES {
        return Err(CarrierError::TooLarge);
    }
    let bytes = lz4_flex::block::decompress(reader.rest(), size).map_err(|_| CarrierError::Malformed)?;
    if bytes.len() == size { Ok(bytes) } else { Err(CarrierError::Malformed) }
}

fn decode_plain(value: &[u8]) -> Result<Context, CarrierError> {
    let text = std::str::from_utf8(value).map_err(|_| CarrierError::NotText)?;
    json::check(text).map_err(|_| CarrierError::NotJson)?;
    let mut context = Context::new();
    for (key, value) in json::members(text) {
        let name = json::string_content(key).ok_or(CarrierError::NotJson)?;
        insert_new(&mut context, &name, value)?;
    }
    Ok(context)
}

#[cfg(test)]
#[path = "mesh_header_tests.rs"]
mod tests;
