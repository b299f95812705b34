//! Cases for `x-mesh-context`.

use super::*;
use crate::context::carried::CarriedName;
use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS};
use crate::tables::{CarrierVersion, DictionaryTable, MeshTable, WordTable};
use crate::testing::{context, word};

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_767_225_600_000;

/// Returns words that are written as numbers, from 1 on.
fn words(texts: &[&str]) -> Words {
    dated(texts, 0)
}

/// Returns words of an artifact whose words were released at this time. The rollout window is one second.
fn dated(texts: &[&str], released_at_ms: u64) -> Words {
    let mut seen = Vec::new();
    let texts = texts.iter().filter(|text| {
        !seen.contains(*text) && {
            seen.push(**text);
            true
        }
    });
    let table: Vec<WordTable> = (1..).zip(texts).map(|(number, text)| word(number, text, released_at_ms)).collect();
    Words::new(&table, &[], &MeshTable { rollout_window_ms: 1000, ..MeshTable::default() })
}

/// Returns words that can read version 1 with this dictionary, and its id.
fn dictionary(texts: &[&str]) -> (Words, u32) {
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    let id = dictionary_id(&texts);
    (Words::new(&[], &[DictionaryTable { id, words: texts }], &MeshTable::default()), id)
}

/// Returns a header of version 2 with these bytes after its time.
fn raw_2(flags: u8, rest: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&[2, flags, 0, 0, 0, 0, 0, 0], rest].concat())
}

