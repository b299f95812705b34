//! Compares the values of a field from two sources.

use super::json::{self, JsonKind};

/// Returns whether two JSON texts mean the same value. Values are compared as by [`json::same`], lists by their
/// elements and maps by their members in order, so that white space is not a disagreement. Values at deeper levels are
/// compared as text.
pub(crate) fn agree(a: &str, b: &str) -> bool {
    if json::same(a, b) {
        return true;
    }
    match (json::kind(a), json::kind(b)) {
        (JsonKind::Array, JsonKind::Array) => same_items(json::elements(a), json::elements(b), json::same),
        (JsonKind::Object, JsonKind::Object) => {
            let same = |(key, value): (&str, &str), (other, its): (&str, &str)| {
                json::same(key, other) && json::same(value, its)
            };
            same_items(json::members(a), json::members(b), same)
        }
        _ => false,
    }
}

/// Returns whether both sides have the same number of items, and all pairs are the same.
fn same_items<T: Copy>(
    mut a: impl Iterator<Item = T>,
    mut b: impl Iterator<Item = T>,
    same: impl Fn(T, T) -> bool,
) -> bool {
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if same(a, b) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn meaning_counts_and_white_space_does_not() {
        for (a, b, expected) in [
            ("1", "1.0", true),
            ("\"a\"", "\"\\u0061\"", true),
            ("1", "\"1\"", false),
            ("[1, 2]", "[1,2.0]", true),
            ("[1,2]", "[2,1]", false),
            ("[1]", "[1,2]", false),
            ("[]", "{}", false),
            ("{\"a\": 1}", "{\"a\":1}", true),
            ("{\"a\":1}", "{\"b\":1}", false),
            ("{\"a\":[1]}", "{\"a\":[ 1 ]}", false),
        ] {
            assert_eq!(agree(a, b), expected, "{a} {b}");
            assert_eq!(agree(b, a), expected, "{b} {a}");
        }
    }
}
