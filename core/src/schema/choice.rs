//! The allowed values of a field, in a form that is searched without comparing all of them.

use core::cmp::Ordering;

use crate::context::json::{self, JsonKind};
use crate::sort;

/// The allowed values of a field. If there are none, every value is allowed. It is made once, when an artifact is
/// loaded.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Contents of strings, sorted.
    strings: Vec<String>,
    /// Numbers with the nearest double, sorted by the double.
    numbers: Vec<(f64, String)>,
    /// All other texts, sorted. They are compared as text.
    others: Vec<String>,
}

impl Choice {
    /// Makes it from these JSON texts.
    pub fn new(allowed: &[String]) -> Self {
        let mut choice = Self::default();
        for text in allowed {
            match (json::string_content(text), double(text)) {
                (Some(content), _) => choice.strings.push(content.into_owned()),
                (None, Some(number)) => choice.numbers.push((number, text.clone())),
                (None, None) => choice.others.push(text.clone()),
            }
        }
        sort::sort(&mut choice.strings);
        choice.numbers.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        sort::sort(&mut choice.others);
        choice
    }

    /// Returns whether a value is allowed: one of the values means the same, as defined by [`json::same`].
    pub fn allows(&self, text: &str) -> bool {
        if self.strings.is_empty() && self.numbers.is_empty() && self.others.is_empty() {
            return true;
        }
        if let Some(content) = json::string_content(text) {
            return self.strings.binary_search_by(|known| known.as_str().cmp(&content)).is_ok();
        }
        match double(text) {
            Some(number) => {
                let from = self.numbers.partition_point(|(known, _)| known.total_cmp(&number) == Ordering::Less);
                // Different large integers may have the same nearest double.
                let near = self.numbers.iter().skip(from).take_while(|(known, _)| *known == number);
                near.into_iter().any(|(_, known)| json::same(known, text))
            }
            None => self.others.binary_search_by(|known| known.as_str().cmp(text)).is_ok(),
        }
    }
}

/// Returns the nearest double of a number. Both zeros become the same one.
fn double(text: &str) -> Option<f64> {
    (json::kind(text) == JsonKind::Number).then(|| json::as_f64(text).map(|number| number + 0.0))?
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_value_is_allowed_where_one_means_the_same() {
        let texts = [
            "\"a\"",
            "\"b\"",
            "\"\\u0061\"",
            "\"\"",
            "1",
            "1.0",
            "-0",
            "0",
            "0.0",
            "2e0",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775808",
            "9223372036854775809",
            "1e999",
            "2e999",
            "true",
            "false",
            "null",
            "[1]",
            "[ 1 ]",
            "{}",
        ];
        let all: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        // Each value alone, each pair, and all of them: the result must be that of a comparison with every one.
        let pairs = all.iter().flat_map(|a| all.iter().map(|b| vec![a.clone(), b.clone()]));
        for allowed in pairs.chain([all.clone()]) {
            let choice = Choice::new(&allowed);
            for text in &all {
                let expected = allowed.iter().any(|known| json::same(known, text));
                assert_eq!(choice.allows(text), expected, "{text} among {allowed:?}");
            }
        }
        assert!(Choice::new(&[]).allows("anything"));
    }
}
