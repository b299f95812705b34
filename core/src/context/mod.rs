//! The context of a request: an ordered map from field name to JSON text.

pub(crate) mod agree;
pub(crate) mod carried;
pub mod json;
#[cfg(test)]
mod json_oracle_tests;

use carried::{Carried, CarriedField, Extension};

use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_FIELD_NAME_BYTES};

/// The name of the field with the service that sent the request. It is always known.
pub const CALLER: &str = "caller";

/// An ordered map from field name to the JSON text of its value.
///
/// The text of a value is kept byte for byte: `1.0` stays `1.0`, and an escape stays an escape. INVARIANT (valid json):
/// every value passed [`json::check`] or was written by this crate.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// All names and values, concatenated, so that a context needs only two allocations.
    text: String,
    fields: Vec<Entry>,
    /// The parts that cannot be read here, and are forwarded nevertheless.
    carried: Carried,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: (usize, usize),
    value: (usize, usize),
}

/// The reason why a field cannot be put into a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextError {
    /// The name is empty or longer than [`MAX_FIELD_NAME_BYTES`].
    FieldName,
    /// The context has [`MAX_CONTEXT_FIELDS`] fields already.
    TooManyFields,
    /// The context would exceed [`MAX_CONTEXT_BYTES`].
    TooLarge,
    /// The value is not JSON.
    NotJson,
}

