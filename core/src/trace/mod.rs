//! The ids that connect the requests of one trace. They identify the request of a service's call if no ticket comes
//! back.
//!
//! Applications and their libraries read these headers in many ways: they trim, change case, pad short ids with zeros,
//! take the first of several lines or the last, prefer one kind to another. A request must therefore name the same
//! trace to every reader of a kind. Malformed or contradictory headers are removed, and repeated ones are joined into
//! one line. Headers of different kinds may name different traces; each of them counts.

mod b3;
mod foreign;
mod hex;
mod line;
mod request_id;
#[cfg(test)]
mod tests;
mod traceparent;

use crate::headers::Headers;
use line::Line;

pub use request_id::REQUEST_ID;
pub use traceparent::{TRACEPARENT, flags as traceparent_flags, make as make_traceparent};

/// The common key of the requests of one trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TraceKey {
    /// A trace id of 128 bits, from W3C Trace Context or B3. B3's short ids are padded with zeros on the left, as
    /// tracers do, so that both kinds of headers have the same key.
    Trace(u128),
    /// An `x-request-id`: its digits and its letters in lower case, which applications do not change.
    RequestId(String),
}

impl TraceKey {
    /// Returns the key as bytes that differ for keys of different kinds.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Trace(id) => [b"trace ".as_slice(), &id.to_be_bytes()].concat(),
            Self::RequestId(id) => [b"request ".as_slice(), id.as_bytes()].concat(),
        }
    }
}

/// A kind of headers that a reader reads together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// W3C Trace Context.
    Traceparent,
    /// `b3` and `x-b3-*`.
    B3,
    /// `x-request-id`.
    RequestId,
    /// A header of another tracer, by its number. Contexts are remembered by it, and never recalled.
    Foreign(usize),
}

impl Kind {
    /// Returns the name in settings and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traceparent => TRACEPARENT,
            Self::B3 => "b3",
            Self::RequestId => REQUEST_ID,
            Self::Foreign(number) => foreign::HEADERS.get(number).map_or("other", |(name, _)| *name),
        }
    }

    /// Returns whether contexts are recalled by it.
    pub(crate) fn is_asked(self) -> bool {
        !matches!(self, Self::Foreign(_))
    }

    /// Returns the headers of the kind.
    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Traceparent => &[TRACEPARENT, crate::carrier::tracestate::NAME],
            Self::B3 => &b3::NAMES,
            Self::RequestId => &[REQUEST_ID],
            Self::Foreign(number) => foreign::HEADERS.get(number).map_or(&[], |(name, _)| std::slice::from_ref(name)),
        }
    }
}

/// The reason why the headers of a kind name no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// They name two traces, or are repeated with different values.
    Contradiction,
    /// They violate their specification.
    Broken,
}

impl Trouble {
    /// Returns the name in reports. Names are never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Broken => "broken",
        }
    }
}

/// The combined value of the headers of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// No id, and no problem.
    Nothing,
    /// This trace.
    Id(u128),
    /// No id, because of this problem.
    Trouble(Trouble),
}

/// All ids of a request, and the edits that make its headers name the same ids to every reader.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ids<'h> {
    /// The valid ids, each with the kind that names it, in the order in which contexts are recalled by them.
    pub ids: Vec<(Kind, TraceKey)>,
    /// Kinds that name no trace. Their headers must be removed.
    pub troubles: Vec<(Kind, Trouble)>,
    /// Headers that are repeated with equal values. They must be joined into one line with this value.
    pub repeated: Vec<(&'static str, &'h [u8])>,
}

impl<'h> Ids<'h> {
    /// Reads the ids of a request.
    pub fn read(headers: &Headers<'h>) -> Self {
        let lines = Lines::collect(headers);
        let mut ids = Self::default();
        let parent = lines.parent.value().map(|value| traceparent::trace_id(value).map(TraceKey::Trace));
        ids.one(Kind::Traceparent, TRACEPARENT, lines.parent, parent.flatten());
        match b3::read(&lines.b3) {
            Reading::Nothing => ids.repeat_b3(&lines.b3),
            Reading::Id(id) => {
                ids.ids.push((Kind::B3, TraceKey::Trace(id)));
                ids.repeat_b3(&lines.b3);
            }
            Reading::Trouble(trouble) => ids.troubles.push((Kind::B3, trouble)),
        }
        let request = lines.request.value().and_then(request_id::read).map(TraceKey::RequestId);
        ids.one(Kind::RequestId, REQUEST_ID, lines.request, request);
        for (number, line) in lines.foreign {
            let Some((name, read)) = foreign::HEADERS.get(number) else { continue };
            let id = line.value().and_then(read).map(|id| foreign::with_high_half(name, id, headers));
            ids.one(Kind::Foreign(number), name, line, id.map(TraceKey::Trace));
        }
        ids
    }

