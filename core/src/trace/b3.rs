//! The headers of B3, the propagation of Zipkin: one header `b3`, or one for each part.

use super::hex::nonzero_hex;
use super::line::Line;
use super::{Reading, Trouble};

/// The headers of this kind.
pub(super) const NAMES: [&str; 6] =
    ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"];

/// Returns what the headers of this kind, in the order of [`NAMES`], say together. Sampling states alone name no trace.
pub(super) fn read(lines: &[Line<'_>; NAMES.len()]) -> Reading {
    if lines.iter().any(|line| matches!(line, Line::Differs)) {
        return Reading::Trouble(Trouble::Contradiction);
    }
    let [single, trace, span, parent, ..] = lines.map(Line::value);
    let Ok(single) = single.map_or(Ok(None), read_single) else { return Reading::Trouble(Trouble::Broken) };
    let well_formed = [span, parent].into_iter().flatten().all(|id| nonzero_hex(id, 16).is_some());
    let parts = match trace {
        Some(trace) if well_formed => trace_id(trace).ok_or(()).map(Some),
        None if span.is_none() && parent.is_none() => Ok(None),
        _ => Err(()),
    };
    let Ok(parts) = parts else { return Reading::Trouble(Trouble::Broken) };
    match (single, parts) {
        (Some(one), Some(other)) if one != other => Reading::Trouble(Trouble::Contradiction),
        (Some(id), _) | (None, Some(id)) => Reading::Id(id),
        (None, None) => Reading::Nothing,
    }
}

/// Returns the trace id of a `b3` header: trace id, span id, and optionally the sampling state and the parent's span
/// id.
fn read_single(value: &[u8]) -> Result<Option<u128>, ()> {
    if is_sampling_state(value) {
        return Ok(None);
    }
    with_trace(value).ok_or(()).map(Some)
}

fn with_trace(value: &[u8]) -> Option<u128> {
    let mut parts = value.split(|byte| *byte == b'-');
    let trace = trace_id(parts.next()?)?;
    nonzero_hex(parts.next()?, 16)?;
    if let Some(state) = parts.next() {
        is_sampling_state(state).then_some(())?;
    }
    if let Some(parent) = parts.next() {
        nonzero_hex(parent, 16)?;
    }
    parts.next().is_none().then_some(trace)
}

fn is_sampling_state(value: &[u8]) -> bool {
    matches!(value, b"0" | b"1" | b"d")
}

/// Returns the trace id. Short ids are padded with zeros on the left, as tracers do, so that they have the same key as
/// long ones.
fn trace_id(value: &[u8]) -> Option<u128> {
    nonzero_hex(value, 32).or_else(|| nonzero_hex(value, 16))
}
