//! Conditions on headers.
//!
//! Envoy's RBAC filter compares each value of a repeated header by itself, and a value is what was sent, with white space
//! around it. So conditions read `request.header_lines`, in which each value stands between line breaks.

use super::claims;
use super::condition::{Condition, literal};
use super::identity::quoted;
use super::pattern::Pattern;

/// Most patterns that are tested one by one; more are one regular expression.
const MAX_TESTS: usize = 3;

/// Returns the condition that a value of the header is one of `values`. `*` asks for the header, whatever its values.
pub(super) fn one_of(name: &str, values: &mut dyn Iterator<Item = &str>) -> Condition {
    let (texts, present) = without_star(name, values);
    let lines = lines(name);
    let found = match texts.as_slice() {
        [] => Condition::Always(false),
        texts if texts.len() <= MAX_TESTS => Condition::any(texts.iter().map(|text| {
            let part = match Pattern::new(text) {
                Pattern::Prefix(text) => format!("\n{text}"),
                Pattern::Suffix(text) => format!("{text}\n"),
                Pattern::Exact(text) => format!("\n{text}\n"),
                Pattern::Present => "\n".to_owned(),
            };
            Condition::Call(format!("{lines}.contains({})", literal(&part)))
        })),
        texts => claims::one_of(&lines, texts.iter().copied()),
    };
    Condition::any([found, present])
}

/// Returns the condition that one of the texts between commas, in a value of the header, is one of `values`.
pub(super) fn one_of_list(name: &str, values: &mut dyn Iterator<Item = &str>) -> Condition {
    let (texts, present) = without_star(name, values);
    let (lines, any) = (lines(name), claims::ANY);
    let tests = texts.iter().map(|text| {
        let regex = match Pattern::new(text) {
            Pattern::Prefix(text) => format!("\n({any},)?{}", quoted(&text)),
            Pattern::Suffix(text) => format!("{}(,{any})?\n", quoted(&text)),
            Pattern::Exact(text) => format!("\n({any},)?{}(,{any})?\n", quoted(&text)),
            Pattern::Present => "\n".to_owned(),
        };
        Condition::Call(format!("{lines}.matches({})", literal(&regex)))
    });
    Condition::any(tests.chain([present]).collect::<Vec<_>>())
}

fn lines(name: &str) -> String {
    format!("request.header_lines[{}]", literal(name))
}

/// Returns the values that are not `*`, and the condition of `*` if it is one of them.
fn without_star<'v>(name: &str, values: &mut dyn Iterator<Item = &'v str>) -> (Vec<&'v str>, Condition) {
    let mut texts = Vec::new();
    let mut present = Condition::Always(false);
    for value in values {
        if value == "*" {
            present = Condition::Contains(literal(name), "request.headers".to_owned());
        } else if !texts.contains(&value) {
            texts.push(value);
        }
    }
    (texts, present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_compared() {
        let found = |values: &[&str]| one_of("x-a", &mut values.iter().copied()).text();
        assert_eq!(found(&["v"]), "request.header_lines['x-a'].contains('\\nv\\n')");
        assert_eq!(
            found(&["a*", "*b", "*"]),
            "request.header_lines['x-a'].contains('\\na') || request.header_lines['x-a'].contains('b\\n') || 'x-a' in request.headers"
        );
        assert!(
            found(&["a", "b", "c", "d*"]).contains(".matches('\\n(a|b|c|d[^\\n]*)\\n')"),
            "{}",
            found(&["a", "b", "c", "d*"])
        );
    }

    #[test]
    fn an_element_stands_between_commas() {
        let regex = |value: &str| {
            let text = one_of_list("x-a", &mut std::iter::once(value)).text();
            text.split_once(".matches('").unwrap().1.replace("[^\\n]*", "A")
        };
        assert_eq!(regex("v"), "\\n(A,)?v(,A)?\\n')");
        assert_eq!(regex("v*"), "\\n(A,)?v')");
        assert_eq!(regex("*v"), "v(,A)?\\n')");
    }
}
