//! What instructions and functions may use up: fuel and memory.

use bumpalo::Bump;

use super::cost::text_units;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::limits::{DEFAULT_HEADER_VALUE_BYTES, MAX_FUEL, MAX_MADE_BYTES};
use crate::tables::ZoneTable;

/// What an instruction or a function gives.
pub(super) type Outcome<'a> = Result<Value<'a>, EvalErrorKind>;

/// The budget of one decision, and the arena that holds what its conditions make.
pub(super) struct Env<'a> {
    /// Holds what conditions make. Allocate through the methods below, which count.
    pub(super) arena: &'a Bump,
    /// The time zones of the artifact.
    pub(super) zones: &'a [ZoneTable],
    /// For texts whose length is known only when they are written. Empty between uses.
    pub(super) buffer: String,
    /// The metadata of the proxy, once something of it was asked for; inside `None` where the proxy gives none as a whole.
    pub(super) metadata: Option<Option<&'a [u8]>>,
    /// Longest header value that conditions read, in bytes.
    pub(super) header_bytes: usize,
    fuel: u64,
    memory: usize,
    exhausted: bool,
}

impl<'a> Env<'a> {
    /// A full budget.
    pub(super) fn new(arena: &'a Bump, zones: &'a [ZoneTable]) -> Self {
        Self {
            arena,
            zones,
            buffer: String::new(),
            metadata: None,
            header_bytes: usize::try_from(DEFAULT_HEADER_VALUE_BYTES).unwrap_or(usize::MAX),
            fuel: MAX_FUEL,
            memory: MAX_MADE_BYTES,
            exhausted: false,
        }
    }

    /// The fuel that is left.
    pub(super) fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Takes another budget of fuel in place of what is left, and a full one of memory; gives what was left. Nothing
    /// has run out then.
    pub(super) fn refill(&mut self, fuel: u64) -> u64 {
        self.memory = MAX_MADE_BYTES;
        self.exhausted = false;
        core::mem::replace(&mut self.fuel, fuel)
    }

    /// Whether fuel or memory ran out, whatever a condition made of that error.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The bytes that may still be made.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The bytes that were made so far.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        MAX_MADE_BYTES.saturating_sub(self.memory)
    }

    /// Takes fuel.
    ///
    /// # Errors
    /// [`EvalErrorKind::OutOfFuel`] when there is not enough; nothing is left then.
    pub(super) fn burn(&mut self, amount: u64) -> Result<(), EvalErrorKind> {
        match self.fuel.checked_sub(amount) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                self.fuel = 0;
                self.exhausted = true;
                Err(EvalErrorKind::OutOfFuel)
            }
        }
    }

    /// Takes fuel for reading a text of so many bytes.
    pub(super) fn burn_text(&mut self, bytes: usize) -> Result<(), EvalErrorKind> {
        self.burn(text_units(bytes))
    }

    /// Takes memory, and the fuel to fill it, before so many bytes are made.
    ///
    /// # Errors
    /// [`EvalErrorKind::OutOfMemory`] or [`EvalErrorKind::OutOfFuel`].
    #[inline(never)]
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(), EvalErrorKind> {
        let Some(left) = self.memory.checked_sub(bytes) else {
            self.exhausted = true;
            return Err(EvalErrorKind::OutOfMemory);
        };
        self.memory = left;
        self.burn_text(bytes)
    }

    /// Keeps a text that was made.
    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) -> Outcome<'a> {
        self.reserve(text.len())?;
        Ok(Value::String(self.arena.alloc_str(text)))
    }

    /// Keeps a short text that `write` writes.
    pub(super) fn written(&mut self, write: impl FnOnce(&mut String)) -> Outcome<'a> {
        let mut buffer = core::mem::take(&mut self.buffer);
        write(&mut buffer);
        let text = self.text(&buffer);
        buffer.clear();
        self.buffer = buffer;
        text
    }

    /// Keeps bytes that were made.
    #[inline(never)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Outcome<'a> {
        self.reserve(bytes.len())?;
        Ok(Value::Bytes(self.arena.alloc_slice_copy(bytes)))
    }

    /// Keeps a list that was made.
    #[inline(never)]
    pub(super) fn list(&mut self, items: &[Value<'a>]) -> Outcome<'a> {
        self.reserve(size_of_val(items))?;
        Ok(Value::List(self.arena.alloc_slice_copy(items)))
    }

    /// An optional with this value.
    #[inline(never)]
    pub(super) fn some(&mut self, value: Value<'a>) -> Outcome<'a> {
        self.reserve(size_of::<Value<'_>>())?;
        Ok(Value::Optional(Some(self.arena.alloc(value))))
    }
}
