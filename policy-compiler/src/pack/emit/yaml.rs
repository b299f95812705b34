//! JSON values as YAML in block style.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes the value as a YAML document. Strings that YAML could read as another type are in double quotes.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut out, value, 0),
        other => {
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
    out
}

fn block(out: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                // Writing to a string cannot fail.
                let _ = write!(out, "{pad}{}:", inline(&Value::from(key.as_str())));
                child(out, value, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                if is_inline(item) {
                    let _ = writeln!(out, "{pad}- {}", inline(item));
                    continue;
                }
                let mut text = String::new();
                block(&mut text, item, indent + 2);
                // The first line of an element follows its dash.
                let _ = write!(out, "{pad}- {}", text.trim_start());
            }
        }
        other => {
            let _ = writeln!(out, "{pad}{}", inline(other));
        }
    }
}

fn child(out: &mut String, value: &Value, indent: usize) {
    if is_inline(value) {
        let _ = writeln!(out, " {}", inline(value));
    } else {
        out.push('\n');
        block(out, value, indent + 2);
    }
}

/// Whether a value is written on one line: a scalar, or an empty collection.
fn is_inline(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // JSON is YAML: a quoted string, a number or an empty collection.
        other => other.to_string(),
    }
}

/// Whether every YAML reader reads the text as a string without quotes.
fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let keyword = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    first && text.chars().all(word) && !keyword.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_blocks_and_doubtful_strings_are_quoted() {
        let value = json!({
            "name": "a-b", "on": "no", "@type": "x.y/z", "n": 7, "empty": {}, "none": [],
            "list": [{"a": 1, "b": ["x", "{\"y\":1}"]}, "z", {}, []],
        });
        let expected = "\
name: a-b
\"on\": \"no\"
\"@type\": x.y/z
\"n\": 7
empty: {}
none: []
list:
  - a: 1
    b:
      - x
      - \"{\\\"y\\\":1}\"
  - z
  - {}
  - []
";
        assert_eq!(to_yaml(&value), expected);
    }
}
