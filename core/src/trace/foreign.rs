//! Headers of other tracers. They recall nothing. But an application may forward the id of such a header in a header
//! that recalls contexts. So these headers must not name a trace that the memory does not know. They are read as
//! tolerantly as those tracers read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::hex::nonzero_hex;
use super::traceparent;
use crate::headers::{Headers, Single};

/// Reads the trace id from a header's value.
type ReadId = fn(&[u8]) -> Option<u128>;

/// The headers, and the reader of each.
pub(super) static HEADERS: [(&str, ReadId); 9] = [
    ("uber-trace-id", jaeger),
    ("x-datadog-trace-id", decimal),
    ("x-amzn-trace-id", xray),
    ("x-cloud-trace-context", cloud),
    ("sentry-trace", before_dash),
    ("ot-tracer-traceid", loose_hex),
    ("x-instana-t", loose_hex),
    ("elastic-apm-traceparent", traceparent::trace_id),
    ("grpc-trace-bin", binary),
];

/// Adds the upper half of an id of Datadog, which sends the lower half in a header and the upper half among its tags.
pub(super) fn with_high_half(name: &str, id: u128, headers: &Headers<'_>) -> u128 {
    let Single::Value(tags) = headers.single("x-datadog-tags") else { return id };
    let high = tags.split(|byte| *byte == b',').find_map(|tag| tag.trim_ascii().strip_prefix(b"_dd.p.tid="));
    match high.and_then(|high| nonzero_hex(high, 16)) {
        Some(high) if name == "x-datadog-trace-id" => high << 64 | id,
        _ => id,
    }
}

/// Reads up to 32 digits of either case. A shorter id is padded with zeros on the left.
fn loose_hex(value: &[u8]) -> Option<u128> {
    let digits = std::str::from_utf8(value).ok()?.trim();
    let plain = (1..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(digits, 16).ok().filter(|id| plain && *id != 0)
}

fn decimal(value: &[u8]) -> Option<u128> {
    let digits = std::str::from_utf8(value).ok()?.trim();
    digits.parse::<u64>().ok().filter(|id| *id != 0 && !digits.starts_with('+')).map(u128::from)
}

/// `trace:span:parent:flags`, where the colons may be percent-encoded.
fn jaeger(value: &[u8]) -> Option<u128> {
    loose_hex(value.split(|byte| matches!(byte, b':' | b'%')).next()?)
}

/// `Root=1-time-random;Parent=...`.
fn xray(value: &[u8]) -> Option<u128> {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let root = parts.find_map(|part| part.strip_prefix(b"Root="))?;
    let digits: Vec<u8> = root.strip_prefix(b"1-")?.iter().copied().filter(|byte| *byte != b'-').collect();
    loose_hex(&digits)
}

/// `trace/span;options`.
fn cloud(value: &[u8]) -> Option<u128> {
    loose_hex(value.split(|byte| matches!(byte, b'/' | b';')).next()?)
}

fn before_dash(value: &[u8]) -> Option<u128> {
    loose_hex(value.split(|byte| *byte == b'-').next()?)
}

/// Reads the binary format of OpenCensus in gRPC: version 0, then field 0 with the trace id.
fn binary(value: &[u8]) -> Option<u128> {
    let end = value.iter().rposition(|byte| *byte != b'=')?.saturating_add(1);
    let bytes = STANDARD_NO_PAD.decode(value.get(..end)?).ok()?;
    let id = bytes.strip_prefix(&[0, 0])?.first_chunk::<16>()?;
    Some(u128::from_be_bytes(*id)).filter(|id| *id != 0)
}
