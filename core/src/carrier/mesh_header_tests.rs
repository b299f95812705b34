//! Cases for `x-mesh-context`.

use super::*;
use crate::artifact::tables::DictionaryTable;
use crate::limits::MAX_CONTEXT_FIELDS;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_767_225_600_000;

fn dictionaries(words: &[&str]) -> Dictionaries {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    Dictionaries::new(&[DictionaryTable { id: dictionary_id(&words), words }])
}

fn context(fields: &[(&str, &str)]) -> Context {
    let mut context = Context::new();
    for (name, value) in fields {
        context.insert(name, value).unwrap();
    }
    context
}

/// A header with this payload, neither compressed nor sealed.
fn raw(flags: u8, dictionary: u32, payload: &[u8]) -> String {
    let mut bytes = vec![1, flags, 0, 0];
    bytes.extend(dictionary.to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend(payload);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn the_bytes_are_fixed() {
    let words = dictionaries(&["caller", "web-frontend", "feature_flags", "beta"]);
    let fields =
        context(&[("caller", "\"web-frontend\""), ("feature_flags", "[\"beta\",\"x\",-2,true]"), ("n", "1.0")]);
    let value = encode(&fields, words.active(), NOW).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
    let id = words.active().unwrap().id().to_le_bytes();
    assert_eq!(bytes[..4], [1, 0, 0, 0]);
    assert_eq!(bytes[4..8], id);
    assert_eq!(bytes[8..14], NOW.to_le_bytes()[..6]);
    let payload = [
        3, // fields
        0,
        1 << 3 | 1, // caller: web-frontend
        2 << 1,
        4 << 3 | 4, // feature_flags: four values
        3 << 3 | 1, // beta
        1 << 3 | 2,
        b'x',
        3 << 3 | 3,
        2 << 3, // "x", -2, true
        1 << 1 | 1,
        b'n',
        3 << 3 | 5,
        b'1',
        b'.',
        b'0', // n: 1.0
    ];
    assert_eq!(bytes[14..], payload);
    let read = decode(value.as_bytes(), &words).unwrap();
    assert_eq!(read, MeshHeader { context: fields, issued_at_ms: Some(NOW) });
}

#[test]
fn every_text_comes_back_byte_for_byte() {
    let words = dictionaries(&["a", "with \"quotes\"", "x", ""]);
    for value in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1e3",
        "9223372036854775807",
        "-9223372036854775808",
        "1152921504606846975",
        "-1152921504606846976",
        "1152921504606846976",
        "123456789012345678901234567890",
        "\"\"",
        "\"x\"",
        "\"\\u0078\"",
        "\"with \\\"quotes\\\"\"",
        "\"é\"",
        "\"\\ud83d\"",
        "[]",
        "[ ]",
        "[1,2]",
        "[1, 2]",
        "[[1]]",
        "[1.5]",
        "[\"x\",\"\\n\"]",
        "[\"a,b\",null]",
        "{}",
        "{\"a\":[1,{\"b\":2.50}]}",
        "[\n1]",
    ] {
        for words in [&words, &Dictionaries::default()] {
            let fields = context(&[("a", value), ("other", value)]);
            let text = encode(&fields, words.active(), NOW).unwrap();
            assert_eq!(decode(text.as_bytes(), words).unwrap().context, fields, "{value}");
        }
    }
}

#[test]
fn repetition_is_compressed() {
    let value = format!("\"{}\"", "0123456789".repeat(2000));
    let fields = context(&[("a", &value)]);
    let text = encode(&fields, None, NOW).unwrap();
    assert!(text.len() < 400, "{}", text.len());
    assert_eq!(decode(text.as_bytes(), &Dictionaries::default()).unwrap().context, fields);
}

#[test]
fn an_empty_context_is_a_header_too() {
    let text = encode(&Context::new(), None, NOW).unwrap();
    assert_eq!(text.len(), 20);
    assert_eq!(decode(text.as_bytes(), &Dictionaries::default()).unwrap().context, Context::new());
}

#[test]
fn too_much_is_refused_by_the_writer() {
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    })
    .take(20_000)
    .collect();
    let fields = context(&[("a", &format!("\"{noise}\""))]);
    assert_eq!(encode(&fields, None, NOW), Err(CarrierError::TooLarge));
}

