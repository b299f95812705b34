//! Iterates over lists and maps.

use core::slice::Iter;

use super::attribute;
use super::cost::units;
use super::env::Env;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::context::json::{self, JsonKind};
use crate::headers::Headers;
use crate::tables::{Scalar, ScalarConstant};

/// A cursor that iterates over a list or a map.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    index: i64,
    source: Source<'a>,
}

#[derive(Debug, Clone)]
enum Source<'a> {
    Elements(json::Elements<'a>, Scalar),
    Members(json::Members<'a>, Scalar),
    Constants(Iter<'a, ScalarConstant>),
    Words(Iter<'a, String>),
    Values(Iter<'a, Value<'a>>),
    ConstantEntries(Iter<'a, (ScalarConstant, ScalarConstant)>),
    Entries(Iter<'a, (Value<'a>, Value<'a>)>),
    Headers(&'a Headers<'a>),
}

impl<'a> Cursor<'a> {
    /// Returns a cursor before the first element. A value that is neither list nor map counts as an empty list.
    pub(super) fn new(value: Value<'a>) -> Self {
        let source = match value {
            Value::Json(text, scalar) if json::kind(text) == JsonKind::Array => {
                Source::Elements(json::elements(text), scalar)
            }
            Value::Json(text, scalar) => Source::Members(json::members(text), scalar),
            Value::Headers(headers) => Source::Headers(headers),
            Value::Pairs(pairs) => Source::Entries(pairs.iter()),
            Value::Constants(items) => Source::Constants(items.iter()),
            Value::StringSet(items) => Source::Words(items.iter()),
            Value::List(items) => Source::Values(items.iter()),
            Value::JsonList(list) => Source::Values(list.items.iter()),
            Value::JsonMap(map) => Source::Entries(map.items.iter()),
            Value::ConstantMap(entries) => Source::ConstantEntries(entries.iter()),
            Value::Map(entries) => Source::Entries(entries.iter()),
            _ => Source::Values([].iter()),
        };
        Self { index: 0, source }
    }

    /// Returns whether it iterates over a map.
    pub(super) fn is_map(&self) -> bool {
        use Source::{ConstantEntries, Entries, Headers, Members};
        matches!(self.source, Members(..) | ConstantEntries(_) | Entries(_) | Headers(_))
    }

    /// Returns the next element of a list whose values are already made, or `None` for anything else.
    #[inline]
    pub(super) fn next_made(&mut self) -> Option<Option<Value<'a>>> {
        let Source::Values(items) = &mut self.source else { return None };
        let item = items.next().copied();
        if item.is_some() {
            self.index = self.index.saturating_add(1);
        }
        Some(item)
    }

    /// Returns the next index and element of a list, or key and value of a map. Without `with_value` the value of a map
    /// may be omitted.
    ///
    /// # Errors
    /// There is not enough fuel to read it.
    #[inline(never)]
    pub(super) fn next(
        &mut self,
        env: &mut Env<'a>,
        with_value: bool,
    ) -> Result<Option<(Value<'a>, Value<'a>)>, EvalErrorKind> {
        let index = Value::Int(self.index);
        let item = match &mut self.source {
            Source::Elements(elements, scalar) => match elements.next() {
                Some(text) => {
                    env.burn_text(text.len())?;
                    Some((index, Value::json(text, *scalar, env)))
                }
                None => None,
            },
            Source::Members(members, scalar) => match members.next() {
                Some((key, text)) => {
                    env.burn_text(key.len().saturating_add(text.len()))?;
                    let value = if with_value { Value::json(text, *scalar, env) } else { Value::Null };
                    Some((Value::json_string(key, env), value))
                }
                None => None,
            },
            Source::Constants(items) => items.next().map(|item| (index, Value::constant(item))),
            Source::Words(items) => items.next().map(|item| (index, Value::String(item))),
            Source::Values(items) => items.next().map(|item| (index, *item)),
            Source::ConstantEntries(entries) => {
                entries.next().map(|(key, value)| (Value::constant(key), Value::constant(value)))
            }
            Source::Entries(entries) => entries.next().copied(),
            Source::Headers(headers) => {
                let headers = *headers;
                return self.next_header(headers, env, with_value);
            }
        };
        if item.is_some() {
            self.index = self.index.saturating_add(1);
        }
        Ok(item)
    }

    /// Returns the next header. A repeated header is one entry, at the position of its first line.
    fn next_header(
        &mut self,
        headers: &'a Headers<'a>,
        env: &mut Env<'a>,
        with_value: bool,
    ) -> Result<Option<(Value<'a>, Value<'a>)>, EvalErrorKind> {
        loop {
            let at = usize::try_from(self.index).unwrap_or(usize::MAX);
            self.index = self.index.saturating_add(1);
            let Some((name, _)) = headers.iter().nth(at) else { return Ok(None) };
            env.burn(units(Value::Headers(headers)))?;
            if headers.iter().take(at).any(|(earlier, _)| earlier == name) {
                continue;
            }
            let Ok(name) = core::str::from_utf8(name) else {
                return Ok(Some((Value::error(EvalErrorKind::NotText), Value::Null)));
            };
            let value =
                if with_value { attribute::header(headers, name, EvalErrorKind::NoSuchKey, env) } else { Value::Null };
            return Ok(Some((Value::String(name), value)));
        }
    }
}