/// Returns an unsealed header of version 1 with this payload.
fn raw(flags: u8, dictionary: u32, payload: &[u8]) -> String {
    let mut bytes = vec![1, flags, 0, 0];
    bytes.extend(dictionary.to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend(payload);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn the_bytes_are_fixed() {
    let known = words(&["caller", "web-frontend", "feature_flags", "beta"]);
    let fields =
        context(&[("caller", "\"web-frontend\""), ("feature_flags", "[\"beta\",\"x\",-2,true]"), ("n", "1.0")]);
    let value = encode(&fields, known.writer(NOW), NOW).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
    assert_eq!(bytes[..2], [2, 0]);
    assert_eq!(bytes[2..8], NOW.to_le_bytes()[..6]);
    let rest = [
        0, // extensions
        3, // fields
        1 << 1,
        2 << 3 | 1, // caller: web-frontend
        3 << 1,
        4 << 3 | 4, // feature_flags: four values
        4 << 3 | 1, // beta
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
    assert_eq!(bytes[8..], rest);
    let read = decode(value.as_bytes(), &known).unwrap();
    assert_eq!(read, MeshHeader { context: fields, issued_at_ms: Some(NOW) });
}

/// A header of the first filters, byte for byte.
const VERSION_1_HEADER: &str = "AQAAAJ8Qh5sAqNp2mwEDAAkEJBkKeBsQA24dMS4w";

#[test]
fn what_the_first_filters_wrote_is_read() {
    let (known, _) = dictionary(&["caller", "web-frontend", "feature_flags", "beta"]);
    let fields =
        context(&[("caller", "\"web-frontend\""), ("feature_flags", "[\"beta\",\"x\",-2,true]"), ("n", "1.0")]);
    let read = decode(VERSION_1_HEADER.as_bytes(), &known);
    assert_eq!(read, Ok(MeshHeader { context: fields, issued_at_ms: Some(NOW) }));
    // Its numbers belong to one artifact: they cannot be read without that artifact's words.
    assert_eq!(decode(VERSION_1_HEADER.as_bytes(), &Words::default()), Err(CarrierError::UnknownDictionary));
}

#[test]
fn version_1_is_written_as_the_first_filters_read_it() {
    let fields = context(&[("caller", "\"web-frontend\""), ("n", "1.0")]);
    let value = encode(&fields, Words::default().writer(NOW), NOW).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
    let mut expected = vec![1, 0, 0, 0, 0, 0, 0, 0];
    expected.extend(&NOW.to_le_bytes()[..6]);
    expected.extend([2, 6 << 1 | 1]);
    expected.extend(b"caller");
    expected.push(12 << 3 | 2);
    expected.extend(b"web-frontend");
    expected.extend([1 << 1 | 1, b'n', 3 << 3 | 5, b'1', b'.', b'0']);
    assert_eq!(bytes, expected);
    assert_eq!(decode(value.as_bytes(), &words(&["caller"])).unwrap().context, fields);
}

/// The known answers of `docs/wire-format.md`, which other readers are tested with.
#[test]
fn the_page_of_the_format_has_right_answers() {
    let page = include_str!("../../../docs/wire-format.md");
    let rows = page.split("## Known answers").nth(1).unwrap().lines().filter(|line| line.ends_with(" |"));
    let mut checked = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<String>>();
        let (texts, fields, header) = (quoted(cells[2]), quoted(cells[3]).remove(0), quoted(cells[4]).remove(0));
        let table: Vec<WordTable> = (1..).zip(&texts).map(|(number, text)| word(number, text, 0)).collect();
        let (version, table, dictionaries) = match cells[1] {
            "1" => (CarrierVersion::One, &[][..], vec![DictionaryTable { id: dictionary_id(&texts), words: texts }]),
            _ => (CarrierVersion::Two, &table[..], Vec::new()),
        };
        let mesh = MeshTable { carrier_version: version, ..MeshTable::default() };
        let words = Words::new(table, &dictionaries, &mesh);
        let read = decode(header.as_bytes(), &words).unwrap();
        let expected = decode(fields.as_bytes(), &words).unwrap().context;
        assert!(read.context.iter().eq(expected.iter()), "{header}");
        assert_eq!(read.issued_at_ms, Some(NOW), "{header}");
        if cells[5] == "both" {
            assert_eq!(encode(&expected, words.writer(NOW), NOW).unwrap(), header);
        }
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn every_text_comes_back_byte_for_byte() {
    let words = words(&["a", "with \"quotes\"", "x"]);
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
        for words in [&words, &Words::default()] {
            let fields = context(&[("a", value), ("other", value)]);
            let text = encode(&fields, words.writer(NOW), NOW).unwrap();
            assert_eq!(decode(text.as_bytes(), words).unwrap().context, fields, "{value}");
        }
    }
}

#[test]
fn repetition_is_compressed() {
    let value = format!("\"{}\"", "0123456789".repeat(1600));
    let fields = context(&[("a", &value)]);
    let text = encode(&fields, Words::default().writer(NOW), NOW).unwrap();
    assert!(text.len() < 400, "{}", text.len());
    assert_eq!(decode(text.as_bytes(), &Words::default()).unwrap().context, fields);
}

#[test]
fn an_empty_context_is_a_header_too() {
    let text = encode(&Context::new(), Words::default().writer(NOW), NOW).unwrap();
    assert_eq!(text.len(), 20);
    assert_eq!(decode(text.as_bytes(), &Words::default()).unwrap().context, Context::new());
}

/// Returns text that cannot be compressed.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + 2 + u8::try_from((state >> 33) % 50).unwrap())
    };
    std::iter::repeat_with(letter).take(bytes).collect()
}

#[test]
fn what_can_be_read_can_be_written() {
    // The fields of the largest contexts: one field, the most fields, and many strings in one list.
    let one = vec![("a".to_owned(), format!("\"{}\"", noise(MAX_CONTEXT_BYTES - 3)))];
    let share = MAX_CONTEXT_BYTES / MAX_CONTEXT_FIELDS;
    let most = (0..MAX_CONTEXT_FIELDS).map(|i| (format!("{i:03}"), format!("\"{}\"", noise(share - 5)))).collect();
    let list = vec![("l".to_owned(), format!("[{}]", vec!["1234"; (MAX_CONTEXT_BYTES - 2) / 5].join(",")))];
    for fields in [one, most, list] {
        let mut context = Context::new();
        for (name, value) in &fields {
            context.insert(name, value).unwrap();
        }
        for words in [Words::default(), words(&["a"])] {
            let text = encode(&context, words.writer(NOW), NOW).unwrap();
            assert_eq!(decode(text.as_bytes(), &words).unwrap().context, context);
        }
    }
    let object = format!("{{\"a\":\"{}\"}}", noise(MAX_CARRIER_BYTES - 8));
    assert_eq!(object.len(), MAX_CARRIER_BYTES);
    let read = decode(object.as_bytes(), &Words::default()).unwrap().context;
    assert!(encode(&read, Words::default().writer(NOW), NOW).is_ok());
}

#[test]
fn broken_headers_are_refused_by_name() {
    use CarrierError::*;
    let (words, known) = dictionary(&["a", "b"]);
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
        ("version 3", URL_SAFE_NO_PAD.encode([3; 20]), UnknownVersion),
        ("2: half a time", URL_SAFE_NO_PAD.encode([2, 0, 0, 0]), Truncated),
        ("2: no extensions", raw_2(0, &[]), Truncated),
        ("2: no fields", raw_2(0, &[0]), Truncated),
        ("2: unknown flag", raw_2(2, &[0, 0]), UnknownFlags),
        ("2: bytes left", raw_2(0, &[0, 0, 0]), Malformed),
        ("2: same unknown field twice", raw_2(0, &[0, 2, 9 << 1, 0, 9 << 1, 0]), Repeated),
        ("2: same field twice, once unknown", raw_2(0, &[0, 2, 3, b'n', 0, 3, b'n', 9 << 3 | 1]), Repeated),
        ("2: same field twice, unknown first", raw_2(0, &[0, 2, 3, b'n', 9 << 3 | 1, 3, b'n', 0]), Repeated),
        ("2: unknown field, no name", raw_2(0, &[0, 1, 1, 9 << 3 | 1]), FieldName),
        ("2: unknown field, broken value", raw_2(0, &[0, 1, 9 << 1, 7]), Malformed),
        ("2: too many fields", raw_2(0, &[0, 0x81, 1]), TooManyFields),
        ("2: huge count", raw_2(0, &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]), TooManyFields),
        ("2: critical extension", raw_2(0, &[1, 9 << 2 | 1, 0, 0]), UnknownExtension),
        ("2: repeated extension", raw_2(0, &[2, 9 << 2, 0, 9 << 2, 0, 0]), Repeated),
        ("2: many extensions", raw_2(0, &[17]), TooManyExtensions),
        ("2: lz4 bomb", raw_2(1, &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]), TooLarge),
        ("2: lz4 of rubbish", raw_2(1, &[0, 10, 0xFF, 0xFF, 0xFF]), Malformed),
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
        ("too long", "A".repeat(MAX_MESH_HEADER_BYTES + 1), TooLarge),
        ("plain, too long", format!("{{{}}}", " ".repeat(MAX_CARRIER_BYTES)), TooLarge),
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
    let (known, id) = dictionary(&["a", &long]);
    let mut payload = vec![1, 0];
    write_varint(&mut payload, 8000 << 3 | 4);
    payload.extend([1 << 3 | 1; 8000]);
    assert_eq!(decode(raw(0, id, &payload).as_bytes(), &known), Err(CarrierError::TooLarge));
    // Words that are unknown here may be the longest ones elsewhere.
    let mut fields = vec![0, 1, 9 << 1];
    write_varint(&mut fields, 8000 << 3 | 4);
    fields.extend([9 << 3 | 1; 8000]);
    assert_eq!(decode(raw_2(0, &fields).as_bytes(), &Words::default()), Err(CarrierError::TooLarge));
}

