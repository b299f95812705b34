//! The header of W3C Trace Context.

use super::hex::{hex, nonzero_hex};

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// The length of the parts that all versions have.
const BYTES: usize = 55;

/// Returns the trace id of a `traceparent` (W3C Trace Context level 2, section 3.2). Versions after 00 may have more
/// parts after the flags.
pub(super) fn trace_id(value: &[u8]) -> Option<u128> {
    let (known, more) = value.split_at_checked(BYTES)?;
    let mut parts = known.split(|byte| *byte == b'-');
    let version = hex(parts.next()?, 2)?;
    let trace = nonzero_hex(parts.next()?, 32)?;
    nonzero_hex(parts.next()?, 16)?;
    hex(parts.next()?, 2)?;
    let end_allowed = match version {
        0 => more.is_empty(),
        0xFF => false,
        _ => more.is_empty() || more.starts_with(b"-"),
    };
    (parts.next().is_none() && end_allowed).then_some(trace)
}

/// Returns whether two values name one trace, whatever their spans: two libraries in one application each write their
/// own span.
pub(super) fn same_trace(a: &[u8], b: &[u8]) -> bool {
    a == b || trace_id(a).is_some_and(|trace| trace_id(b) == Some(trace))
}

/// Returns the flags of a valid `traceparent` that all versions have: whether the trace is sampled, and whether its id
/// is random.
pub fn flags(value: &[u8]) -> Option<u8> {
    trace_id(value)?;
    let flags = hex(value.get(BYTES.saturating_sub(2)..BYTES)?, 2)?;
    u8::try_from(flags & 3).ok()
}

/// Returns a `traceparent` of a new trace. `random` becomes the trace id and `span` the parent id. An id of only zeros,
/// which is not allowed, ends in 1 instead.
pub fn make(random: [u8; 16], span: [u8; 8], flags: u8) -> String {
    let trace = u128::from_be_bytes(random).max(1);
    let span = u64::from_be_bytes(span).max(1);
    format!("00-{trace:032x}-{span:016x}-{flags:02x}")
}
