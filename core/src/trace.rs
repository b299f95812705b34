//! The id that connects the requests of one trace: what a service's calls are recognised by.

use crate::headers::{Headers, Single};

/// Longest `x-request-id` that is used, in bytes. Envoy's own has 36.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// What the requests of one trace have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TraceKey {
    /// A trace id of 128 bits, from W3C Trace Context or B3. B3's short ids are filled with zeros on the left,
    /// as tracers do, so that both kinds of headers lead to the same key.
    Trace(u128),
    /// An `x-request-id`, of at most 128 visible ASCII characters.
    RequestId(String),
}

/// The header of W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// The key to recall a context by: the trace id, else the request id.
pub fn find(headers: &Headers<'_>) -> Option<TraceKey> {
    trace_id(headers).or_else(|| request_id(headers))
}

/// The keys to remember a context under: nobody knows which of the two the application forwards.
pub fn all(headers: &Headers<'_>) -> impl Iterator<Item = TraceKey> {
    trace_id(headers).into_iter().chain(request_id(headers))
}

/// Reads the trace id in a header's value.
type ParseId = fn(&[u8]) -> Option<u128>;

/// The trace id, from the first of these headers that is there once and valid: `traceparent`, `b3`,
/// `x-b3-traceid`. A header that repeats or is broken identifies nothing, and the next kind is tried.
pub fn trace_id(headers: &Headers<'_>) -> Option<TraceKey> {
    let kinds: [(&str, ParseId); 3] = [(TRACEPARENT, traceparent), ("b3", b3_single), ("x-b3-traceid", b3_trace_id)];
    kinds.iter().find_map(|(name, parse)| single(headers, name).and_then(parse)).map(TraceKey::Trace)
}

fn single<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a [u8]> {
    match headers.single(name) {
        Single::Value(value) => Some(value),
        Single::Absent | Single::Repeated => None,
    }
}

