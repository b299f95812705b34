//! The memory of a machine, which the next decision can reuse.

use super::cursor::Cursor;
use super::error::EvalErrorKind;
use super::value::Value;

/// The memory of a machine. Passed from decision to decision it grows to the size that the largest one needs. After
/// that nothing is allocated any more.
#[derive(Debug, Default)]
pub struct Scratch<'a> {
    /// The attributes that were read, followed by the variables that were computed.
    pub(super) known: Vec<Option<Value<'a>>>,
    pub(super) stack: Vec<Value<'a>>,
    pub(super) locals: Vec<Local<'a>>,
    /// The elements of all lists under construction, an inner list after the outer one.
    pub(super) items: Vec<Value<'a>>,
    /// The entries of all maps under construction.
    pub(super) entries: Vec<(Value<'a>, Value<'a>)>,
    /// For texts whose length is only known after writing.
    pub(super) buffer: String,
    /// For the rules that may apply.
    pub(super) places: Vec<u32>,
}

/// The content of a local.
#[derive(Debug, Clone)]
pub(super) enum Local<'a> {
    Value(Value<'a>),
    Cursor(Cursor<'a>),
    List(Builder),
    Map(Builder),
}

/// A list or map under construction: its part of [`Scratch::items`] or [`Scratch::entries`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Builder {
    pub(super) start: usize,
    pub(super) count: usize,
    /// The first error that was put into it.
    pub(super) error: Option<EvalErrorKind>,
}

impl<'a> Scratch<'a> {
    /// Returns unused memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes its content.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.stack.clear();
        self.locals.clear();
        self.items.clear();
        self.entries.clear();
        self.buffer.clear();
    }

    /// Returns the same memory for another decision, empty.
    pub fn recycle<'b>(self) -> Scratch<'b> {
        Scratch {
            known: recycle(self.known),
            stack: recycle(self.stack),
            locals: recycle(self.locals),
            items: recycle(self.items),
            entries: recycle(self.entries),
            buffer: self.buffer,
            places: self.places,
        }
    }
}

/// Returns an empty vector with the same allocation. Collecting a vector's iterator into a vector of a type of the same
/// layout keeps the allocation. The types here only differ in their lifetimes. A vector that most programs do not use
/// never had an allocation.
fn recycle<A, B>(mut used: Vec<A>) -> Vec<B> {
    if used.capacity() == 0 {
        return Vec::new();
    }
    used.clear();
    used.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn memory_is_kept_without_its_content() {
        let mut scratch = Scratch::new();
        scratch.stack.extend([Value::Null; 40]);
        let at = scratch.stack.as_ptr();
        let next = scratch.recycle();
        assert_eq!((next.stack.as_ptr(), next.stack.len()), (at.cast(), 0));
        assert!(next.stack.capacity() >= 40);
    }
}
