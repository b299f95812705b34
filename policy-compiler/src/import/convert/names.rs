//! Names of documents, rules, services, claims and variables.

/// Words of CEL that are no names, not even behind a dot.
const WORDS: [&str; 4] = ["in", "true", "false", "null"];

/// Returns the name, or the name with the first number behind it that is not taken.
pub(super) fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let numbered = (2_u64..).map(|number| format!("{name}_{number}"));
    numbered.into_iter().find(|name| !taken(name)).unwrap_or_else(|| name.to_owned())
}

/// Returns a text as a name of CEL: letters, digits and `_`.
pub(super) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || WORDS.contains(&name) {
        return format!("x_{name}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_unique() {
        assert_eq!(unique("a", |_| false), "a");
        assert_eq!(unique("a", |name| ["a", "a_2"].contains(&name)), "a_3");
        for (text, expected) in
            [("x-tier", "x_tier"), ("https://a.b/c", "https_a_b_c"), ("2fa", "x_2fa"), ("in", "x_in"), ("é", "x_")]
        {
            assert_eq!(identifier(text), expected);
        }
    }
}
