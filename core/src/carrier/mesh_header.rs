//! `x-mesh-context`: the mesh's own carrier, compact and versioned.
//!
//! ```text
//! 0   version     1
//! 1   flags       bit 0: the payload is its length (LEB128) and one lz4 block; bit 1: sealed; the others are 0
//! 2   key id      u16; 0 is unsealed
//! 4   dictionary  u32; 0 is none
//! 8   issued at   48 bits, milliseconds since 1970: when the context was made, at whichever hop
//! 14  payload     see the module `payload`
//!     tag         16 bytes when sealed, else nothing
//! ```
//!
//! Numbers are little endian. The whole is base64url without padding.
//!
//! A reader also takes a JSON object in plain text, so that an application can add a field without a
//! library. Its `{` is not in the alphabet of base64url, so the two forms cannot be confused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use super::dictionary::{Dictionaries, Dictionary, dictionary_id};
use super::wire::{Reader, from_size, write_varint};
use super::{CarrierError, insert_new, payload};
use crate::context::{Context, json};
use crate::limits::{MAX_CARRIER_BYTES, MAX_CONTEXT_BYTES};

/// The name of the header.
pub const NAME: &str = "x-mesh-context";

const VERSION: u8 = 1;
const LZ4: u8 = 1;
const SEALED: u8 = 2;
const HEADER_BYTES: usize = 14;

/// Payloads below this size are not compressed: they seldom hold a repetition that the dictionary left, and
/// lz4 would take longer than all the rest of writing.
const MIN_LZ4_BYTES: usize = 256;

/// What a header says.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshHeader {
    /// The fields.
    pub context: Context,
    /// When its context was made, in milliseconds since 1970; `None` for the plain form, which does not say.
    pub issued_at_ms: Option<u64>,
}

impl MeshHeader {
    /// Refuses a header that is older than `max_age_ms` (0: any age) at the time `now_ms`. A time of issue in
    /// the future counts as now, because clocks differ; the plain form has no age.
    ///
    /// # Errors
    /// [`CarrierError::Expired`].
    pub fn check_age(&self, now_ms: u64, max_age_ms: u64) -> Result<(), CarrierError> {
        let age = self.issued_at_ms.map_or(0, |issued| now_ms.saturating_sub(issued));
        if max_age_ms > 0 && age > max_age_ms { Err(CarrierError::Expired) } else { Ok(()) }
    }
}

/// Writes the header's value. `issued_at_ms` is when the context was made, in milliseconds since 1970; `dictionary` must be one that the
/// receivers list.
///
/// # Errors
/// [`CarrierError::TooLarge`] when the value would exceed [`MAX_CARRIER_BYTES`].
pub fn encode(context: &Context, dictionary: Option<&Dictionary>, issued_at_ms: u64) -> Result<String, CarrierError> {
    let mut plain = header(0, dictionary, issued_at_ms);
    payload::write(&mut plain, context, dictionary);
    let size = plain.len().saturating_sub(HEADER_BYTES);
    if size > MAX_CONTEXT_BYTES {
        return Err(CarrierError::TooLarge);
    }
    let mut bytes = plain;
    if size >= MIN_LZ4_BYTES {
        let mut smaller = header(LZ4, dictionary, issued_at_ms);
        write_varint(&mut smaller, from_size(size));
        let block = lz4_flex::block::compress(bytes.get(HEADER_BYTES..).unwrap_or_default());
        smaller.extend_from_slice(&block);
        if smaller.len() < bytes.len() {
            bytes = smaller;
        }
    }
    // Refused before it is written out: base64 makes it a third longer.
    let text = base64::encoded_len(bytes.len(), false).filter(|length| *length <= MAX_CARRIER_BYTES);
    text.map(|_| URL_SAFE_NO_PAD.encode(bytes)).ok_or(CarrierError::TooLarge)
}

/// The bytes before the payload of an unsealed header.
fn header(flags: u8, dictionary: Option<&Dictionary>, issued_at_ms: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&[VERSION, flags, 0, 0]);
    out.extend_from_slice(&dictionary.map_or(0, Dictionary::id).to_le_bytes());
    let [time @ .., _, _] = issued_at_ms.min((1 << 48) - 1).to_le_bytes();
    out.extend_from_slice(&time);
    out
}

/// Reads the header's value, in either form. The age is not looked at: see [`MeshHeader::check_age`].
///
/// # Errors
/// [`CarrierError`] says what is wrong; a sealed header is [`CarrierError::Sealed`].
pub fn decode(value: &[u8], dictionaries: &Dictionaries) -> Result<MeshHeader, CarrierError> {
    if value.len() > MAX_CARRIER_BYTES {
        return Err(CarrierError::TooLarge);
    }
    if value.first() == Some(&b'{') {
        return Ok(MeshHeader { context: decode_plain(value)?, issued_at_ms: None });
    }
    let bytes = URL_SAFE_NO_PAD.decode(value).map_err(|_| CarrierError::NotBase64)?;
    let mut reader = Reader::new(&bytes);
    if reader.byte()? != VERSION {
        return Err(CarrierError::UnknownVersion);
    }
    let flags = reader.byte()?;
    if flags & !(LZ4 | SEALED) != 0 {
        return Err(CarrierError::UnknownFlags);
    }
    let key = u16::from_le_bytes(reader.array()?);
    if key != 0 || flags & SEALED != 0 {
        return Err(CarrierError::Sealed);
    }
    let dictionary = match u32::from_le_bytes(reader.array()?) {
        0 => None,
        id => Some(dictionaries.find(id).ok_or(CarrierError::UnknownDictionary)?),
    };
    let [a, b, c, d, e, f] = reader.array()?;
    let issued_at_ms = Some(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]));
    let context = if flags & LZ4 == 0 {
        payload::read(reader.rest(), dictionary)?
    } else {
        payload::read(&decompress(reader)?, dictionary)?
    };
    Ok(MeshHeader { context, issued_at_ms })
}

fn decompress(mut reader: Reader<'_>) -> Result<Vec<u8>, CarrierError> {
    let size = reader.size()?;
    // Checked before anything is allocated: the sender chooses this number.
    if size > MAX_CONTEXT_BYTES {
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