#[test]
fn every_shorter_header_is_refused() {
    let fields = context(&[("tenant", "\"acme\""), ("flags", "[1,\"a\"]"), ("raw", "{\"a\": 1}")]);
    let whole = URL_SAFE_NO_PAD.decode(encode(&fields, Words::default().writer(NOW), NOW).unwrap()).unwrap();
    let known = words(&["tenant", "acme", "a"]);
    let second = URL_SAFE_NO_PAD.decode(encode(&fields, known.writer(NOW), NOW).unwrap()).unwrap();
    for whole in [whole, second] {
        for length in 0..whole.len() {
            let value = URL_SAFE_NO_PAD.encode(&whole[..length]);
            assert_eq!(decode(value.as_bytes(), &known), Err(CarrierError::Truncated), "{length}");
        }
    }
}

#[test]
fn a_number_that_is_not_known_costs_its_field_only() {
    let new = words(&["caller", "tier", "gold", "flags", "beta"]);
    let old = words(&["caller", "tier"]);
    let sent = context(&[("caller", "\"a\""), ("tier", "\"gold\""), ("flags", "[1,\"beta\",\"x\"]"), ("n", "1.0")]);
    let first = encode(&sent, new.writer(NOW), NOW).unwrap();
    let seen = decode(first.as_bytes(), &old).unwrap().context;
    assert_eq!(seen.iter().collect::<Vec<_>>(), [("caller", "\"a\""), ("n", "1.0")]);
    let names: Vec<String> = seen.carried().fields.iter().map(|field| field.name.shown()).collect();
    assert_eq!(names, ["tier", "#4"]);
    // Through the memory, which knows no words.
    let mut record = Vec::new();
    payload::write(&mut record, &seen, None);
    let remembered = payload::read(&record, None).unwrap();
    assert_eq!(remembered, seen);
    // The next hop reads them, whatever words the hop in between knows.
    for (via, version) in [(old, 2), (Words::default(), 2)] {
        let second = encode(&remembered, via.writer(NOW), NOW).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&second).unwrap()[0], version);
        let read = decode(second.as_bytes(), &new).unwrap().context;
        assert_eq!((read.len(), read.carried().is_empty()), (4, true));
        for (name, value) in sent.iter() {
            assert_eq!(read.get(name), Some(value));
        }
    }
}