    /// Records a kind that has one header.
    fn one(&mut self, kind: Kind, name: &'static str, line: Line<'h>, id: Option<TraceKey>) {
        match (line, id) {
            (Line::Absent, _) => {}
            (Line::Differs, _) => self.troubles.push((kind, Trouble::Contradiction)),
            (_, None) => self.troubles.push((kind, Trouble::Broken)),
            (Line::Once(_), Some(id)) => self.ids.push((kind, id)),
            (Line::Again(value), Some(id)) => {
                self.ids.push((kind, id));
                self.repeated.push((name, value));
            }
        }
    }

    fn repeat_b3(&mut self, lines: &[Line<'h>; b3::NAMES.len()]) {
        for (name, line) in b3::NAMES.iter().zip(lines) {
            if let Line::Again(value) = line {
                self.repeated.push((name, value));
            }
        }
    }

    /// Returns the id that the headers of a kind name.
    pub fn of(&self, kind: Kind) -> Option<&TraceKey> {
        self.ids.iter().find(|(of, _)| *of == kind).map(|(_, id)| id)
    }

    /// Returns whether a kind names a trace that applications continue.
    pub(crate) fn has_trace(&self) -> bool {
        self.ids.iter().any(|(kind, _)| *kind != Kind::RequestId)
    }

    /// Returns the headers that must be removed, and those that must be joined into one line.
    pub fn edits(&self) -> impl Iterator<Item = (&'static str, Option<&'h [u8]>)> {
        let gone = self.troubles.iter().flat_map(|(kind, _)| kind.headers()).map(|name| (*name, None));
        gone.chain(self.repeated.iter().map(|(name, value)| (*name, Some(*value))))
    }

    /// Returns the headers of all kinds of traces.
    pub(crate) fn headers_of_traces() -> impl Iterator<Item = &'static str> {
        let others = foreign::HEADERS.iter().map(|(name, _)| *name);
        [Kind::Traceparent, Kind::B3].into_iter().flat_map(Kind::headers).copied().chain(others)
    }

    /// Returns the headers of all kinds of traces except one: the first valid kind, in the order in which contexts are
    /// recalled.
    pub(crate) fn headers_beside_first(&self) -> impl Iterator<Item = &'static str> {
        let kinds = self.ids.iter().map(|(kind, _)| *kind).filter(|kind| *kind != Kind::RequestId);
        kinds.skip(1).flat_map(Kind::headers).copied()
    }
}

/// The lines of all headers that name ids, found in one pass.
#[derive(Default)]
struct Lines<'h> {
    parent: Line<'h>,
    b3: [Line<'h>; b3::NAMES.len()],
    request: Line<'h>,
    foreign: Vec<(usize, Line<'h>)>,
}

impl<'h> Lines<'h> {
    fn collect(headers: &Headers<'h>) -> Self {
        let mut lines = Self::default();
        for (name, value) in headers.iter() {
            if name == TRACEPARENT.as_bytes() {
                lines.parent = lines.parent.add_alike(value, traceparent::same_trace);
            } else if name == REQUEST_ID.as_bytes() {
                lines.request = lines.request.add(value);
            } else if let Some(line) = b3_line(name, &mut lines.b3) {
                *line = line.add(value);
            } else if let Some(number) = foreign::HEADERS.iter().position(|(known, _)| known.as_bytes() == name) {
                match lines.foreign.iter_mut().find(|(known, _)| *known == number) {
                    Some((_, line)) => *line = line.add(value),
                    None => lines.foreign.push((number, Line::Absent.add(value))),
                }
            }
        }
        lines
    }
}

/// Returns the line of a header of B3.
fn b3_line<'l, 'h>(name: &[u8], lines: &'l mut [Line<'h>; b3::NAMES.len()]) -> Option<&'l mut Line<'h>> {
    b3::NAMES.iter().zip(lines).find(|(known, _)| known.as_bytes() == name).map(|(_, line)| line)
}