/// The trace id of a `traceparent` (W3C Trace Context level 2, section 3.2). Versions after 00 may say more
/// behind the flags.
fn traceparent(value: &[u8]) -> Option<u128> {
    let (known, more) = value.split_at_checked(55)?;
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

/// The trace id of a `b3` header: trace id, span id, and if given the sampling state and the parent's span id.
/// A sampling state alone names no trace.
fn b3_single(value: &[u8]) -> Option<u128> {
    let mut parts = value.split(|byte| *byte == b'-');
    let trace = b3_trace_id(parts.next()?)?;
    nonzero_hex(parts.next()?, 16)?;
    if let Some(state) = parts.next() {
        matches!(state, b"0" | b"1" | b"d").then_some(())?;
    }
    if let Some(parent) = parts.next() {
        nonzero_hex(parent, 16)?;
    }
    parts.next().is_none().then_some(trace)
}

fn b3_trace_id(value: &[u8]) -> Option<u128> {
    nonzero_hex(value, 32).or_else(|| nonzero_hex(value, 16))
}

/// The `x-request-id`, when it is there once and usable.
fn request_id(headers: &Headers<'_>) -> Option<TraceKey> {
    let value = single(headers, "x-request-id")?;
    let valid = (1..=MAX_REQUEST_ID_BYTES).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    let text = std::str::from_utf8(value).ok().filter(|_| valid)?;
    Some(TraceKey::RequestId(text.to_owned()))
}

fn nonzero_hex(digits: &[u8], length: usize) -> Option<u128> {
    hex(digits, length).filter(|value| *value != 0)
}

/// The value of exactly `length` (at most 32) hexadecimal digits in lower case.
fn hex(digits: &[u8], length: usize) -> Option<u128> {
    if digits.len() != length {
        return None;
    }
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a' - 10),
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

/// A `traceparent` of a new trace that is not sampled, for a gateway whose client sent none. `random` becomes
/// the trace id and `span` the parent id; one that is all zero, which is not allowed, ends in 1 instead.
pub fn make_traceparent(random: [u8; 16], span: [u8; 8]) -> String {
    let trace = u128::from_be_bytes(random).max(1);
    let span = u64::from_be_bytes(span).max(1);
    format!("00-{trace:032x}-{span:016x}-00")
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "the digits that the cases cut are ASCII")]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    const ID: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

    fn key(entries: &[(&str, &str)]) -> Option<TraceKey> {
        let entries = entries.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        find(&Headers::new(entries.collect()))
    }

    #[test]
    fn traceparent_is_read_as_w3c_says() {
        for value in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-00"),
            format!("00-{TRACE}-{SPAN}-ff"),
            format!("01-{TRACE}-{SPAN}-01"),
            format!("cc-{TRACE}-{SPAN}-01-what the future brings"),
            format!("cc-{TRACE}-{SPAN}-01-"),
        ] {
            assert_eq!(key(&[("traceparent", &value)]), Some(TraceKey::Trace(ID)), "{value}");
        }
    }

    #[test]
    fn broken_traceparents_are_no_key() {
        let zeros = "0".repeat(32);
        let part = |version: &str, trace: &str, span: &str, flags: &str| format!("{version}-{trace}-{span}-{flags}");
        let mut cases = vec![
            String::new(),
            "-".to_owned(),
            "---".to_owned(),
            part("ff", TRACE, SPAN, "01"),
            part("00", &zeros, SPAN, "01"),
            part("00", TRACE, &zeros[..16], "01"),
            part("00", TRACE, SPAN, "01-"),
            part("00", TRACE, SPAN, "01-x"),
            part("cc", TRACE, SPAN, "01x"),
            part("cc", TRACE, SPAN, "011"),
            part("0G", TRACE, SPAN, "01"),
            part("00", &TRACE.to_uppercase(), SPAN, "01"),
            part("00", TRACE, &SPAN.to_uppercase(), "01"),
            part("00", TRACE, SPAN, "0F"),
            part("00", &TRACE.replace('f', "g"), SPAN, "01"),
            part("+0", TRACE, SPAN, "01"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}"),
            format!("00{TRACE}{SPAN}01---"),
        ];
        // Each part empty, one and two digits short, one and two digits long; alone and with the length of the
        // whole kept, so that no check of the whole hides a missing check of a part.
        for version in ["", "0", "000", "0000"] {
            cases.push(part(version, TRACE, SPAN, "01"));
        }
        for flags in ["", "0", "000", "0000"] {
            cases.push(part("00", TRACE, SPAN, flags));
        }
        for length in [0, 30, 31, 33, 34] {
            let trace = &TRACE.repeat(2)[..length];
            cases.push(part("00", trace, SPAN, "01"));
            let span = &SPAN.repeat(4)[..48 - length];
            cases.push(part("00", trace, span, "01"));
        }
        for length in [0, 14, 15, 17, 18] {
            cases.push(part("00", TRACE, &SPAN.repeat(2)[..length], "01"));
        }
        for value in cases {
            assert_eq!(key(&[("traceparent", &value)]), None, "{value}");
        }
    }

    #[test]
    fn b3_is_read_with_long_and_short_ids() {
        let short = u128::from_str_radix(SPAN, 16).unwrap();
        for (value, id) in [
            (format!("{TRACE}-{SPAN}"), ID),
            (format!("{TRACE}-{SPAN}-1"), ID),
            (format!("{TRACE}-{SPAN}-d-{SPAN}"), ID),
            (format!("{SPAN}-{SPAN}-0"), short),
        ] {
            assert_eq!(key(&[("b3", &value)]), Some(TraceKey::Trace(id)), "{value}");
        }
        assert_eq!(key(&[("x-b3-traceid", TRACE)]), Some(TraceKey::Trace(ID)));
        assert_eq!(key(&[("x-b3-traceid", SPAN)]), Some(TraceKey::Trace(short)));
        let padded = format!("00-{}{SPAN}-{SPAN}-01", "0".repeat(16));
        assert_eq!(key(&[("traceparent", &padded)]), Some(TraceKey::Trace(short)));
    }

    #[test]
    fn broken_b3_is_no_key() {
        for value in ["", "0", "1", "d", "-", TRACE, SPAN] {
            assert_eq!(key(&[("b3", value)]), None, "{value}");
        }
        for tail in ["", "-", "-2", "-1-", "-1-x", "-dd", "-1-00f067aa0ba902b7-1", "-1-0000000000000000"] {
            let value = format!("{TRACE}-{SPAN}{tail}");
            assert_eq!(key(&[("b3", &value)]).is_some(), tail.is_empty(), "{value}");
        }
        for length in [0, 14, 15, 17, 18, 30, 31, 33, 34] {
            let id = &TRACE.repeat(2)[..length];
            assert_eq!(key(&[("b3", &format!("{id}-{SPAN}"))]), None, "{id}");
            assert_eq!(key(&[("x-b3-traceid", id)]), None, "{id}");
            if length < 20 {
                assert_eq!(key(&[("b3", &format!("{TRACE}-{}", &SPAN.repeat(2)[..length]))]), None, "{length}");
            }
        }
        for id in ["0".repeat(16), "0".repeat(32), TRACE.to_uppercase()] {
            assert_eq!(key(&[("b3", &format!("{id}-{SPAN}"))]), None, "{id}");
            assert_eq!(key(&[("x-b3-traceid", &id)]), None, "{id}");
        }
    }

    #[test]
    fn request_ids_are_visible_ascii() {
        let longest = "x".repeat(128);
        for value in ["a", "b7a6e0f0-8c1d-4b7a-9a43-0d0c6f3a8f4e", "~!", &longest] {
            assert_eq!(key(&[("x-request-id", value)]), Some(TraceKey::RequestId(value.to_owned())));
        }
        for value in ["", " ", "a b", "a\tb", "é", "\u{7f}", &"x".repeat(129)] {
            assert_eq!(key(&[("x-request-id", value)]), None, "{value}");
        }
    }

    #[test]
    fn the_first_kind_that_is_valid_wins() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let other = "0af7651916cd43dd8448eb211c80319c";
        let b3 = format!("{other}-{SPAN}-1");
        let of = |hex: &str| Some(TraceKey::Trace(u128::from_str_radix(hex, 16).unwrap()));
        let request = Some(TraceKey::RequestId("r".to_owned()));
        assert_eq!(key(&[("x-request-id", "r"), ("b3", &b3), ("traceparent", &parent)]), of(TRACE));
        assert_eq!(key(&[("traceparent", "broken"), ("b3", &b3)]), of(other));
        assert_eq!(key(&[("traceparent", &parent), ("traceparent", &parent), ("b3", &b3)]), of(other));
        assert_eq!(key(&[("b3", "0"), ("x-b3-traceid", TRACE)]), of(TRACE));
        assert_eq!(key(&[("b3", "0"), ("x-b3-traceid", "1"), ("x-request-id", "r")]), request);
        assert_eq!(key(&[("x-request-id", "r"), ("x-request-id", "r")]), None);
        assert_eq!(key(&[]), None);
    }

    #[test]
    fn a_request_id_that_looks_like_a_trace_id_is_another_key() {
        assert_ne!(key(&[("x-request-id", TRACE)]), key(&[("x-b3-traceid", TRACE)]));
    }

    #[test]
    fn a_request_is_remembered_under_both_ids() {
        let entries: Vec<(&[u8], &[u8])> = vec![(b"x-request-id", b"r"), (b"x-b3-traceid", TRACE.as_bytes())];
        let keys: Vec<TraceKey> = all(&Headers::new(entries)).collect();
        assert_eq!(keys, [TraceKey::Trace(ID), TraceKey::RequestId("r".to_owned())]);
        assert_eq!(all(&Headers::default()).count(), 0);
    }

    #[test]
    fn made_traceparents_are_valid() {
        let made = make_traceparent([0xAB; 16], [0x01; 8]);
        assert_eq!(made, format!("00-{}-{}-00", "ab".repeat(16), "01".repeat(8)));
        let zero = make_traceparent([0; 16], [0; 8]);
        assert_eq!(zero, format!("00-{}1-{}1-00", "0".repeat(31), "0".repeat(15)));
        assert_eq!(key(&[("traceparent", &zero)]), Some(TraceKey::Trace(1)));
    }
}
