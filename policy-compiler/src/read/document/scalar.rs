//! Single values: strings, names, numbers, durations and choices.

use super::decode::Decoder;
use crate::{
    read::yaml::{Node, Scalar, Value},
    report::{
        diagnostic::{Diagnostic, code},
        near,
        source::Spanned,
    },
};

/// Longest name of a document, domain, service or rule, in bytes. It is the limit of Kubernetes names.
const MAX_NAME_BYTES: usize = 253;

impl Decoder<'_> {
    pub(super) fn string(&mut self, node: &Node) -> Option<Spanned<String>> {
        match &node.value {
            Value::Scalar(scalar) if scalar.is_string() => Some(Spanned::new(scalar.text.clone(), node.span)),
            Value::Scalar(scalar) if !scalar.is_null() => {
                let message = format!("expected a string, found {}", node.value.kind());
                let help = format!("put it in quotes: \"{}\"", scalar.text);
                self.report(Diagnostic::error(code::WRONG_KIND, node.span, message).help(help));
                None
            }
            _ => {
                self.wrong_kind(node, "a string");
                None
            }
        }
    }

    pub(super) fn strings(&mut self, node: &Node) -> Vec<Spanned<String>> {
        self.list(node).iter().filter_map(|element| self.string(element)).collect()
    }

    /// Reads a name. Rule names are paths in logs, so a name has no `/` and no white space.
    pub(super) fn name(&mut self, node: &Node) -> Option<Spanned<String>> {
        let name = self.string(node)?;
        self.check_name(&name).then_some(name)
    }

    pub(super) fn check_name(&mut self, name: &Spanned<String>) -> bool {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fine = !name.value.is_empty() && name.value.len() <= MAX_NAME_BYTES && name.value.chars().all(allowed);
        if !fine {
            let help = format!("use 1 to {MAX_NAME_BYTES} letters, digits, `-`, `_` or `.`");
            self.invalid(name.span, format!("`{}` is not a name", name.value), help);
        }
        fine
    }

    pub(super) fn names(&mut self, node: &Node) -> Vec<Spanned<String>> {
        self.list(node).iter().filter_map(|element| self.name(element)).collect()
    }

    pub(super) fn scalar(&mut self, node: &Node) -> Option<Spanned<Scalar>> {
        match &node.value {
            Value::Scalar(scalar) if !scalar.is_null() => Some(Spanned::new(scalar.clone(), node.span)),
            _ => {
                self.wrong_kind(node, "a single value");
                None
            }
        }
    }

    /// Reads a finite number.
    pub(super) fn number(&mut self, node: &Node) -> Option<Spanned<Scalar>> {
        match &node.value {
            Value::Scalar(scalar) if scalar.as_double().is_some() => Some(Spanned::new(scalar.clone(), node.span)),
            _ => {
                self.wrong_kind(node, "a number");
                None
            }
        }
    }

    pub(super) fn bool(&mut self, node: &Node) -> Option<bool> {
        let value = if let Value::Scalar(scalar) = &node.value { scalar.as_bool() } else { None };
        if value.is_none() {
            self.wrong_kind(node, "`true` or `false`");
        }
        value
    }

    /// Reads an integer within `range`.
    pub(super) fn int(&mut self, node: &Node, range: std::ops::RangeInclusive<i64>) -> Option<Spanned<i64>> {
        let value = if let Value::Scalar(scalar) = &node.value { scalar.as_int() } else { None };
        let Some(value) = value else {
            self.wrong_kind(node, "an integer");
            return None;
        };
        if !range.contains(&value) {
            let help = format!("use a value from {} to {}", range.start(), range.end());
            self.invalid(node.span, format!("{value} is out of range"), help);
            return None;
        }
        Some(Spanned::new(value, node.span))
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string(node)?;
        let found = choices.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let near = near::nearest(&text.value, choices.iter().map(|(word, _)| *word));
            let help =
                near.map_or_else(|| format!("use {}", alternatives(choices)), |n| format!("did you mean `{n}`?"));
            self.invalid(text.span, format!("`{}` is not known here", text.value), help);
        }
        found
    }

    /// Reads a duration like `500ms`, `30s`, `5m` or `2h`, in milliseconds.
    pub(super) fn duration_ms(&mut self, node: &Node) -> Option<u64> {
        const HELP: &str = "write a number and a unit, for example `300s` or `5m`; units are ms, s, m and h";
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_kind(node, "a duration");
            return None;
        };
        let duration = parse_duration(&scalar.text);
        if duration.is_none() {
            self.invalid(node.span, format!("`{}` is not a duration", scalar.text), HELP);
        }
        duration
    }
}

/// Formats the words as "`a`, `b` or `c`".
fn alternatives<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn parse_duration(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" if number == "0" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let cases = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("0", Some(0)),
            ("", None),
            ("s", None),
            ("5", None),
            ("-5s", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
