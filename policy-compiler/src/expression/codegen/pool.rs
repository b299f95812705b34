//! A pool: distinct entries with numbers.

use std::collections::HashMap;

/// Entries in the order in which they came, each once. `key` tells which ones are the same.
#[derive(Debug, Clone)]
pub(super) struct Pool<T> {
    entries: Vec<T>,
    numbers: HashMap<Vec<u8>, u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T> Pool<T> {
    /// The number of the entry with that key; `make` makes it if it is new.
    ///
    /// # Errors
    /// That of `make`; then nothing is added.
    pub(super) fn get_or_add<E>(&mut self, key: Vec<u8>, make: impl FnOnce() -> Result<T, E>) -> Result<u32, E> {
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let entry = make()?;
        // More entries than a `u32` counts do not fit into memory.
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        self.numbers.insert(key, number);
        Ok(number)
    }

    /// Adds an entry without asking whether it is there.
    pub(super) fn add(&mut self, entry: T) -> u32 {
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn entry_mut(&mut self, index: usize) -> Option<&mut T> {
        self.entries.get_mut(index)
    }

    /// The keys with their numbers, in no order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.numbers.iter().map(|(key, number)| (key.as_slice(), *number))
    }

    pub(super) fn into_entries(self) -> Vec<T> {
        self.entries
    }
}