#[test]
fn a_field_that_cannot_be_read_is_still_a_field() {
    let new = words(&["tier", "gold"]);
    let old = words(&["tier"]);
    let header = encode(&context(&[("tier", "\"gold\"")]), new.writer(NOW), NOW).unwrap();
    let read = || decode(header.as_bytes(), &old).unwrap().context;
    let mut seen = read();
    assert!(seen.is_unread("tier") && !seen.contains("tier") && seen.is_empty());
    assert_eq!(seen.carried().fields[0].name, CarriedName::Text("tier".to_owned()));
    assert!(seen.remove("tier") && !seen.remove("tier"));
    assert_eq!(seen, Context::new());
    let mut seen = read();
    seen.insert("tier", "\"basic\"").unwrap();
    assert_eq!(seen, context(&[("tier", "\"basic\"")]));
}

#[test]
fn the_number_counts_where_a_name_stands_beside_it() {
    // The tier as text, then as number 1; and in reverse order. Other fields surround them.
    let known = words(&["tier", "other"]);
    let text = [&[4 << 1 | 1][..], b"tier", &[1 << 3]].concat();
    let (number, other) = ([1 << 1, 2 << 3], [2 << 1, 0]);
    for parts in [[&text[..], &other, &number], [&number, &text, &other], [&other, &text, &number]] {
        let value = raw_2(0, &[&[0, 3], &parts.concat()[..]].concat());
        let read = decode(value.as_bytes(), &known).unwrap().context;
        assert_eq!((read.get("tier"), read.get("other"), read.len()), (Some("true"), Some("null"), 2));
    }
    for twice in [[&text[..], &text], [&number, &number]] {
        let value = raw_2(0, &[&[0, 2], &twice.concat()[..]].concat());
        assert_eq!(decode(value.as_bytes(), &known), Err(CarrierError::Repeated));
    }
}

#[test]
fn an_extension_that_is_carried_goes_through_hops_and_memory() {
    let header = raw_2(0, &[2, 4 << 2, 1, 7, 5 << 2 | 2, 2, 8, 9, 0]);
    let read = decode(header.as_bytes(), &Words::default()).unwrap().context;
    let mut record = Vec::new();
    payload::write(&mut record, &read, None);
    let remembered = payload::read(&record, None).unwrap();
    let onward = encode(&remembered, Words::default().writer(NOW), 0).unwrap();
    assert_eq!(onward, raw_2(0, &[1, 5 << 2 | 2, 2, 8, 9, 0]));
}

