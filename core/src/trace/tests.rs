//! Which of a request's headers name a trace, and which are removed.
#![expect(clippy::string_slice, reason = "the digits that the cases cut are ASCII")]

use super::*;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const ID: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

fn key(entries: &[(&str, &str)]) -> Option<TraceKey> {
    let entries = entries.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    all(&Headers::new(entries.collect())).into_iter().next()
}

fn all(headers: &Headers<'_>) -> Vec<TraceKey> {
    Ids::read(headers).ids.into_iter().map(|(_, key)| key).collect()
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
    // Each part is empty, one or two digits short, or one or two digits long. Each change is made alone, and with the
    // total length kept, so that no check of the whole hides a missing check of a part.
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
    for value in ["a", "b7a6e0f0", &longest] {
        assert_eq!(key(&[("x-request-id", value)]), Some(TraceKey::RequestId(value.to_owned())));
    }
    for value in ["", " ", "a b", "a\tb", "é", "\u{7f}", "~!", "a,b", &"x".repeat(129)] {
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
    assert_eq!(key(&[("traceparent", &parent), ("traceparent", &parent), ("b3", &b3)]), of(TRACE));
    assert_eq!(key(&[("traceparent", &parent), ("traceparent", "x"), ("b3", &b3)]), of(other));
    assert_eq!(key(&[("b3", "0"), ("x-b3-traceid", TRACE)]), of(TRACE));
    assert_eq!(key(&[("b3", "0"), ("x-b3-traceid", "1"), ("x-request-id", "r")]), request);
    assert_eq!(key(&[("x-request-id", "r"), ("x-request-id", "r")]), request);
    assert_eq!(key(&[("x-request-id", "r"), ("x-request-id", "s")]), None);
    assert_eq!(key(&[]), None);
}

#[test]
fn a_request_id_that_looks_like_a_trace_id_is_another_key() {
    assert_ne!(key(&[("x-request-id", TRACE)]), key(&[("x-b3-traceid", TRACE)]));
}

#[test]
fn a_request_is_remembered_under_both_ids() {
    let entries: Vec<(&[u8], &[u8])> = vec![(b"x-request-id", b"r"), (b"x-b3-traceid", TRACE.as_bytes())];
    let keys = all(&Headers::new(entries));
    assert_eq!(keys, [TraceKey::Trace(ID), TraceKey::RequestId("r".to_owned())]);
    assert_eq!(all(&Headers::default()), []);
}

#[test]
fn made_traceparents_are_valid() {
    let made = make_traceparent([0xAB; 16], [0x01; 8], 1);
    assert_eq!(made, format!("00-{}-{}-01", "ab".repeat(16), "01".repeat(8)));
    let zero = make_traceparent([0; 16], [0; 8], 0);
    assert_eq!(zero, format!("00-{}1-{}1-00", "0".repeat(31), "0".repeat(15)));
    assert_eq!(key(&[("traceparent", &zero)]), Some(TraceKey::Trace(1)));
}

/// Returns what is read from these headers, in words: the ids, the kinds in trouble, and the headers that change.
fn read(entries: &[(&str, &str)]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let headers = Headers::new(entries.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect());
    let ids = Ids::read(&headers);
    let key = |key: &TraceKey| match key {
        TraceKey::Trace(id) => format!("{id:x}"),
        TraceKey::RequestId(id) => id.clone(),
    };
    let edit = |(name, value): (&str, Option<&[u8]>)| match value {
        Some(value) => format!("{name}: {}", String::from_utf8_lossy(value)),
        None => format!("-{name}"),
    };
    (
        ids.ids.iter().map(|(kind, id)| format!("{} {}", kind.as_str(), key(id))).collect(),
        ids.troubles.iter().map(|(kind, trouble)| format!("{} {}", kind.as_str(), trouble.as_str())).collect(),
        ids.edits().map(edit).collect(),
    )
}

const HIS: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn what_contradicts_itself_within_a_kind_names_nothing_and_goes() {
    let his = format!("00-{HIS}-{SPAN}-01");
    let victim = format!("00-{TRACE}-{SPAN}-01");
    let (b3_his, b3_victim) = (format!("{HIS}-{SPAN}-1"), format!("{TRACE}-{SPAN}-1"));
    let joined = format!("{his},{victim}");
    let later = format!("cc-{HIS}-{SPAN}-01-,{victim}");
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("traceparent", &his), ("traceparent", &victim)], "traceparent contradiction"),
        (vec![("traceparent", &joined)], "traceparent contradiction"),
        (vec![("traceparent", &later)], "traceparent contradiction"),
        (vec![("b3", &b3_his), ("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)], "b3 contradiction"),
        (vec![("b3", &b3_his), ("b3", &b3_victim)], "b3 contradiction"),
        (vec![("x-b3-traceid", HIS), ("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)], "b3 contradiction"),
        (vec![("x-b3-traceid", HIS), ("x-b3-spanid", SPAN), ("x-b3-spanid", "1")], "b3 contradiction"),
        (vec![("x-request-id", "a"), ("x-request-id", "b")], "x-request-id contradiction"),
        (vec![("x-request-id", "a,b")], "x-request-id contradiction"),
        (vec![("uber-trace-id", "1:1:0:1"), ("uber-trace-id", "2:1:0:1")], "uber-trace-id contradiction"),
    ];
    for (entries, trouble) in cases {
        let (ids, troubles, edits) = read(&entries);
        assert_eq!(ids, [""; 0], "{entries:?}");
        assert_eq!(troubles, [trouble], "{entries:?}");
        for (name, _) in entries {
            assert!(edits.contains(&format!("-{name}")), "{name} stays: {edits:?}");
        }
    }
}

#[test]
fn what_an_application_would_repair_goes() {
    let upper = format!("00-{}-{SPAN}-01", TRACE.to_uppercase());
    let text_behind = format!("00-{TRACE}-{SPAN}-01-x");
    let space = format!("00-{TRACE}-{SPAN}-01 ");
    let tab = format!("\t00-{TRACE}-{SPAN}-01");
    let (b3_upper, b3_odd) = (format!("{}-{SPAN}-1", TRACE.to_uppercase()), format!("{}-{SPAN}", &TRACE[1..]));
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("traceparent", &upper)], "traceparent broken"),
        (vec![("traceparent", &text_behind)], "traceparent broken"),
        (vec![("traceparent", &space)], "traceparent broken"),
        (vec![("traceparent", &tab)], "traceparent broken"),
        (vec![("traceparent", "")], "traceparent broken"),
        (vec![("b3", &b3_upper)], "b3 broken"),
        (vec![("b3", &b3_odd)], "b3 broken"),
        (vec![("b3", "00f067aa")], "b3 broken"),
        (vec![("x-b3-traceid", &TRACE[..31]), ("x-b3-spanid", SPAN)], "b3 broken"),
        (vec![("x-b3-traceid", TRACE), ("x-b3-spanid", "xyz")], "b3 broken"),
        (vec![("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-parentspanid", "0")], "b3 broken"),
        (vec![("x-b3-spanid", SPAN)], "b3 broken"),
        (vec![("x-request-id", "a b")], "x-request-id broken"),
        (vec![("x-datadog-trace-id", "-1")], "x-datadog-trace-id broken"),
    ];
    for (entries, trouble) in cases {
        let (ids, troubles, edits) = read(&entries);
        assert_eq!((ids, troubles), (vec![], vec![trouble.to_owned()]), "{entries:?}");
        for (name, _) in entries {
            assert!(edits.contains(&format!("-{name}")), "{name} stays: {edits:?}");
        }
    }
}

#[test]
fn tracestate_goes_where_its_traceparent_goes() {
    assert_eq!(read(&[("traceparent", "broken"), ("tracestate", "a=b")]).2, ["-traceparent", "-tracestate"]);
}

#[test]
fn equal_repetition_becomes_one_line() {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let joined = format!("{parent}, {parent}");
    let id = format!("traceparent {TRACE}");
    for entries in [vec![("traceparent", parent.as_str()); 3], vec![("traceparent", joined.as_str())]] {
        let (ids, troubles, edits) = read(&entries);
        assert_eq!((ids, troubles), (vec![id.clone()], vec![]));
        assert_eq!(edits, [format!("traceparent: {parent}")]);
    }
    let (ids, _, edits) = read(&[
        ("x-b3-traceid", TRACE),
        ("x-b3-traceid", TRACE),
        ("x-b3-sampled", "1"),
        ("x-request-id", "r"),
        ("x-request-id", "r"),
    ]);
    assert_eq!(ids, [format!("b3 {TRACE}"), "x-request-id r".to_owned()]);
    assert_eq!(edits, [format!("x-b3-traceid: {TRACE}"), "x-request-id: r".to_owned()]);
}

#[test]
fn each_kind_names_its_own_trace() {
    let his = format!("00-{HIS}-{SPAN}-01");
    let b3 = format!("{TRACE}-{SPAN}-1");
    let (ids, troubles, edits) = read(&[("b3", &b3), ("traceparent", &his), ("x-b3-sampled", "1")]);
    assert_eq!(ids, [format!("traceparent {}", &HIS[1..]), format!("b3 {TRACE}")]);
    assert_eq!((troubles.len(), edits.len()), (0, 0));
}

#[test]
fn sampling_states_alone_are_fine() {
    for entries in [
        vec![("b3", "0")],
        vec![("x-b3-sampled", "0")],
        vec![("x-b3-flags", "1")],
        vec![("b3", "d"), ("x-b3-sampled", "1")],
    ] {
        assert_eq!(read(&entries), (vec![], vec![], vec![]), "{entries:?}");
    }
}

#[test]
fn other_tracers_name_traces_too() {
    let binary = "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=";
    for (name, value, id) in [
        ("uber-trace-id", "00f067aa0ba902b7:1:0:1", "f067aa0ba902b7"),
        ("uber-trace-id", "4BF92F3577B34DA6A3CE929D0E0E4736%3A1%3A0%3A1", TRACE),
        ("x-datadog-trace-id", "255", "ff"),
        ("x-amzn-trace-id", "Self=1-1-2;Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=1", TRACE),
        ("x-cloud-trace-context", "4bf92f3577b34da6a3ce929d0e0e4736/12;o=1", TRACE),
        ("sentry-trace", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", TRACE),
        ("ot-tracer-traceid", "00f067aa0ba902b7", "f067aa0ba902b7"),
        ("x-instana-t", "ff", "ff"),
        ("elastic-apm-traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TRACE),
        ("grpc-trace-bin", binary, TRACE),
        ("grpc-trace-bin", binary.trim_end_matches('='), TRACE),
    ] {
        assert_eq!(read(&[(name, value)]).0, [format!("{name} {id}")]);
    }
    let datadog = [("x-datadog-trace-id", "255"), ("x-datadog-tags", "_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6")];
    assert_eq!(read(&datadog).0, ["x-datadog-trace-id 4bf92f3577b34da600000000000000ff"]);
}

#[test]
fn a_gateway_keeps_the_first_kind_of_trace() {
    let his = format!("00-{HIS}-{SPAN}-01");
    let entries = [("x-b3-traceid", TRACE), ("x-request-id", "r"), ("uber-trace-id", "1:1:0:1"), ("traceparent", &his)];
    let headers = Headers::new(entries.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect());
    let gone: Vec<&str> = Ids::read(&headers).headers_beside_first().collect();
    assert_eq!(gone, [&b3::NAMES[..], &["uber-trace-id"]].concat());
}

#[test]
fn request_ids_that_a_framework_or_a_proxy_changes_stay_the_same() {
    let id = key(&[("x-request-id", "b7a6e0f0-8c1d-4b7a-9a43-0d0c6f3a8f4e")]);
    for changed in [
        "B7A6E0F0-8C1D-4B7A-9A43-0D0C6F3A8F4E",
        "b7a6e0f08c1d4b7a9a430d0c6f3a8f4e",
        "{b7a6e0f0-8c1d-4b7a-9a43-0d0c6f3a8f4e}",
        "b7a6e0f0-8c1d-9b7a-9a43-0d0c6f3a8f4e",
        "b7a6e0f0-8c1d-4b7a-9a43-0d0c6f3a8f4e!",
    ] {
        assert_eq!(key(&[("x-request-id", changed)]), id, "{changed}");
    }
    assert_ne!(key(&[("x-request-id", "b7a6e0f0-8c1d-4b7a-9a43-0d0c6f3a8f4f")]), id);
}

#[test]
fn flags_are_those_that_every_version_has() {
    for (flags, kept) in [("00", 0), ("01", 1), ("03", 3), ("ff", 3), ("02", 2)] {
        assert_eq!(traceparent_flags(format!("00-{TRACE}-{SPAN}-{flags}").as_bytes()), Some(kept));
    }
    assert_eq!(traceparent_flags(b"broken"), None);
}
