//! Cases for the JSON scanner.

use super::*;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn accepts_every_form_of_a_value() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "-1.5",
        "1.0",
        "1e3",
        "1E+3",
        "0.1e-10",
        "123456789012345678901234567890",
        r#""""#,
        r#""a""#,
        r#""é\u00e9\n\/\"""#,
        r#""\ud83d""#,
        "[]",
        "[ ]",
        "[1]",
        "[ 1 , 2 ]",
        "{}",
        "{ }",
        r#"{"a":1}"#,
        "{ \"a\" :\n[ ] , \"a\":{}}",
        "[[],[[]],{}]",
        "\"\u{7f}\"",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn refuses_everything_else_and_says_where() {
    use JsonErrorKind::*;
    for (text, kind, at) in [
        ("", End, 0),
        (" 1", Unexpected, 0),
        ("1 ", Trailing, 1),
        ("1 2", Trailing, 1),
        ("[1]]", Trailing, 3),
        ("nul", End, 3),
        ("nulL", Unexpected, 3),
        ("True", Unexpected, 0),
        ("NaN", Unexpected, 0),
        ("+1", Unexpected, 0),
        (".5", Unexpected, 0),
        ("-", End, 1),
        ("-a", Number, 1),
        ("01", Number, 1),
        ("-01", Number, 2),
        ("1.", End, 2),
        ("1.e1", Number, 2),
        ("1e", End, 2),
        ("1e+x", Number, 3),
        ("\"", End, 1),
        ("\"a\nb\"", String, 2),
        ("\"\u{0}\"", String, 1),
        (r#""\x""#, String, 2),
        (r#""\u12"#, End, 5),
        (r#""\u12g4""#, String, 5),
        (r#""\"#, End, 2),
        ("'a'", Unexpected, 0),
        ("[", End, 1),
        ("[1", End, 2),
        ("[1,", End, 3),
        ("[1,]", Unexpected, 3),
        ("[,]", Unexpected, 1),
        ("[1 2]", Unexpected, 3),
        ("[1}", Unexpected, 2),
        ("{", End, 1),
        ("{]", Unexpected, 1),
        ("{1:2}", Unexpected, 1),
        (r#"{"a"}"#, Unexpected, 4),
        (r#"{"a":}"#, Unexpected, 5),
        (r#"{"a":1,}"#, Unexpected, 7),
        (r#"{"a":1]"#, Unexpected, 6),
        (r#"{"a":1 "b":2}"#, Unexpected, 7),
        ("[1\u{a0}]", Unexpected, 2),
        ("\u{feff}1", Unexpected, 0),
    ] {
        assert_eq!(check(text), Err(JsonError { kind, at }), "{text}");
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(&nested(MAX_JSON_DEPTH)), Ok(()));
    let error = JsonError { kind: JsonErrorKind::TooDeep, at: MAX_JSON_DEPTH };
    assert_eq!(check(&nested(MAX_JSON_DEPTH + 1)), Err(error));
    assert_eq!(check(&"{\"a\":".repeat(100_000)).unwrap_err().kind, JsonErrorKind::TooDeep);
    // The outermost level is still known after the deepest one has ended.
    let mixed = format!("{{\"a\":{}}}", nested(MAX_JSON_DEPTH - 1));
    assert_eq!(check(&mixed), Ok(()));
    assert!(check(&mixed.replace('}', "]")).is_err());
}

#[test]
fn tells_kinds() {
    for (text, expected) in [
        ("null", JsonKind::Null),
        ("true", JsonKind::Bool),
        ("-1", JsonKind::Number),
        ("\"\"", JsonKind::String),
        ("[]", JsonKind::Array),
        ("{}", JsonKind::Object),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn reads_string_contents() {
    for (text, content) in [
        (r#""""#, ""),
        (r#""a/b""#, "a/b"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u00e9\u20AC""#, "é€"),
        (r#""x\ud83d\ude00y""#, "x😀y"),
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""\ud83dA""#, "\u{fffd}A"),
        (r#""\u0000""#, "\0"),
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
        assert_eq!(string_content(text).as_deref(), Some(content), "{text}");
    }
    assert!(matches!(string_content("\"plain é\""), Some(Cow::Borrowed("plain é"))));
    for text in ["1", "null", "[\"a\"]", "\""] {
        assert_eq!(string_content(text), None, "{text}");
    }
}

#[test]
fn reads_numbers_and_bools() {
    assert_eq!(as_i64("-9223372036854775808"), Some(i64::MIN));
    assert_eq!(as_i64("9223372036854775808"), None);
    assert_eq!(as_u64("18446744073709551615"), Some(u64::MAX));
    for text in ["1.0", "1e3", "\"1\"", "true", "null", "[1]"] {
        assert_eq!(as_i64(text), None, "{text}");
        assert_eq!(as_u64(text), None, "{text}");
    }
    assert_eq!(as_f64("1.5e1"), Some(15.0));
    assert_eq!(as_f64("1e999"), None);
    assert_eq!(as_f64("\"1\""), None);
    assert_eq!(as_bool("true"), Some(true));
    assert_eq!(as_bool("1"), None);
}

#[test]
fn compares_by_meaning() {
    for (a, b, expected) in [
        (r#""a""#, r#""\u0061""#, true),
        (r#""a""#, r#""b""#, false),
        ("1", "1.0", true),
        ("1", "1e0", true),
        ("1", "2", false),
        ("1", "\"1\"", false),
        ("9007199254740993", "9007199254740992", false),
        ("18446744073709551617", "18446744073709551616", false),
        ("null", "null", true),
        ("true", "false", false),
    ] {
        assert_eq!(same(a, b), expected, "{a} {b}");
    }
}

#[test]
fn walks_over_elements() {
    let cases: [(&str, &[&str]); 6] = [
        ("[]", &[]),
        ("[ ]", &[]),
        ("[1,2]", &["1", "2"]),
        (
            "[ 1 ,\t\"a,]\\\"\" , [2, [3]] , {\"b\": [ 4 ]} , null ]",
            &["1", "\"a,]\\\"\"", "[2, [3]]", "{\"b\": [ 4 ]}", "null"],
        ),
        ("{\"a\":1}", &[]),
        ("1", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(elements(text).collect::<Vec<_>>(), expected, "{text}");
    }
}

#[test]
fn walks_over_members() {
    let cases: [(&str, &[(&str, &str)]); 4] = [
        ("{}", &[]),
        ("{ \"a\" : 1 , \"b:\" : {\"c\":[2]} }", &[("\"a\"", "1"), ("\"b:\"", "{\"c\":[2]}")]),
        (r#"{"a":"x","a":null}"#, &[("\"a\"", "\"x\""), ("\"a\"", "null")]),
        ("[1]", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(members(text).collect::<Vec<_>>(), expected, "{text}");
    }
}

#[test]
fn writes_only_necessary_escapes() {
    let mut out = String::new();
    write_string(&mut out, "a/é\"\\\n\u{1}\u{7f}😀");
    assert_eq!(out, "\"a/é\\\"\\\\\\n\\u0001\u{7f}😀\"");
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod properties {
    use super::super::*;
    use proptest::prelude::*;

    /// Returns JSON texts with unusual spacing, escapes and numbers.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|i| i.to_string()),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
            any::<String>().prop_map(|s| {
                let mut out = String::new();
                write_string(&mut out, &s);
                out
            }),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec((inner.clone(), "[ \t\n]{0,2}"), 0..4).prop_map(|v| format!(
                    "[{}]",
                    v.iter().map(|(t, s)| format!("{s}{t}{s}")).collect::<Vec<_>>().join(",")
                )),
                proptest::collection::vec(("[a-z]{0,3}", inner, "[ \t\n]{0,2}"), 0..4).prop_map(|v| format!(
                    "{{{}}}",
                    v.iter().map(|(k, t, s)| format!("{s}\"{k}\"{s}:{s}{t}{s}")).collect::<Vec<_>>().join(",")
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_valid_text_is_accepted_and_taken_apart(parts in proptest::collection::vec(any_json(), 0..5)) {
            for part in &parts {
                prop_assert_eq!(check(part), Ok(()));
            }
            let list = format!("[ {} ]", parts.join(" , "));
            prop_assert_eq!(elements(&list).collect::<Vec<_>>(), parts.clone());
            let object = format!("{{{}}}", parts.iter().map(|p| format!("\"k,\" : {p}")).collect::<Vec<_>>().join(" , "));
            prop_assert_eq!(members(&object).map(|(_, v)| v).collect::<Vec<_>>(), parts);
        }

        #[test]
        fn every_string_reads_back(content in any::<String>()) {
            let mut text = String::new();
            write_string(&mut text, &content);
            prop_assert_eq!(check(&text), Ok(()));
            prop_assert_eq!(string_content(&text), Some(Cow::Owned(content)));
        }

        #[test]
        fn no_text_panics_or_hangs(text in "[\\[\\]{}\",:\\\\u0-9a-f \n.eE+-]{0,40}|\\PC{0,40}") {
            let _ = (check(&text), kind(&text), string_content(&text), as_i64(&text), as_f64(&text), same(&text, "\"a\""));
            prop_assert!(elements(&text).count() <= text.len());
            prop_assert!(members(&text).count() <= text.len());
        }
    }
}

#[test]
fn a_string_is_its_content_with_or_without_escapes() {
    for (text, content, same) in [
        ("\"\"", "", true),
        ("\"abc\"", "abc", true),
        ("\"abc\"", "abd", false),
        ("\"abc\"", "ab", false),
        ("\"ab\"", "abc", false),
        ("\"\\u0061bc\"", "abc", true),
        ("\"a\\nb\"", "a\nb", true),
        // The same letters, but in the text they are an escape.
        ("\"a\\nb\"", "a\\nb", false),
        ("\"a\\\\nb\"", "a\\nb", true),
        ("1", "1", false),
        ("\"", "", false),
    ] {
        assert_eq!(is_string(text, content), same, "{text} {content}");
        assert_eq!(string_content(text).as_deref() == Some(content), same, "{text} {content}");
    }
}
