//! Extensions of `x-mesh-context`: additions by later formats that need no new version of the header.
//!
//! ```text
//! extensions  count, then each extension
//! extension   head, length, this number of bytes
//! head        number << 2 | carried << 1 | critical
//! ```
//!
//! Numbers are LEB128. A reader that does not know an extension rejects the header if the extension is critical, and
//! skips the extension otherwise. A carried extension belongs to the context and not to the hop: a reader that does not
//! know it forwards it unchanged, also through the memory. A header contains each extension at most once.
//!
//! This version knows no extensions. Their numbers never change:
//!
//! | number | for |
//! |---|---|
//! | 1 | origin: who made which field |
//! | 2 | revision: of the context, counted by its hops |
//! | 3 | audience: whom the header is meant for |
//! | 4 | key: which key, and the tag over all the rest |
//! | 5 | clock: when each field was made |

use super::CarrierError;
use super::wire::{Reader, from_size, write_varint};
use crate::context::Context;
use crate::context::carried::{Carried, Extension};
use crate::limits::MAX_EXTENSIONS;

const CRITICAL: u64 = 1;
const CARRIED: u64 = 2;

/// Appends the carried extensions of the context.
pub(super) fn write(out: &mut Vec<u8>, carried: &Carried) {
    write_varint(out, from_size(carried.extensions.len()));
    for extension in &carried.extensions {
        write_varint(out, extension.number << 2 | CARRIED);
        write_varint(out, from_size(extension.content.len()));
        out.extend_from_slice(&extension.content);
    }
}

/// Reads extensions. Those that are forwarded are added to `context`.
pub(super) fn read(reader: &mut Reader<'_>, context: &mut Context) -> Result<(), CarrierError> {
    let count = reader.size()?;
    if count > MAX_EXTENSIONS {
        return Err(CarrierError::TooManyExtensions);
    }
    let mut seen: Vec<u64> = Vec::new();
    let mut critical = false;
    for _ in 0..count {
        let head = reader.varint()?;
        let number = head >> 2;
        let length = reader.size()?;
        let content = reader.take(length)?;
        if seen.contains(&number) {
            return Err(CarrierError::Repeated);
        }
        seen.push(number);
        critical |= head & CRITICAL != 0;
        if head & CARRIED != 0 {
            context.carry_extension(Extension { number, content: content.to_owned() })?;
        }
    }
    // Only at the end, so that a malformed header is reported as malformed.
    if critical { Err(CarrierError::UnknownExtension) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read_all(bytes: &[u8]) -> Result<Vec<u8>, CarrierError> {
        let mut context = Context::new();
        let mut reader = Reader::new(bytes);
        read(&mut reader, &mut context)?;
        reader.finish()?;
        let mut out = Vec::new();
        write(&mut out, context.carried());
        Ok(out)
    }

    #[test]
    fn what_is_carried_goes_on_and_the_rest_is_skipped() {
        for (bytes, onward) in [
            (&[0][..], &[0][..]),
            (&[1, 1 << 2, 2, 7, 8], &[0]),
            (&[1, 5 << 2 | 2, 2, 7, 8], &[1, 5 << 2 | 2, 2, 7, 8]),
            (&[2, 4 << 2, 0, 0xC2, 0x03, 1, 9], &[1, 0xC2, 0x03, 1, 9]),
        ] {
            assert_eq!(read_all(bytes), Ok(onward.to_vec()), "{bytes:?}");
        }
    }

    #[test]
    fn broken_and_critical_ones_are_refused_by_name() {
        use CarrierError::*;
        for (bytes, error) in [
            (&[][..], Truncated),
            (&[1], Truncated),
            (&[1, 4], Truncated),
            (&[1, 4, 2, 0], Truncated),
            (&[1, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0], Truncated),
            (&[17], TooManyExtensions),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], TooManyExtensions),
            (&[1, 4 << 2 | 1, 0], UnknownExtension),
            (&[1, 4 << 2 | 3, 0], UnknownExtension),
            (&[2, 4 << 2, 0, 4 << 2, 0], Repeated),
            (&[2, 4 << 2, 0, 4 << 2 | 1, 0], Repeated),
        ] {
            assert_eq!(read_all(bytes), Err(error), "{bytes:?}");
        }
    }
}
