//! The artifact: its layout as bytes, how it is read, and the proof that it can run.
//!
//! It has three stages with a type each: bytes, [`Decoded`] (the tables, with every size within its limit and the
//! digest checked) and [`VerifiedProgram`] (every index and every instruction checked). Only the last one can run.
//!
//! ```text
//! 0   magic              8 bytes
//! 8   format version     u32, little endian
//! 12  required features  u64: one bit for each feature that a reader must know
//! 20  length of the body u32, after decompression
//! 24  digest             SHA-256 of everything but these 32 bytes
//! 56  body               sections, as one lz4 block
//! ```
//!
//! A section consists of its number (u16), its flags (u16, bit 0: a reader that does not know it may skip it), its
//! length (u32) and its content in the bincode wire format.

mod decode;
mod encode;
mod error;
mod format;
#[cfg(test)]
mod tests;
mod verify;
mod verify_code;

pub use crate::tables;
pub use decode::Decoded;
pub use encode::{EncodeError, encode};
pub use error::{LoadError, VerifyError};
pub use format::{Digest, FORMAT_VERSION, KNOWN_FEATURES};
pub use verify::VerifiedProgram;

/// Returns the digest of an artifact, which identifies one that was loaded before. The checks are those of [`load`] up
/// to the digest, and take a small part of its time.
///
/// # Errors
/// The same as for [`load`], up to the digest.
pub fn digest(bytes: &[u8]) -> Result<Digest, LoadError> {
    Ok(decode::Checked::check(bytes)?.digest)
}

/// Reads, checks and verifies an artifact. The result only depends on the bytes. Never panics.
///
/// The checks have this order: magic, version, features, sizes, digest, sections, then every table and every
/// instruction. Nothing that a digest covers is interpreted before the digest is checked.
///
/// # Errors
/// [`LoadError`]: the reason, with the digest that identifies the artifact.
pub fn load(bytes: &[u8]) -> Result<VerifiedProgram, LoadError> {
    VerifiedProgram::verify(Decoded::decode(bytes)?)
}
