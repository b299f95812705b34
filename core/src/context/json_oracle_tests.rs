//! Compares our JSON reader with that of `serde_json`, and covers the kinds of cases of public parsing suites.
#![cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]

use proptest::prelude::*;
use serde_json::Value;

use super::json::{self, JsonKind};
use crate::limits::MAX_JSON_DEPTH;

/// Texts that every reader must accept.
const ACCEPTED: &[&str] = &[
    "[]",
    "[ ]",
    "{}",
    "[[]   ]",
    "[null, 1, \"1\", {}]",
    "{\"\":0}",
    "{\"a\":\"b\",\"a\":\"c\"}",
    "{\"a\\u0000b\":1}",
    "[0e+1]",
    "[0e1]",
    "[-0]",
    "[-123]",
    "[1E22]",
    "[1E-2]",
    "[1e+2]",
    "[123.456e78]",
    "[123e65]",
    "[-1.5e-9]",
    "0",
    "-0",
    "\"\"",
    "\" \"",
    "true",
    "false",
    "null",
    "[\"\\u0060\\u012a\\u12AB\"]",
    "[\"\\uD801\\udc37\"]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    "[\"\\\\u0000\"]",
    "[\"\\uFFFF\"]",
    "[\"\u{7f}\"]",
    "[\"\u{20ac}\u{1d11e}\"]",
    "[\"\\uDBFF\\uDFFF\"]",
    "[1\n]",
    "{\"x\":[{\"id\":\"x\"}], \"id\":\"x\"}",
    "[ 4]",
    "[true\t,\r\nfalse]",
    "[\"a/*b*/c\"]",
    "[100000000000000000000000000000]",
    "[0.000000000000000000000000000000000001]",
];

/// Texts that no reader may accept.
const REFUSED: &[&str] = &[
    "",
    " ",
    "[",
    "]",
    "[1,",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[1 true]",
    "[a]",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":}",
    "{\"a\" b}",
    "{:\"b\"}",
    "{1:1}",
    "{'a':0}",
    "{\"a\":\"a\",}",
    "{\"a\":1 \"b\":2}",
    "{\"id\":0}#",
    "{\"a\":/*c*/1}",
    "[1]x",
    "[1]]",
    "{}}",
    "[\"a\",\n4\n,1,",
    "[\"",
    "\"",
    "\"\\",
    "[\"\\x00\"]",
    "[\"\\a\"]",
    "[\"\\u00A\"]",
    "[\"\\u\"]",
    "[\"\\uD834\\uDd\"]",
    "[\"\t\"]",
    "[\"\n\"]",
    "[\"\u{0}\"]",
    "[\"\u{1f}\"]",
    "['a']",
    "[+1]",
    "[01]",
    "[-01]",
    "[1.]",
    "[.5]",
    "[-]",
    "[-.5]",
    "[0.e1]",
    "[1e]",
    "[1e+]",
    "[1.0e-]",
    "[1eE2]",
    "[0x1]",
    "[1_000]",
    "[1 000.0]",
    "[Inf]",
    "[NaN]",
    "[-Infinity]",
    "[--2]",
    "[++1]",
    "nul",
    "TRUE",
    "[True]",
    "truee",
    "[fals]",
    "\u{feff}[]",
    "[\u{a0}1]",
    "[\u{2060}]",
    "[\"\\\u{1f300}\"]",
    "{\"a\":\"b\"}/**/",
    "[{]}",
    "{]",
    "[}",
    "{\"a\":[}",
    "*",
    "<null>",
    "[1\u{c}]",
    "{\"x\": true",
    "{,}",
    "[\"\": 1]",
    "{\"a\",\"b\"}",
    "[\"\\uqqqq\"]",
    "123\u{0}",
];

#[test]
fn the_cases_of_public_suites_are_decided_as_they_say() {
    for text in ACCEPTED {
        assert_eq!(json::check(text), Ok(()), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
    for text in REFUSED {
        assert!(json::check(text).is_err(), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

/// RFC 8259 leaves these choices to the reader.
#[test]
fn what_readers_may_choose_is_chosen_on_purpose() {
    // One half of a surrogate pair is forwarded, and reads as U+FFFD. (A declared field rejects it.)
    assert_eq!(json::check("\"\\uD800\""), Ok(()));
    assert_eq!(json::string_content("\"\\uD800x\"").as_deref(), Some("\u{fffd}x"));
    // Numbers out of the range of doubles are forwarded as text.
    assert_eq!(json::check("1e999999"), Ok(()));
    // White space around the value is rejected: it would change the text.
    assert!(json::check(" 1").is_err() && json::check("1\n").is_err());
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(json::check(&nested(MAX_JSON_DEPTH)), Ok(()));
    assert!(json::check(&nested(MAX_JSON_DEPTH + 1)).is_err());
}

/// Returns the tree that `serde_json` would build, from the results of our functions for the text.
fn tree(text: &str) -> Value {
    match json::kind(text) {
        JsonKind::Null => Value::Null,
        JsonKind::Bool => Value::Bool(json::as_bool(text).unwrap()),
        JsonKind::Number => match (json::as_u64(text), json::as_i64(text)) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => json::as_f64(text).unwrap().into(),
        },
        JsonKind::String => Value::String(json::string_content(text).unwrap().into_owned()),
        JsonKind::Array => json::elements(text).map(tree).collect(),
        JsonKind::Object => Value::Object(
            json::members(text)
                .map(|(key, value)| (json::string_content(key).unwrap().into_owned(), tree(value)))
                .collect(),
        ),
    }
}

/// Returns any JSON value as text, with white space where it is allowed.
fn any_json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (-1e9_f64..1e9).prop_map(|number| format!("{number:?}")),
        (any::<i32>(), -30..30_i32).prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
    ];
    let text = prop::collection::vec(
        prop_oneof![
            any::<char>().prop_filter("plain", |c| *c >= ' ' && *c != '"' && *c != '\\').prop_map(|c| c.to_string()),
            prop::sample::select(vec!["\\n", "\\\"", "\\\\", "\\/", "\\u00e4", "\\ud83d\\ude00", "\\t"])
                .prop_map(str::to_owned),
        ],
        0..6,
    );
    let text = text.prop_map(|parts| format!("\"{}\"", parts.concat()));
    let leaf =
        prop_oneof![number, text.clone(), prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let space = || prop::sample::select(vec!["", " ", "\n\t"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), space())
                .prop_map(|(all, space)| format!("[{}]", all.join(&format!("{space},{space}")))),
            (prop::collection::vec((text.clone(), inner), 0..4), space()).prop_map(|(all, space)| {
                let members: Vec<String> = all.iter().map(|(key, value)| format!("{key}{space}:{value}")).collect();
                format!("{{{}}}", members.join(&format!(",{space}")))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_read_as_serde_reads_them(text in any_json()) {
        prop_assert_eq!(json::check(&text), Ok(()));
        let theirs: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(tree(&text), theirs);
    }

    /// One character is changed, inserted or removed: both must reject the text, or both accept it.
    #[test]
    fn changed_texts_are_refused_by_both_or_neither(text in any_json(), at in any::<prop::sample::Index>(), by in prop::sample::select(
        vec!["", "\"", "\\", ",", ":", "[", "]", "{", "}", "0", "1", ".", "e", "-", "+", "t", " ", "\u{1}", "ä"],
    ), replace in any::<bool>()) {
        let all: Vec<char> = text.chars().collect();
        let at = at.index(all.len());
        let (before, rest) = all.split_at(at);
        let behind = &rest[usize::from(replace)..];
        let changed: String = before.iter().copied().chain(by.chars()).chain(behind.iter().copied()).collect();
        let trimmed = changed.trim_matches([' ', '\n', '\t', '\r']);
        let theirs = serde_json::from_str::<Value>(trimmed);
        // Numbers out of the range of doubles are errors there, and so is half a surrogate pair.
        let choice = theirs.as_ref().is_err_and(|error| {
            let error = error.to_string();
            error.contains("out of range") || error.contains("surrogate") || error.contains("hex escape")
        });
        if !choice {
            prop_assert_eq!(json::check(trimmed).is_ok(), theirs.is_ok(), "{:?}", trimmed);
        }
    }
}
