//! Tickets: the names under which requests are remembered, which nobody can guess and applications carry home.
//!
//! ```text
//! 9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a
//! memory   random
//! ```
//!
//! A ticket says nothing and is worth nothing elsewhere: it is recalled by the proxy that made it, for the same service, while it
//! is remembered.

use std::fmt;

/// The number of digits of the memory, and those of the random part.
const DIGITS: [usize; 2] = [8, 24];

/// The name of one request in the memory of one proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The memory that knows it: random, and the same for all workers of the proxy.
    pub memory: u32,
    random: u128,
}

impl Ticket {
    /// A ticket of this memory. Of the bytes, which nobody may be able to guess, 96 bits are used.
    pub fn new(memory: u32, secret: [u8; 16]) -> Self {
        Self { memory, random: u128::from_be_bytes(secret) >> 32 }
    }

    /// Reads a ticket in exactly the form in which it is written.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b'.');
        let [memory, random] = DIGITS.map(|digits| parts.next().and_then(|part| hex(part, digits)));
        let memory = u32::try_from(memory?).ok()?;
        parts.next().is_none().then_some(Self { memory, random: random? })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:024x}", self.memory, self.random)
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
        for (memory, byte) in [(0, 0), (1, 1), (u32::MAX, 0xFF), (0x9c41_d2e7, 0x9F)] {
            let ticket = Ticket::new(memory, [byte; 16]);
            let text = ticket.to_string();
            assert_eq!((text.len(), Ticket::parse(text.as_bytes())), (33, Some(ticket)), "{text}");
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