#[test]
fn the_plain_form_is_a_json_object() {
    let header = decode(br#"{"tenant_id": "acme", "n" :1.0,"o":{"a":[ 1 ]}}"#, &Words::default()).unwrap();
    let expected = context(&[("tenant_id", "\"acme\""), ("n", "1.0"), ("o", "{\"a\":[ 1 ]}")]);
    assert_eq!(header, MeshHeader { context: expected, issued_at_ms: None });
}

#[test]
fn the_most_fields_fit_and_one_more_does_not() {
    let member = |i: usize| format!("\"f{i}\":{i}");
    let object = |count: usize| format!("{{{}}}", (0..count).map(member).collect::<Vec<_>>().join(","));
    let most = decode(object(MAX_CONTEXT_FIELDS).as_bytes(), &Words::default()).unwrap().context;
    let text = encode(&most, Words::default().writer(NOW), NOW).unwrap();
    assert_eq!(decode(text.as_bytes(), &Words::default()).unwrap().context, most);
    let more = decode(object(MAX_CONTEXT_FIELDS + 1).as_bytes(), &Words::default());
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

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
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

    fn lock_value() -> impl Strategy<Value = String> {
        let word = "\"[a-e]{1,2}\"";
        let list = proptest::collection::vec(word, 0..4).prop_map(|words| format!("[{}]", words.join(",")));
        prop_oneof![3 => word.boxed(), 2 => list.boxed(), 1 => any_value().boxed()]
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
            let texts: Vec<&str> = words.iter().map(String::as_str).collect();
            let words = super::words(&texts);
            let text = encode(&written, words.writer(NOW), issued).unwrap();
            let read = decode(text.as_bytes(), &words);
            prop_assert_eq!(read, Ok(MeshHeader { context: written, issued_at_ms: Some(issued) }));
        }

        #[test]
        fn random_payloads_never_panic_and_stay_valid(
            flags in 0..2_u8,
            payload in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let (known, id) = dictionary(&["a", "b", "c \" d"]);
            let lasting = super::words(&["a", "b", "c \" d"]);
            for (value, words) in [(raw(flags, id, &payload), known), (raw_2(flags, &payload), lasting)] {
                let Ok(header) = decode(value.as_bytes(), &words) else { continue };
                for (_, text) in header.context.iter() {
                    prop_assert_eq!(json::check(text), Ok(()));
                }
                // A header that was read can be written again, with the same content.
                let again = encode(&header.context, words.writer(NOW), 0).unwrap();
                prop_assert_eq!(decode(again.as_bytes(), &words).unwrap().context, header.context);
            }
        }

        #[test]
        fn a_changed_byte_never_panics(at: prop::sample::Index, byte: u8) {
            let fields = context(&[("tenant", "\"acme\""), ("flags", "[1,\"a\"]"), ("raw", "{\"a\": 1}")]);
            for words in [Words::default(), super::words(&["tenant", "acme", "a"])] {
                let mut bytes = URL_SAFE_NO_PAD.decode(encode(&fields, words.writer(NOW), NOW).unwrap()).unwrap();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                let Ok(header) = decode(URL_SAFE_NO_PAD.encode(&bytes).as_bytes(), &words) else { continue };
                for (_, text) in header.context.iter() {
                    prop_assert_eq!(json::check(text), Ok(()));
                }
            }
        }

        /// Whatever words two proxies list, and whatever the time is: the receiver gets the same text for every field,
        /// or forwards the field unread, and a proxy that lists all words reads it.
        #[test]
        fn any_two_artifacts_of_a_lock_file_understand_each_other(
            fields in proptest::collection::vec(("[a-e]{1,2}", lock_value()), 0..12),
            released in proptest::collection::vec(0..4000_u64, 30),
            writer in any::<u32>(),
            reader in any::<u32>(),
            via in any::<u32>(),
            settings in proptest::collection::vec(0..3_usize, 3),
            now in 0..6000_u64,
        ) {
            let state = |listed: u32, setting: usize| {
                let texts = ('a'..='e').flat_map(|a| {
                    std::iter::once(a.to_string()).chain(('a'..='e').map(move |b| format!("{a}{b}")))
                });
                let all = (1..).zip(texts).zip(&released).map(|((number, text), at)| word(number, &text, *at));
                let table: Vec<WordTable> = all.filter(|word| listed >> word.number & 1 == 1).collect();
                let version = [CarrierVersion::Dated, CarrierVersion::One, CarrierVersion::Two][setting];
                Words::new(&table, &[], &MeshTable { rollout_window_ms: 1000, carrier_version: version, ..MeshTable::default() })
            };
            let mut sent = Context::new();
            for (name, value) in &fields {
                sent.insert(name, value).unwrap();
            }
            let (writer, reader) = (state(writer, settings[0]), state(reader, settings[1]));
            let first = encode(&sent, writer.writer(now), NOW).unwrap();
            let seen = decode(first.as_bytes(), &reader).unwrap().context;
            for (name, value) in seen.iter() {
                prop_assert_eq!(sent.get(name), Some(value));
            }
            prop_assert_eq!(seen.len() + seen.carried().fields.len(), sent.len());
            // Through a memory and a third proxy, to a proxy that lists all words.
            let mut record = Vec::new();
            payload::write(&mut record, &seen, Some(reader.writer(now)));
            let remembered = payload::read(&record, Some(&state(via, settings[2]))).unwrap();
            let second = encode(&remembered, state(via, settings[2]).writer(now), NOW).unwrap();
            let last = decode(second.as_bytes(), &state(u32::MAX, 0)).unwrap().context;
            prop_assert!(last.carried().is_empty());
            prop_assert_eq!(last.len(), sent.len());
            for (name, value) in sent.iter() {
                prop_assert_eq!(last.get(name), Some(value));
            }
        }
    }
}