#[test]
fn broken_headers_are_refused_by_name() {
    use CarrierError::*;
    let words = dictionaries(&["a", "b"]);
    let known = words.active().unwrap().id();
    let lz4 = |size: u64, block: &[u8]| {
        let mut payload = Vec::new();
        write_varint(&mut payload, size);
        payload.extend(block);
        raw(1, 0, &payload)
    };
    let string = |content: &[u8]| {
        let head = u8::try_from(content.len() << 3 | 2).unwrap();
        raw(0, 0, &[&[1, 1 << 1 | 1, b'n', head], content].concat())
    };
    let text = |content: &[u8]| {
        let head = u8::try_from(content.len() << 3 | 5).unwrap();
        raw(0, 0, &[&[1, 1 << 1 | 1, b'n', head], content].concat())
    };
    let cases: Vec<(&str, String, CarrierError)> = vec![
        ("empty", String::new(), Truncated),
        ("not in the alphabet", "AQ*A".into(), NotBase64),
        ("standard alphabet", "AQ+/".into(), NotBase64),
        ("padded", "AQ==".into(), NotBase64),
        ("not canonical", "AR".into(), NotBase64),
        ("version 0", URL_SAFE_NO_PAD.encode([0; 20]), UnknownVersion),
        ("version 2", URL_SAFE_NO_PAD.encode([2; 20]), UnknownVersion),
        ("only the version", URL_SAFE_NO_PAD.encode([1]), Truncated),
        ("no payload", raw(0, 0, &[]), Truncated),
        ("half a time", URL_SAFE_NO_PAD.encode([1, 0, 0, 0, 0, 0, 0, 0, 1, 2]), Truncated),
        ("unknown flag", raw(4, 0, &[0]), UnknownFlags),
        ("sealed flag", raw(2, 0, &[0]), Sealed),
        ("key id", URL_SAFE_NO_PAD.encode([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Sealed),
        ("unknown dictionary", raw(0, known ^ 1, &[0]), UnknownDictionary),
        ("word without dictionary", raw(0, 0, &[1, 0, 0]), Malformed),
        ("word beyond the dictionary", raw(0, known, &[1, 4, 0]), Malformed),
        ("value word beyond the dictionary", raw(0, known, &[1, 0, 2 << 3 | 1]), Malformed),
        ("bytes left", raw(0, 0, &[0, 0]), Malformed),
        ("field missing", raw(0, known, &[2, 0, 0]), Truncated),
        ("same field twice", raw(0, known, &[2, 0, 0, 0, 0]), Repeated),
        ("too many fields", raw(0, 0, &[0x81, 1]), TooManyFields),
        ("empty name", raw(0, 0, &[1, 1, 0]), FieldName),
        ("name beyond the end", raw(0, 0, &[1, 0xFF, 0x7F, b'n']), Truncated),
        ("name is not text", raw(0, 0, &[1, 3, 0xFF, 0]), NotText),
        ("form 6", raw(0, known, &[1, 0, 6]), Malformed),
        ("form 7", raw(0, known, &[1, 0, 7]), Malformed),
        ("constant 3", raw(0, known, &[1, 0, 3 << 3]), Malformed),
        ("list in list", raw(0, known, &[1, 0, 1 << 3 | 4, 4]), Malformed),
        ("text in list", raw(0, known, &[1, 0, 1 << 3 | 4, 1 << 3 | 5, b'1']), Malformed),
        ("list beyond the end", raw(0, known, &[1, 0, 0xFC, 0xFF, 0xFF, 0xFF, 0x0F]), Truncated),
        ("string with a quote", string(b"a\"b"), Malformed),
        ("string with a backslash", string(b"\\n"), Malformed),
        ("string with a control character", string(b"\n"), Malformed),
        ("string is not text", string(b"\xC3"), NotText),
        ("text is not JSON", text(b"{\"a\""), NotJson),
        ("text with space around", text(b" 1"), NotJson),
        ("text is empty", text(b""), NotJson),
        ("lz4 of nothing", lz4(10, &[]), Malformed),
        ("lz4 of rubbish", lz4(10, &[0xFF; 9]), Malformed),
        ("lz4 too short for its size", lz4(11, &lz4_flex::block::compress(&[0; 10])), Malformed),
        ("lz4 too long for its size", lz4(9, &lz4_flex::block::compress(&[0; 10])), Malformed),
        ("lz4 bomb", lz4(1 << 40, &[0; 10]), TooLarge),
        ("too long", "A".repeat(MAX_CARRIER_BYTES + 1), TooLarge),
        ("plain, not JSON", "{\"a\":1".into(), NotJson),
        ("plain, text behind", "{\"a\":1} ".into(), NotJson),
        ("plain, twice", r#"{"a":1,"\u0061":2}"#.into(), Repeated),
        ("plain, no name", r#"{"":1}"#.into(), FieldName),
    ];
    for (name, value, error) in cases {
        assert_eq!(decode(value.as_bytes(), &words), Err(error), "{name}");
    }
    assert_eq!(decode(b"{\"a\":\"\xFF\"}", &words), Err(NotText));
    assert_eq!(decode(b"\xFF", &words), Err(NotBase64));
}

#[test]
fn a_few_bytes_cannot_become_a_huge_list() {
    let long = "x".repeat(4000);
    let words = dictionaries(&["a", &long]);
    let mut payload = vec![1, 0];
    write_varint(&mut payload, 8000 << 3 | 4);
    payload.extend([1 << 3 | 1; 8000]);
    let value = raw(0, words.active().unwrap().id(), &payload);
    assert_eq!(decode(value.as_bytes(), &words), Err(CarrierError::TooLarge));
}

#[test]
fn every_shorter_header_is_refused() {
    let fields = context(&[("tenant", "\"acme\""), ("flags", "[1,\"a\"]"), ("raw", "{\"a\": 1}")]);
    let whole = URL_SAFE_NO_PAD.decode(encode(&fields, None, NOW).unwrap()).unwrap();
    for length in 0..whole.len() {
        let value = URL_SAFE_NO_PAD.encode(&whole[..length]);
        assert_eq!(decode(value.as_bytes(), &Dictionaries::default()), Err(CarrierError::Truncated), "{length}");
    }
}

#[test]
fn the_plain_form_is_a_json_object() {
    let header = decode(br#"{"tenant_id": "acme", "n" :1.0,"o":{"a":[ 1 ]}}"#, &Dictionaries::default()).unwrap();
    let expected = context(&[("tenant_id", "\"acme\""), ("n", "1.0"), ("o", "{\"a\":[ 1 ]}")]);
    assert_eq!(header, MeshHeader { context: expected, issued_at_ms: None });
}

#[test]
fn the_most_fields_fit_and_one_more_does_not() {
    let member = |i: usize| format!("\"f{i}\":{i}");
    let object = |count: usize| format!("{{{}}}", (0..count).map(member).collect::<Vec<_>>().join(","));
    let most = decode(object(MAX_CONTEXT_FIELDS).as_bytes(), &Dictionaries::default()).unwrap().context;
    let text = encode(&most, None, NOW).unwrap();
    assert_eq!(decode(text.as_bytes(), &Dictionaries::default()).unwrap().context, most);
    let more = decode(object(MAX_CONTEXT_FIELDS + 1).as_bytes(), &Dictionaries::default());
    assert_eq!(more, Err(CarrierError::TooManyFields));
}

#[test]
fn age_is_limited_when_the_mesh_says_so() {
    let header = |issued_at_ms| MeshHeader { context: Context::new(), issued_at_ms };
    for (issued, now, max, expected) in [
        (Some(1000), 1500, 500, Ok(())),
        (Some(1000), 1501, 500, Err(CarrierError::Expired)),
        (Some(1000), u64::MAX, 0, Ok(())),
        (Some(2000), 1000, 1, Ok(())),
        (None, u64::MAX, 1, Ok(())),
    ] {
        assert_eq!(header(issued).check_age(now, max), expected, "{issued:?} {now} {max}");
    }
}

#[cfg(not(target_family = "wasm"))]
mod properties {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|i| i.to_string()),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
            "\"[a-c]{0,2}\"",
            any::<String>().prop_map(|content| {
                let mut text = String::new();
                json::write_string(&mut text, &content);
                text
            }),
        ];
        let list = (proptest::collection::vec(scalar.clone(), 0..5), "(,|, | ,)")
            .prop_map(|(elements, comma)| format!("[{}]", elements.join(&comma)));
        let object = scalar.clone().prop_map(|value| format!("{{\"k\": [{value}, {{}}]}}"));
        prop_oneof![4 => scalar, 2 => list, 1 => object]
    }

    proptest! {
        #[test]
        fn every_context_reads_back(
            fields in proptest::collection::vec(("[a-c]{1,2}|[^\u{0}]{1,9}", any_value()), 0..20),
            words in proptest::collection::vec("[a-c]{0,2}|[^\u{0}]{0,3}", 0..30),
            issued in 0..1_u64 << 48,
        ) {
            let mut written = Context::new();
            for (name, value) in &fields {
                written.insert(name, value).unwrap();
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let words = dictionaries(&words);
            let text = encode(&written, words.active(), issued).unwrap();
            let read = decode(text.as_bytes(), &words);
            prop_assert_eq!(read, Ok(MeshHeader { context: written, issued_at_ms: Some(issued) }));
        }

        #[test]
        fn random_payloads_never_panic_and_stay_valid(
            flags in 0..2_u8,
            payload in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let words = dictionaries(&["a", "b", "c \" d"]);
            let value = raw(flags, words.active().unwrap().id(), &payload);
            if let Ok(header) = decode(value.as_bytes(), &words) {
                for (_, text) in header.context.iter() {
                    prop_assert_eq!(json::check(text), Ok(()));
                }
            }
        }

        #[test]
        fn a_changed_byte_never_panics(at: prop::sample::Index, byte: u8) {
            let fields = context(&[("tenant", "\"acme\""), ("flags", "[1,\"a\"]"), ("raw", "{\"a\": 1}")]);
            let mut bytes = URL_SAFE_NO_PAD.decode(encode(&fields, None, NOW).unwrap()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(header) = decode(URL_SAFE_NO_PAD.encode(&bytes).as_bytes(), &Dictionaries::default()) {
                for (_, text) in header.context.iter() {
                    prop_assert_eq!(json::check(text), Ok(()));
                }
            }
        }
    }
}
