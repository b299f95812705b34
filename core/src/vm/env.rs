//! The budget of instructions and functions: fuel and memory.

use bumpalo::Bump;

use super::cost::text_units;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::limits::{DEFAULT_HEADER_VALUE_BYTES, MAX_FUEL, MAX_MADE_BYTES};
use crate::tables::ZoneTable;

/// The result of an instruction or a function.
pub(super) type Outcome<'a> = Result<Value<'a>, EvalErrorKind>;

/// The budget of one decision, and the arena for the values that its conditions make.
pub(super) struct Env<'a> {
    /// Holds the values that conditions make. Allocate through the methods below, which count the bytes.
    pub(super) arena: &'a Bump,
    /// The time zones of the artifact.
    pub(super) zones: &'a [ZoneTable],
    /// For texts whose length is only known after writing. Empty between uses.
    pub(super) buffer: String,
    /// The metadata of the proxy, after the first attribute of it was read. The inner `None` means that the proxy only
    /// provides single values.
    pub(super) metadata: Option<Option<&'a [u8]>>,
    /// Longest header value that conditions read, in bytes.
    pub(super) header_bytes: usize,
    fuel: u64,
    memory: usize,
    exhausted: bool,
}

impl<'a> Env<'a> {
    /// Returns a full budget.
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

    /// Returns the remaining fuel.
    pub(super) fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Replaces the remaining fuel by another budget, and the memory by a full one. Returns the fuel that was left. The
    /// budget then counts as not exhausted.
    pub(super) fn refill(&mut self, fuel: u64) -> u64 {
        self.memory = MAX_MADE_BYTES;
        self.exhausted = false;
        core::mem::replace(&mut self.fuel, fuel)
    }

    /// Returns whether fuel or memory was exhausted, even if a condition absorbed that error.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Returns the number of bytes that may still be made.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Returns the number of bytes that were made so far.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        MAX_MADE_BYTES.saturating_sub(self.memory)
    }

    /// Takes fuel.
    ///
    /// # Errors
    /// [`EvalErrorKind::OutOfFuel`]: there is not enough. Nothing is left then.
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

    /// Takes fuel for reading a text of this number of bytes.
    pub(super) fn burn_text(&mut self, bytes: usize) -> Result<(), EvalErrorKind> {
        self.burn(text_units(bytes))
    }

    /// Takes memory for this number of bytes, and the fuel to fill it, before they are made.
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

    /// Stores a text in the arena.
    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) -> Outcome<'a> {
        self.reserve(text.len())?;
        Ok(Value::String(self.arena.alloc_str(text)))
    }

    /// Stores a short text that `write` writes.
    pub(super) fn written(&mut self, write: impl FnOnce(&mut String)) -> Outcome<'a> {
        let mut buffer = core::mem::take(&mut self.buffer);
        write(&mut buffer);
        let text = self.text(&buffer);
        buffer.clear();
        self.buffer = buffer;
        text
    }

    /// Stores bytes in the arena.
    #[inline(never)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Outcome<'a> {
        self.reserve(bytes.len())?;
        Ok(Value::Bytes(self.arena.alloc_slice_copy(bytes)))
    }

    /// Stores a list in the arena.
    #[inline(never)]
    pub(super) fn list(&mut self, items: &[Value<'a>]) -> Outcome<'a> {
        self.reserve(size_of_val(items))?;
        Ok(Value::List(self.arena.alloc_slice_copy(items)))
    }

    /// Returns an optional with this value.
    #[inline(never)]
    pub(super) fn some(&mut self, value: Value<'a>) -> Outcome<'a> {
        self.reserve(size_of::<Value<'_>>())?;
        Ok(Value::Optional(Some(self.arena.alloc(value))))
    }
}
