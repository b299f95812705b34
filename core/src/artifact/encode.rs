//! Encodes tables as bytes.

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::format::{BODY_AT, DIGEST_AT, Digest, FORMAT_VERSION, KNOWN_FEATURES, MAGIC, Section, WIRE};
use crate::limits::MAX_ARTIFACT_BYTES;
use crate::tables::Tables;

/// The reason why tables cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// The artifact would be larger than a filter accepts.
    TooLarge {
        /// Its length in bytes before compression.
        length: usize,
    },
    /// A table is larger than the wire format allows.
    Section {
        /// The section.
        section: &'static str,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length } => write!(
                f,
                "the artifact would have {length} bytes, the limit is {MAX_ARTIFACT_BYTES}: build it for fewer services"
            ),
            Self::Section { section } => write!(f, "section {section} is too large for the artifact"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Encodes an artifact. The same tables always have the same bytes.
///
/// # Errors
/// [`EncodeError`]: the artifact would exceed what [`super::load`] accepts.
pub fn encode(tables: &Tables) -> Result<Vec<u8>, EncodeError> {
    let mut body = Vec::new();
    for section in Section::ALL {
        let content = content(tables, *section).map_err(|_| EncodeError::Section { section: section.name() })?;
        let length = u32::try_from(content.len()).map_err(|_| EncodeError::Section { section: section.name() })?;
        body.extend_from_slice(&section.number().to_le_bytes());
        body.extend_from_slice(&0_u16.to_le_bytes());
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(&content);
    }
    let too_large = EncodeError::TooLarge { length: body.len() };
    let length = u32::try_from(body.len()).map_err(|_| too_large)?;
    if body.len() > MAX_ARTIFACT_BYTES {
        return Err(too_large);
    }
    Ok(wrap(length, &lz4_flex::block::compress(&body)))
}

/// Returns a compressed body with the header before it.
pub(super) fn wrap(length: u32, compressed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BODY_AT.saturating_add(compressed.len()));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&KNOWN_FEATURES.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    let digest = digest(&bytes, compressed);
    bytes.extend_from_slice(&digest.0);
    bytes.extend_from_slice(compressed);
    bytes
}

/// Returns the digest of a header (its first [`DIGEST_AT`] bytes) and a body.
pub(super) fn digest(header: &[u8], body: &[u8]) -> Digest {
    debug_assert_eq!(header.len(), DIGEST_AT);
    let mut hash = Sha256::new();
    hash.update(header);
    hash.update(body);
    Digest(hash.finalize().into())
}

fn content(tables: &Tables, section: Section) -> wincode::WriteResult<Vec<u8>> {
    use wincode::config::serialize;
    match section {
        Section::Mesh => serialize(&tables.mesh, WIRE),
        Section::Dictionaries => serialize(&tables.dictionaries, WIRE),
        Section::Fields => serialize(&tables.fields, WIRE),
        Section::Domains => serialize(&tables.domains, WIRE),
        Section::Services => serialize(&tables.services, WIRE),
        Section::Unlisted => serialize(&tables.unlisted, WIRE),
        Section::Rules => serialize(&tables.rules, WIRE),
        Section::Program => serialize(&tables.program, WIRE),
        Section::Regexes => serialize(&tables.regexes, WIRE),
        Section::Words => serialize(&tables.words, WIRE),
        Section::Names => serialize(&tables.names, WIRE),
    }
}
