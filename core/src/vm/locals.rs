//! The instructions for locals: loops, and lists and maps that are built element by element.

use super::cursor::Cursor;
use super::env::Env;
use super::error::EvalErrorKind;
use super::library::sort;
use super::machine::Machine;
use super::op::Op;
use super::scratch::{Builder, Local};
use super::value::Value;

/// The value of an unset local. Verification proves that none is read.
const UNSET: Value<'static> = Value::error(EvalErrorKind::NoValue);

impl<'a> Machine<'a> {
    /// Runs an instruction whose operand is a local.
    pub(super) fn local_step(&mut self, op: Op) {
        let local = op.operand();
        match op {
            Op::Load(_) => {
                let value = self.load(local);
                self.push(value);
            }
            Op::Store(_) => {
                let value = self.pop();
                self.set_local(local, Local::Value(value));
            }
            Op::IterBegin(_) => {
                let value = self.pop();
                self.set_local(local, Local::Cursor(Cursor::new(value)));
            }
            Op::IterNext(_) => {
                let is_there = self.advance(local, false);
                self.push(Value::Bool(is_there));
            }
            Op::IterNext2(_) => {
                let is_there = self.advance(local, true);
                self.push(Value::Bool(is_there));
            }
            Op::ListBegin(_) => {
                let start = self.scratch.items.len();
                self.set_local(local, Local::List(Builder { start, count: 0, error: None }));
            }
            Op::MapBegin(_) => {
                let start = self.scratch.entries.len();
                self.set_local(local, Local::Map(Builder { start, count: 0, error: None }));
            }
            Op::ListPush(_) => {
                let value = self.pop();
                self.extend_list(local, value.or_error().map(Some));
            }
            Op::ListPushOptional(_) => {
                let value = self.pop();
                self.extend_list(local, unwrap(value));
            }
            Op::MapPut(_) => {
                let value = self.pop();
                let key = self.pop();
                self.extend_map(local, key, value.or_error().map(Some));
            }
            Op::MapPutOptional(_) => {
                let value = self.pop();
                let key = self.pop();
                self.extend_map(local, key, unwrap(value));
            }
            Op::MapPutAll(_) => {
                let value = self.pop();
                self.extend_map_by_all(local, value);
            }
            // `BuildEnd`, the only remaining one.
            _ => {
                let value = self.build(local);
                self.push(value);
            }
        }
    }

