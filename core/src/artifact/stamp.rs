//! What an artifact says of itself before it is loaded: its digest, and the revision that its digest does not cover.

use super::decode::Checked;
use super::encode::frame;
use super::error::LoadError;
use super::format::Digest;
use super::revision::Revision;

/// Identifies an artifact to the machine and to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Digest of its content.
    pub digest: Digest,
    /// The version of the sources that it was built from, if the build named one.
    pub revision: Option<Revision>,
}

/// Returns the stamp of an artifact, which tells whether one was loaded before. The checks are those of
/// [`load`](super::load) up to the digest, for a small part of its time.
///
/// # Errors
/// As [`load`](super::load), as far as it goes.
pub fn stamp(bytes: &[u8]) -> Result<Stamp, LoadError> {
    Ok(Checked::check(bytes)?.stamp)
}

/// Returns the stamp that an artifact states, even if its content is not what was built. `None` if it is cut within its header or
/// of another release.
pub fn stated(bytes: &[u8]) -> Option<Stamp> {
    Checked::stated(bytes).ok().map(|checked| checked.stamp)
}

/// Returns the artifact with this revision in place of the one that it has. Its digest stays the same.
///
/// # Errors
/// As [`stamp`].
pub fn with_revision(bytes: &[u8], revision: Option<&Revision>) -> Result<Vec<u8>, LoadError> {
    let checked = Checked::check(bytes)?;
    Ok(frame(checked.header, &checked.stamp.digest, revision, checked.body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{encode, load};
    use crate::limits::MAX_REVISION_BYTES;
    use crate::testing::tables;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_revision_changes_neither_the_digest_nor_what_is_loaded() {
        let plain = encode(&tables()).unwrap();
        let digest = stamp(&plain).unwrap().digest;
        assert_eq!(stamp(&plain).unwrap().revision, None);
        let longest = "a".repeat(MAX_REVISION_BYTES);
        let mut bytes = plain.clone();
        for text in ["3f2a", "1.4.0-dirty", longest.as_str()] {
            let revision = Revision::parse(text).unwrap();
            bytes = with_revision(&bytes, Some(&revision)).unwrap();
            assert_eq!(bytes.len(), plain.len() + text.len());
            assert_eq!(stamp(&bytes).unwrap(), Stamp { digest, revision: Some(revision.clone()) });
            let program = load(&bytes).unwrap();
            assert_eq!((program.digest(), program.revision()), (digest, Some(&revision)));
            assert_eq!(program.tables(), load(&plain).unwrap().tables());
        }
        assert_eq!(with_revision(&bytes, None).unwrap(), plain);
    }

    #[test]
    fn a_broken_artifact_gets_no_revision() {
        let mut bytes = encode(&tables()).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert!(matches!(with_revision(&bytes, None), Err(LoadError::Digest { .. })));
    }

    #[test]
    fn a_broken_artifact_still_states_which_one_it_is() {
        let revision = Revision::parse("3f2a").unwrap();
        let bytes = with_revision(&encode(&tables()).unwrap(), Some(&revision)).unwrap();
        let cut = &bytes[..bytes.len() - 1];
        assert!(matches!(stamp(cut), Err(LoadError::Digest { .. })));
        assert_eq!(stated(cut), stamp(&bytes).ok());
        for (at, length) in [(0, bytes.len()), (8, bytes.len()), (60, 58)] {
            let mut broken = bytes[..length].to_vec();
            if let Some(byte) = broken.get_mut(at) {
                *byte ^= 1;
            }
            assert_eq!(stated(&broken), None, "{at} {length}");
        }
    }
}
