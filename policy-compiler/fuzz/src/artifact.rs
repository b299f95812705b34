//! Artifacts: builds a valid frame around any body, and loads what the compiler built.

use context_mesh_core::artifact::{FORMAT_VERSION, KNOWN_FEATURES, VerifiedProgram};
use policy_compiler::expression::codegen::{Builder, load_programs};
use sha2::{Digest as _, Sha256};

/// First bytes of an artifact.
const MAGIC: [u8; 8] = *b"\x89CMESH\r\n";

/// Returns an artifact with this body. Sizes and digest are valid, and the body is one uncompressed lz4 block, so that
/// it contains every byte of `body` unchanged.
pub fn framed(body: &[u8]) -> Vec<u8> {
    let block = literals(body);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&KNOWN_FEATURES.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    let digest = Sha256::new().chain_update(&bytes).chain_update(&block).finalize();
    bytes.extend_from_slice(&digest);
    // No revision.
    bytes.push(0);
    bytes.extend_from_slice(&block);
    bytes
}

/// Returns one lz4 sequence of literals. The high half of the token is their number; numbers from 15 continue in the
/// bytes after it.
fn literals(body: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(body.len() + body.len() / 255 + 2);
    match u8::try_from(body.len()) {
        Ok(length @ 0..15) => block.push(length << 4),
        _ => {
            block.push(0xf0);
            let mut rest = body.len() - 15;
            while rest >= 255 {
                block.push(255);
                rest -= 255;
            }
            block.extend(u8::try_from(rest));
        }
    }
    block.extend_from_slice(body);
    block
}

/// Loads compiled programs through the bytes of an artifact.
///
/// # Panics
/// They cannot be written or do not load: a finding.
pub fn loaded(builder: Builder) -> VerifiedProgram {
    load_programs(builder.finish()).unwrap_or_else(|error| panic!("what was compiled does not load: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use context_mesh_core::artifact::{LoadError, load};

    #[test]
    fn a_body_in_its_frame_loads() {
        assert!(load(&framed(&tables::body())).is_ok());
    }

    #[test]
    fn every_length_comes_through_to_the_sections() {
        for length in [0, 1, 7, 14, 15, 16, 269, 270, 271, 5000] {
            let error = load(&framed(&vec![0xff; length])).unwrap_err();
            let sections = matches!(error, LoadError::SectionBounds | LoadError::SectionCount { .. });
            assert!(sections || matches!(error, LoadError::UnknownSection { .. }), "{length}: {error}");
        }
    }
}
