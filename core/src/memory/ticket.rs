//! Tickets: the unpredictable names of remembered requests, which applications forward to their own proxy.
//!
//! ```text
//! 9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a
//! memory   random half     slot
//! ```
//!
//! The slot is hidden, so a ticket reveals nothing. It is useless elsewhere: only the proxy that made it recalls it,
//! for the same service, while the request is remembered.

use std::fmt;

use super::secret::Secret;

/// The number of digits of the memory, and those of the rest.
const DIGITS: [usize; 2] = [8, 24];

/// The name of one request in the memory of one proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The memory that the ticket belongs to: a random number, the same for all workers of the proxy.
    pub memory: u32,
    random: u64,
    hidden_slot: u32,
}

/// The place where a request is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In this slot.
    Slot(u32),
    /// None, because the request has no context.
    NoContext,
    /// None, because there was no room.
    NotRemembered,
}

impl Place {
    const NO_CONTEXT: u32 = u32::MAX;
    const NOT_REMEMBERED: u32 = u32::MAX - 1;

    pub(super) fn number(self) -> u32 {
        match self {
            Self::Slot(slot) => slot,
            Self::NoContext => Self::NO_CONTEXT,
            Self::NotRemembered => Self::NOT_REMEMBERED,
        }
    }

    pub(super) fn of(number: u32) -> Self {
        match number {
            Self::NO_CONTEXT => Self::NoContext,
            Self::NOT_REMEMBERED => Self::NotRemembered,
            slot => Self::Slot(slot),
        }
    }
}

impl Ticket {
    /// Returns a ticket of this memory.
    pub(super) fn new(memory: u32, secret: Secret, random: u64, place: Place) -> Self {
        Self { memory, random, hidden_slot: place.number() ^ secret.mask(random) }
    }

    /// Returns the unpredictable half.
    pub(super) fn random(self) -> u64 {
        self.random
    }

    /// Returns the place where the request is remembered.
    pub(super) fn place(self, secret: Secret) -> Place {
        Place::of(self.hidden_slot ^ secret.mask(self.random))
    }

    /// Parses a ticket, only in exactly the form in which it is written.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b'.');
        let [memory, rest] = DIGITS.map(|digits| parts.next().and_then(|part| hex(part, digits)));
        let (memory, rest) = (u32::try_from(memory?).ok()?, rest?);
        let (random, hidden_slot) = (u64::try_from(rest >> 32).ok()?, u32::try_from(rest & 0xFFFF_FFFF).ok()?);
        parts.next().is_none().then_some(Self { memory, random, hidden_slot })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:016x}{:08x}", self.memory, self.random, self.hidden_slot)
    }
}

fn hex(digits: &[u8], length: usize) -> Option<u128> {
    let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.len() == length && digits.iter().all(lower))?;
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn tickets_read_back() {
        let secret = Secret(*b"0123456789abcdef");
        for (memory, random, place) in [
            (0, 0, Place::Slot(0)),
            (1, 1, Place::Slot(1)),
            (u32::MAX, u64::MAX, Place::NoContext),
            (0x9c41_d2e7, 0x9f8e_7d6c_5b4a_3f2e, Place::NotRemembered),
        ] {
            let ticket = Ticket::new(memory, secret, random, place);
            let text = ticket.to_string();
            assert_eq!((text.len(), Ticket::parse(text.as_bytes())), (33, Some(ticket)), "{text}");
            assert_eq!((ticket.random(), ticket.place(secret)), (random, place), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_ticket() {
        let ticket = "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a";
        assert!(Ticket::parse(ticket.as_bytes()).is_some());
        for text in [
            "",
            ".",
            "9c41d2e7",
            "9C41D2E7.9f8e7d6c5b4a3f2e1d0c9b8a",
            "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8",
            "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a0",
            "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a.",
            "9c41d2e79.f8e7d6c5b4a3f2e1d0c9b8a",
            "+c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a",
            " 9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a",
        ] {
            assert_eq!(Ticket::parse(text.as_bytes()), None, "{text}");
        }
    }
}
