//! The filter's report in an access log: the line of text that the filter writes, or an object of JSON, which earlier
//! filters wrote.

use serde_json::{Map, Value as Json};

/// Keys whose value is one text.
const TEXTS: [&str; 8] = ["artifact", "revision", "service", "role", "decision", "rule", "peer", "recalledBy"];
/// Keys whose value is a number.
const NUMBERS: [&str; 2] = ["status", "fuel"];
/// Keys whose value is an object of numbers.
const COUNTS: [&str; 1] = ["received"];
/// Keys whose value is an object of texts.
const PAIRS: [&str; 1] = ["by"];
/// Keys whose value is a list of `subject: word`.
const PROBLEMS: [&str; 2] = ["problems", "errors"];

/// Reads a report of either form. Returns `None` if it is of neither.
pub fn read(text: &str) -> Option<Map<String, Json>> {
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { read_line(text) }
}

/// Reads the form of `core/src/pipeline/report_text.rs`. Keys that are unknown are lists.
fn read_line(text: &str) -> Option<Map<String, Json>> {
    text.split(' ').map(member).collect()
}

fn member(member: &str) -> Option<(String, Json)> {
    let (key, value) = member.split_once('=').filter(|(key, _)| !key.is_empty())?;
    let items = || value.split(',');
    let value = if TEXTS.contains(&key) {
        Some(Json::from(unescaped(value)?))
    } else if NUMBERS.contains(&key) {
        value.parse::<u64>().ok().map(Json::from)
    } else if COUNTS.contains(&key) {
        object(value, |count| count.parse::<u64>().ok().map(Json::from))
    } else if PAIRS.contains(&key) {
        object(value, |text| unescaped(text).map(Json::from))
    } else if PROBLEMS.contains(&key) {
        let problem = |item: &str| {
            let (subject, word) = item.split_once(':')?;
            Some(Json::from(format!("{}: {}", unescaped(subject)?, unescaped(word)?)))
        };
        items().map(problem).collect()
    } else {
        items().map(|item| unescaped(item).map(Json::from)).collect()
    };
    Some((key.to_owned(), value?))
}

fn object(pairs: &str, value: impl Fn(&str) -> Option<Json>) -> Option<Json> {
    let pair = |item: &str| {
        let (name, text) = item.split_once(':')?;
        Some((unescaped(name)?, value(text)?))
    };
    pairs.split(',').map(pair).collect::<Option<Map<String, Json>>>().map(Json::Object)
}

/// Returns a text without percent escapes. Bytes that are not UTF-8 become replacement characters.
fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let digits = escape.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = escape.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_read_as_the_object_of_earlier_filters() {
        let line = "artifact=6f decision=deny rule=mesh%20budget status=431 peer=b received=x-mesh-context:7,headers:1 \
                    problems=x-a%2Cb%3Ac:broken,user:invalid by=tenant:e/p/mask,user:e/p/redact \
                    kept_in_region=iban fields=a,%C3%A9,b fuel=9";
        let object = json!({
            "artifact": "6f", "decision": "deny", "rule": "mesh budget", "status": 431, "peer": "b",
            "received": {"x-mesh-context": 7, "headers": 1},
            "problems": ["x-a,b:c: broken", "user: invalid"],
            "by": {"tenant": "e/p/mask", "user": "e/p/redact"},
            "kept_in_region": ["iban"], "fields": ["a", "\u{e9}", "b"], "fuel": 9
        });
        assert_eq!(read(line).map(Json::Object), Some(object.clone()));
        assert_eq!(read(&object.to_string()).map(Json::Object), Some(object));
    }

    #[test]
    fn a_text_of_neither_form_is_no_report() {
        let cases = [
            "",
            "-",
            "{",
            "decision",
            "=x",
            "decision=a  fields=b",
            "status=x",
            "received=a",
            "received=a:b",
            "by=a",
            "problems=a",
            "fields=%",
            "fields=%4",
            "fields=%+1",
            "rule=%\u{e9}",
        ];
        for text in cases {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
