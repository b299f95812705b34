//! Decodes tables from bytes. Every size is checked before it is used.

use super::encode::digest;
use super::error::LoadError;
use super::format::{
    DIGEST_AT, Digest, FEATURES_AT, FORMAT_VERSION, KNOWN_FEATURES, LENGTH_AT, MAGIC, OPTIONAL, REVISION_AT, Section,
    VERSION_AT, WIRE,
};
use super::revision::Revision;
use super::stamp::Stamp;
use crate::limits::{MAX_ARTIFACT_BYTES, MAX_SECTIONS};
use crate::tables::Tables;

/// The tables of an artifact with a correct digest. Nothing else has been checked.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Its digest and its revision.
    pub stamp: Stamp,
    /// Its tables.
    pub tables: Tables,
}

impl Decoded {
    /// Decodes the tables of an artifact.
    ///
    /// # Errors
    /// [`LoadError`], but never [`LoadError::Verify`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LoadError> {
        let Checked { stamp, body, size, .. } = Checked::check(bytes)?;
        let body = lz4_flex::block::decompress(body, size).map_err(|_| LoadError::Compression)?;
        if body.len() != size {
            return Err(LoadError::Compression);
        }
        Ok(Self { stamp, tables: tables(&body)? })
    }
}

/// An artifact of which only the header and the digest were checked.
pub(super) struct Checked<'b> {
    /// Its digest, which is correct, and its revision.
    pub(super) stamp: Stamp,
    /// Its first [`DIGEST_AT`] bytes.
    pub(super) header: &'b [u8],
    /// Its body, compressed.
    pub(super) body: &'b [u8],
    /// The size of the body after decompression, in bytes.
    size: usize,
}

impl<'b> Checked<'b> {
    pub(super) fn check(bytes: &'b [u8]) -> Result<Self, LoadError> {
        let checked = Self::stated(bytes);
        if let Ok(Self { stamp, header, body, .. }) = &checked {
            let (stated, computed) = (stamp.digest, digest(header, body));
            if computed != stated {
                return Err(LoadError::Digest { stated, computed });
            }
        }
        checked
    }

    /// Reads the header. The digest is only what the artifact states.
    #[inline(never)]
    pub(super) fn stated(bytes: &'b [u8]) -> Result<Self, LoadError> {
        let truncated = LoadError::Truncated { length: bytes.len() };
        if !bytes.starts_with(&MAGIC) {
            return Err(LoadError::Magic);
        }
        let version = u32::from_le_bytes(array(bytes, VERSION_AT).ok_or(truncated.clone())?);
        if version != FORMAT_VERSION {
            return Err(LoadError::Version { found: version });
        }
        let features = u64::from_le_bytes(array(bytes, FEATURES_AT).ok_or(truncated.clone())?);
        if features & !KNOWN_FEATURES != 0 {
            return Err(LoadError::Features { unknown: features & !KNOWN_FEATURES });
        }
        let length = u32::from_le_bytes(array(bytes, LENGTH_AT).ok_or(truncated.clone())?);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size > MAX_ARTIFACT_BYTES {
            return Err(LoadError::TooLarge { length });
        }
        let stated = Digest(array(bytes, DIGEST_AT).ok_or(truncated.clone())?);
        let header = bytes.get(..DIGEST_AT).ok_or(truncated.clone())?;
        let (revision, body) = revision(bytes.get(REVISION_AT..).ok_or(truncated.clone())?).ok_or(truncated)??;
        Ok(Self { stamp: Stamp { digest: stated, revision }, header, body, size })
    }
}

/// A revision, if there is one, and what follows it.
type RevisionAndRest<'b> = (Option<Revision>, &'b [u8]);

/// Reads the revision. `None` when the bytes end before it does.
fn revision(bytes: &[u8]) -> Option<Result<RevisionAndRest<'_>, LoadError>> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    if text.is_empty() {
        return Some(Ok((None, rest)));
    }
    let revision = Revision::from_bytes(text);
    Some(revision.map(|revision| (Some(revision), rest)).ok_or(LoadError::Revision))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Returns the content of each section by its number.
fn sections(mut body: &[u8]) -> Result<Vec<(u16, &[u8])>, LoadError> {
    let mut found = Vec::new();
    while !body.is_empty() {
        if found.len() >= MAX_SECTIONS {
            return Err(LoadError::TooManySections);
        }
        let number = u16::from_le_bytes(array(body, 0).ok_or(LoadError::SectionBounds)?);
        let flags = u16::from_le_bytes(array(body, 2).ok_or(LoadError::SectionBounds)?);
        let length = u32::from_le_bytes(array(body, 4).ok_or(LoadError::SectionBounds)?);
        let length = usize::try_from(length).map_err(|_| LoadError::SectionBounds)?;
        let rest = body.get(8..).ok_or(LoadError::SectionBounds)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(LoadError::SectionBounds)?;
        let known = Section::ALL.iter().any(|section| section.number() == number);
        match (known, flags & OPTIONAL != 0) {
            (true, _) => found.push((number, content)),
            (false, true) => {}
            (false, false) => return Err(LoadError::UnknownSection { number }),
        }
        body = rest;
    }
    Ok(found)
}

fn tables(body: &[u8]) -> Result<Tables, LoadError> {
    let sections = sections(body)?;
    let content = |section: Section| {
        let mut matching = sections.iter().filter(|(number, _)| *number == section.number());
        match (matching.next(), matching.next()) {
            (Some((_, content)), None) => Ok(*content),
            _ => Err(LoadError::SectionCount { section: section.name() }),
        }
    };
    macro_rules! read {
        ($section:expr) => {
            wincode::config::deserialize_exact(content($section)?, WIRE)
                .map_err(|_| LoadError::Section { section: $section.name() })?
        };
    }
    Ok(Tables {
        mesh: read!(Section::Mesh),
        dictionaries: read!(Section::Dictionaries),
        fields: read!(Section::Fields),
        domains: read!(Section::Domains),
        services: read!(Section::Services),
        unlisted: read!(Section::Unlisted),
        rules: read!(Section::Rules),
        program: read!(Section::Program),
        regexes: read!(Section::Regexes),
        words: read!(Section::Words),
        names: read!(Section::Names),
    })
}
