//! A pool: distinct entries with their indices.

use std::collections::HashMap;

use context_mesh_core::index;

/// Distinct entries in the order in which they were added. Entries with equal keys are the same.
#[derive(Debug, Clone)]
pub(super) struct Pool<I, T> {
    entries: Vec<T>,
    indices: HashMap<Vec<u8>, I>,
}

impl<I, T> Default for Pool<I, T> {
    fn default() -> Self {
        Self { entries: Vec::new(), indices: HashMap::new() }
    }
}

impl<I: Copy + From<u32>, T> Pool<I, T> {
    /// Returns the index of the entry with that key. If it is new, `make` creates it.
    ///
    /// # Errors
    /// The error of `make`; nothing is added then.
    pub(super) fn get_or_add<E>(&mut self, key: Vec<u8>, make: impl FnOnce() -> Result<T, E>) -> Result<I, E> {
        if let Some(index) = self.indices.get(&key) {
            return Ok(*index);
        }
        let entry = make()?;
        let index = self.add(entry);
        self.indices.insert(key, index);
        Ok(index)
    }

    /// Adds an entry without checking whether it exists.
    pub(super) fn add(&mut self, entry: T) -> I {
        // More entries than a `u32` can count do not fit into memory.
        let index = index::position(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        I::from(index)
    }

    pub(super) fn entry_mut(&mut self, index: usize) -> Option<&mut T> {
        self.entries.get_mut(index)
    }

    /// Returns the keys with their indices, in no particular order.
    pub(super) fn indices(&self) -> impl Iterator<Item = (&[u8], I)> {
        self.indices.iter().map(|(key, index)| (key.as_slice(), *index))
    }

    pub(super) fn into_entries(self) -> Vec<T> {
        self.entries
    }
}
