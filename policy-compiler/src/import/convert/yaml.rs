//! Scalars and flow collections of YAML.

use std::fmt::Write as _;

use serde_json::Value;

/// Longest text that a line holds before it is folded.
pub(super) const LINE: usize = 100;

/// Returns a text as a scalar of a block: as it is, if that is read as the same text.
pub(super) fn scalar(text: &str) -> String {
    let risky = [": ", " #"].iter().any(|part| text.contains(part)) || text.ends_with([':', ' ']);
    if risky || !is_plain(text) { quoted(text) } else { text.to_owned() }
}

/// Returns a text as a scalar within brackets.
pub(super) fn flow_scalar(text: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_./:+".contains(c);
    let fine = is_plain(text) && text.chars().all(is_name) && !text.ends_with(':') && !text.contains(": ");
    if fine { text.to_owned() } else { quoted(text) }
}

/// Returns a value within brackets.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => flow_scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", flow_scalar(key), flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns names within brackets.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    format!("[{}]", names.into_iter().map(flow_scalar).collect::<Vec<_>>().join(", "))
}

/// Whether a text without quotes is read as a string.
fn is_plain(text: &str) -> bool {
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '_');
    first && !word && text.chars().all(|c| (' '..='~').contains(&c)) && text.parse::<f64>().is_err()
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || c == '\u{feff}' || ('\u{2028}'..='\u{2029}').contains(&c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_it_is_needed() {
        for (text, expected) in [
            ("request.method == 'GET'", "request.method == 'GET'"),
            ("!(a)", "\"!(a)\""),
            ("'x' in request.headers", "\"'x' in request.headers\""),
            ("a ? b : c", "\"a ? b : c\""),
            ("a == 'b #c'", "\"a == 'b #c'\""),
            (r"a.matches('\\.')", r"a.matches('\\.')"),
            ("true", "\"true\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
        for (text, expected) in [("a", "a"), ("/a/b", "/a/b"), ("a,b", "\"a,b\""), ("5", "\"5\""), ("", "\"\"")] {
            assert_eq!(flow_scalar(text), expected);
        }
        assert_eq!(flow(&serde_json::json!({"a": ["b", 1, true], "x y": {}})), "{a: [b, 1, true], \"x y\": {}}");
    }
}
