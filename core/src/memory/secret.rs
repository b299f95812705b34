//! Keyed hashes, so that a sender who chooses ids, tickets or contexts cannot choose their positions.

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13 as Wide};

/// The secret of one memory, the same for all workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret(pub(super) [u8; 16]);

/// The purpose of a hash. The same bytes have different hashes for different purposes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The id of a request.
    Id,
    /// The context of a record.
    Context,
    /// The number that hides a slot in a ticket.
    Slot,
}

impl Secret {
    /// Returns the hash of byte sequences, each with its length.
    pub(super) fn hash<'b>(self, purpose: Purpose, parts: impl IntoIterator<Item = &'b [u8]>) -> u128 {
        let mut hasher = Wide::new_with_key(&self.0);
        hasher.write_u8(purpose.number());
        for part in parts {
            // Not `write_usize`: its size differs between machines.
            hasher.write_u64(u64::try_from(part.len()).unwrap_or(u64::MAX));
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }

    /// Returns the number that hides a slot in the ticket with this random half. Slots are assigned in order, and a
    /// ticket must not reveal the number of requests.
    pub(super) fn mask(self, random: u64) -> u32 {
        let [a, b, c, d, ..] = self.hash(Purpose::Slot, [&random.to_le_bytes()[..]]).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl Purpose {
    const fn number(self) -> u8 {
        match self {
            Self::Id => 1,
            Self::Context => 2,
            Self::Slot => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn hashes_depend_on_secret_purpose_and_the_ends_of_parts() {
        let secret = Secret(*b"0123456789abcdef");
        let ab = secret.hash(Purpose::Id, [&b"ab"[..]]);
        assert_eq!(ab, secret.hash(Purpose::Id, [&b"ab"[..]]));
        for other in [
            secret.hash(Purpose::Context, [&b"ab"[..]]),
            secret.hash(Purpose::Id, [&b"a"[..], b"b"]),
            secret.hash(Purpose::Id, [&b"b"[..], b"a"]),
            Secret(*b"0123456789abcdeg").hash(Purpose::Id, [&b"ab"[..]]),
        ] {
            assert_ne!(ab, other);
        }
        assert_ne!(secret.mask(1), secret.mask(2));
    }
}