impl Context {
    /// Returns a context without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a context without fields, with capacity for this number of fields and of bytes of names and values.
    pub(crate) fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), fields: Vec::with_capacity(fields), carried: Carried::default() }
    }

    /// Returns the size of its names and values in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len().saturating_add(value.len())).fold(0, usize::saturating_add)
    }

    /// Returns an upper bound of the number of its fields and of all elements and members of their values.
    pub(crate) fn most_items(&self) -> usize {
        let inside = |value: &str| value.bytes().filter(|byte| *byte == b',').count();
        self.iter().map(|(_, value)| inside(value).saturating_add(1)).fold(0, usize::saturating_add)
    }

    /// Returns the JSON text of the field, if it is present.
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.place(name)?;
        self.fields.get(place).map(|entry| self.slice(entry.value))
    }

    /// Returns whether the field is present.
    pub fn contains(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Puts a value after checking that its text is JSON. A field that exists keeps its position.
    ///
    /// # Errors
    /// [`ContextError`]: a limit is exceeded, or `value` is not one JSON value.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), ContextError> {
        json::check(value).map_err(|_| ContextError::NotJson)?;
        self.insert_checked(name, value)
    }

    /// Puts a string value, written as JSON.
    ///
    /// # Errors
    /// The same as for [`Context::insert`].
    pub fn insert_string(&mut self, name: &str, content: &str) -> Result<(), ContextError> {
        let mut value = String::with_capacity(content.len().saturating_add(2));
        json::write_string(&mut value, content);
        self.insert_checked(name, &value)
    }

    /// Puts a value that is known to be JSON, because it comes from another context or was checked.
    pub(crate) fn insert_checked(&mut self, name: &str, value: &str) -> Result<(), ContextError> {
        if name.is_empty() || name.len() > MAX_FIELD_NAME_BYTES {
            return Err(ContextError::FieldName);
        }
        let known = self.place(name);
        // A readable value replaces an unreadable one.
        let replaced = !self.carried.fields.is_empty() && self.carried.has(name);
        let taken = self.carried.fields.len().saturating_sub(usize::from(replaced));
        if known.is_none() && self.fields.len().saturating_add(taken) >= MAX_CONTEXT_FIELDS {
            return Err(ContextError::TooManyFields);
        }
        let new_bytes = name.len().saturating_add(value.len());
        let carried = self.carried.bytes();
        if self.text.len().saturating_add(new_bytes).saturating_add(carried) > MAX_CONTEXT_BYTES {
            self.make_room(known, new_bytes.saturating_add(carried))?;
        }
        if replaced {
            self.carried.remove(name);
        }
        let used = self.text.len();
        match known.and_then(|i| self.fields.get_mut(i)) {
            Some(entry) => {
                entry.value = (used, used.saturating_add(value.len()));
                self.text.push_str(value);
            }
            None => {
                let middle = used.saturating_add(name.len());
                self.text.push_str(name);
                self.text.push_str(value);
                let end = middle.saturating_add(value.len());
                self.fields.push(Entry { name: (used, middle), value: (middle, end) });
            }
        }
        Ok(())
    }

    /// Drops the bytes that no field refers to any more, including the value of the field `replaced`. Changes nothing
    /// if `new_bytes` would not fit even then.
    fn make_room(&mut self, replaced: Option<usize>, new_bytes: usize) -> Result<(), ContextError> {
        let mut kept = Self::default();
        for (i, (name, value)) in self.iter().enumerate() {
            let start = kept.text.len();
            kept.text.push_str(name);
            let middle = kept.text.len();
            kept.text.push_str(if replaced == Some(i) { "" } else { value });
            kept.fields.push(Entry { name: (start, middle), value: (middle, kept.text.len()) });
        }
        if kept.text.len().saturating_add(new_bytes) > MAX_CONTEXT_BYTES {
            return Err(ContextError::TooLarge);
        }
        kept.carried = std::mem::take(&mut self.carried);
        *self = kept;
        Ok(())
    }

    /// Removes the field, even if its value cannot be read. Returns whether it was present.
    pub fn remove(&mut self, name: &str) -> bool {
        let unread = !self.carried.fields.is_empty() && self.carried.remove(name);
        let place = self.place(name);
        place.map(|place| self.fields.remove(place)).is_some() || unread
    }

    /// Returns whether the field is present with a value that cannot be read here.
    pub fn is_unread(&self, name: &str) -> bool {
        self.carried.has(name)
    }

    /// Returns the parts that cannot be read here and are forwarded nevertheless.
    pub(crate) fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Adds a field that cannot be read here.
    pub(crate) fn carry_field(&mut self, field: CarriedField) -> Result<(), ContextError> {
        if self.fields.len().saturating_add(self.carried.fields.len()) >= MAX_CONTEXT_FIELDS {
            return Err(ContextError::TooManyFields);
        }
        self.check_room(field.most_bytes.max(field.value.len()))?;
        self.carried.fields.push(field);
        Ok(())
    }

    /// Adds an extension that every hop forwards.
    pub(crate) fn carry_extension(&mut self, extension: Extension) -> Result<(), ContextError> {
        self.check_room(extension.content.len())?;
        self.carried.extensions.push(extension);
        Ok(())
    }

    /// Checks that this number of additional bytes fits.
    fn check_room(&mut self, bytes: usize) -> Result<(), ContextError> {
        let needed = bytes.saturating_add(self.carried.bytes());
        if self.text.len().saturating_add(needed) > MAX_CONTEXT_BYTES { self.make_room(None, needed) } else { Ok(()) }
    }

    /// Removes the fields whose names cannot be read here. Returns whether there were any.
    pub(crate) fn drop_unknown(&mut self) -> bool {
        let before = self.carried.fields.len();
        self.carried.fields.retain(|field| matches!(field.name, carried::CarriedName::Text(_)));
        self.carried.fields.len() < before
    }

    /// Returns only the parts that cannot be read here.
    pub(crate) fn into_carried(self) -> Carried {
        self.carried
    }

    /// Sets the parts that cannot be read here to those of another context.
    pub(crate) fn set_carried(&mut self, carried: Carried) {
        self.carried = carried;
    }

    /// Returns all fields in order: name and JSON text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|entry| (self.slice(entry.name), self.slice(entry.value)))
    }

    /// Returns the number of fields that can be read here.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Returns whether no field can be read here.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the index of this field among the fields. Compares bytes, because every look-up of a field comes here.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let text = self.text.as_bytes();
        self.fields.iter().position(|entry| text.get(entry.name.0..entry.name.1) == Some(name.as_bytes()))
    }

    fn slice(&self, range: (usize, usize)) -> &str {
        self.text.get(range.0..range.1).unwrap_or_default()
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.carried == other.carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_field_keeps_its_place_and_a_removed_one_is_gone() {
        let mut context = Context::new();
        context.insert("a", "1").unwrap();
        context.insert("b", "2.0").unwrap();
        context.insert("a", "[3]").unwrap();
        assert_eq!(context.iter().collect::<Vec<_>>(), [("a", "[3]"), ("b", "2.0")]);
        assert!(context.remove("a"));
        assert!(!context.remove("a"));
        assert_eq!(context.get("a"), None);
        assert_eq!(context.len(), 1);
    }

    #[test]
    fn limits_are_errors() {
        let mut context = Context::new();
        assert_eq!(context.insert("", "1"), Err(ContextError::FieldName));
        assert_eq!(context.insert("a", "{"), Err(ContextError::NotJson));
        for i in 0..MAX_CONTEXT_FIELDS {
            context.insert(&format!("f{i}"), "1").unwrap();
        }
        assert_eq!(context.insert("more", "1"), Err(ContextError::TooManyFields));
        let big = format!("\"{}\"", "x".repeat(MAX_CONTEXT_BYTES));
        assert_eq!(context.insert("f0", &big), Err(ContextError::TooLarge));
    }

    #[test]
    fn what_was_replaced_or_removed_does_not_count() {
        let mut context = Context::new();
        context.insert("a", "1").unwrap();
        let half = "x".repeat(MAX_CONTEXT_BYTES / 2);
        for _ in 0..10 {
            context.insert_string("b", &half).unwrap();
            context.insert_string("c", "small").unwrap();
            assert_eq!(context.insert_string("d", &half), Err(ContextError::TooLarge));
        }
        assert_eq!(context.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(context.get("b").map(str::len), Some(half.len() + 2));
        context.remove("b");
        context.insert_string("d", &half).unwrap();
        assert_eq!(context.get("a"), Some("1"));
        assert_eq!(context.get("c"), Some("\"small\""));
    }
}