    /// Returns the value of a local.
    #[inline]
    pub(super) fn load(&mut self, local: u32) -> Value<'a> {
        if let Some(Local::Value(value)) = self.local(local) { *value } else { UNSET }
    }

    fn slot(&self, local: u32) -> usize {
        self.locals.saturating_add(usize::try_from(local).unwrap_or(usize::MAX))
    }

    fn local(&mut self, local: u32) -> Option<&mut Local<'a>> {
        let slot = self.slot(local);
        self.scratch.locals.get_mut(slot)
    }

    fn set_local(&mut self, local: u32, value: Local<'a>) {
        let slot = self.slot(local);
        while self.scratch.locals.len() <= slot {
            self.scratch.locals.push(Local::Value(UNSET));
        }
        if let Some(place) = self.scratch.locals.get_mut(slot) {
            *place = value;
        }
    }

    /// Returns whether there is a next element, and stores it in the locals after the cursor.
    pub(super) fn advance(&mut self, local: u32, both: bool) -> bool {
        let slot = self.slot(local);
        let Some(Local::Cursor(cursor)) = self.scratch.locals.get_mut(slot) else {
            return false;
        };
        if !both && let Some(element) = cursor.next_made() {
            let is_there = element.is_some();
            self.set_local(local.saturating_add(1), Local::Value(element.unwrap_or(Value::Null)));
            return is_there;
        }
        let keys = cursor.is_map();
        // If the fuel is exhausted, the next instruction ends the run.
        let item = cursor.next(&mut self.env, both).unwrap_or_default();
        let (first, second) = match item {
            Some((key, value)) if both || keys => (key, value),
            Some((_, element)) => (element, Value::Null),
            None => (Value::Null, Value::Null),
        };
        self.set_local(local.saturating_add(1), Local::Value(first));
        if both {
            self.set_local(local.saturating_add(2), Local::Value(second));
        }
        item.is_some()
    }

    /// Appends a value to a list. An unfinished inner list is dropped.
    fn extend_list(&mut self, local: u32, value: Result<Option<Value<'a>>, EvalErrorKind>) {
        let slot = self.slot(local);
        let Some(Local::List(builder)) = self.scratch.locals.get_mut(slot) else { return };
        if builder.error.is_some() {
            return;
        }
        match value.and_then(|value| value.map(|value| reserve(&mut self.env, value)).transpose()) {
            Ok(Some(value)) => {
                self.scratch.items.truncate(builder.start.saturating_add(builder.count));
                self.scratch.items.push(value);
                builder.count = builder.count.saturating_add(1);
            }
            Ok(None) => {}
            Err(error) => builder.error = Some(error),
        }
    }

    fn extend_map(&mut self, local: u32, key: Value<'a>, value: Result<Option<Value<'a>>, EvalErrorKind>) {
        let slot = self.slot(local);
        let Some(Local::Map(builder)) = self.scratch.locals.get_mut(slot) else { return };
        if builder.error.is_some() {
            return;
        }
        let value = value.and_then(|value| value.map(|value| reserve(&mut self.env, (key, value))).transpose());
        match (key, value) {
            (Value::Error(error), _) => builder.error = Some(error.kind),
            (_, Err(error)) => builder.error = Some(error),
            (_, Ok(None)) => {}
            (Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_), Ok(Some(entry))) => {
                self.scratch.entries.truncate(builder.start.saturating_add(builder.count));
                self.scratch.entries.push(entry);
                builder.count = builder.count.saturating_add(1);
            }
            _ => builder.error = Some(EvalErrorKind::UnsupportedKey),
        }
    }

    fn extend_map_by_all(&mut self, local: u32, from: Value<'a>) {
        if !from.is_map() {
            let error = from.or_error().err().unwrap_or(EvalErrorKind::NoSuchOverload);
            return self.extend_map(local, Value::Null, Err(error));
        }
        let mut entries = Cursor::new(from);
        loop {
            match entries.next(&mut self.env, true) {
                Ok(Some((key, value))) => {
                    if self.env.burn(1).is_err() {
                        return;
                    }
                    self.extend_map(local, key, value.or_error().map(Some));
                }
                Ok(None) => return,
                Err(error) => return self.extend_map(local, Value::Null, Err(error)),
            }
        }
    }

    /// Finishes a list or map.
    fn build(&mut self, local: u32) -> Value<'a> {
        let Some(place) = self.local(local) else { return UNSET };
        match core::mem::replace(place, Local::Value(UNSET)) {
            Local::List(builder) => self.build_list(builder),
            Local::Map(builder) => self.build_map(builder),
            Local::Value(_) | Local::Cursor(_) => UNSET,
        }
    }

    fn build_list(&mut self, builder: Builder) -> Value<'a> {
        let end = builder.start.saturating_add(builder.count);
        let items = self.scratch.items.get(builder.start..end);
        let value = match (builder.error, items) {
            (Some(error), _) => Value::error(error),
            (None, Some(items)) => Value::List(self.env.arena.alloc_slice_copy(items)),
            (None, None) => UNSET,
        };
        self.scratch.items.truncate(builder.start);
        value
    }

    fn build_map(&mut self, builder: Builder) -> Value<'a> {
        let end = builder.start.saturating_add(builder.count);
        let entries = self.scratch.entries.get_mut(builder.start..end);
        let value = match (builder.error, entries) {
            (Some(error), _) => Value::error(error),
            (None, Some(entries)) => match sort::entries(entries, &mut self.env) {
                Ok(()) => Value::Map(self.env.arena.alloc_slice_copy(entries)),
                Err(error) => Value::error(error),
            },
            (None, None) => UNSET,
        };
        self.scratch.entries.truncate(builder.start);
        value
    }
}

/// Takes the memory for a value.
fn reserve<T>(env: &mut Env<'_>, thing: T) -> Result<T, EvalErrorKind> {
    env.reserve(size_of::<T>())?;
    Ok(thing)
}

/// Returns the value that `[?x]` and `{?k: x}` insert.
fn unwrap(value: Value<'_>) -> Result<Option<Value<'_>>, EvalErrorKind> {
    match value {
        Value::Optional(value) => Ok(value.copied()),
        Value::Error(error) => Err(error.kind),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}
