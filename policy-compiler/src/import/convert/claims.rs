//! Claims of verified tokens, and other metadata.
//!
//! RBAC compares strings, and the strings of a list. So conditions read `metadata.strings`, which is one text for both:
//! `"\na\n"` is the string `a`, and `"[\na\nb\n]"` a list. Whatever else a claim is matches nothing, and is no error.

use super::condition::{Condition, literal};
use super::identity::quoted;
use super::pattern::Pattern;

/// Where Istio's RequestAuthentication puts the payload of a token: dynamic metadata of this filter, under this key.
pub(super) const PAYLOAD: [&str; 2] = ["envoy.filters.http.jwt_authn", "payload"];

/// Most bytes of one regular expression, so that its automaton stays small.
const MAX_REGEX_BYTES: usize = 2048;

/// Any text within a line.
pub(super) const ANY: &str = "[^\n]*";

/// A variable of a document: its name and expression.
pub(super) type Variable = (String, String);

/// Returns the variable with the strings of a claim.
pub(super) fn variable(path: &[String]) -> Variable {
    let keys: String = PAYLOAD.into_iter().chain(path.iter().map(String::as_str)).map(key).collect();
    (format!("claim_{}", super::names::identifier(&path.join("_"))), format!("metadata.strings{keys}"))
}

fn key(name: &str) -> String {
    format!("[{}]", literal(name))
}

/// Returns the condition that a claim is, or has, one of the values. `lines` are its strings.
pub(super) fn one_of<'v>(lines: &str, values: impl Iterator<Item = &'v str>) -> Condition {
    let mut patterns: Vec<Pattern> = Vec::new();
    for pattern in values.map(Pattern::new) {
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    if let [Pattern::Exact(text)] = patterns.as_slice() {
        return Condition::Call(format!("{lines}.contains({})", literal(&format!("\n{text}\n"))));
    }
    let (mut parts, mut part) = (Vec::new(), String::new());
    for pattern in &patterns {
        let text = fragment(pattern);
        if part.len() + text.len() > MAX_REGEX_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if !part.is_empty() {
            part.push('|');
        }
        part.push_str(&text);
    }
    parts.push(part);
    Condition::any(parts.into_iter().map(|part| {
        let part = if part.contains('|') { format!("({part})") } else { part };
        Condition::Call(format!("{lines}.matches({})", literal(&format!("\n{part}\n"))))
    }))
}

/// Returns the condition that a value is a string, and the pattern matches it.
fn alone(lines: &str, pattern: &Pattern) -> Condition {
    match pattern {
        Pattern::Exact(text) => Condition::equals(lines, vec![literal(&format!("\n{text}\n"))]),
        Pattern::Prefix(text) => Condition::Call(format!("{lines}.startsWith({})", literal(&format!("\n{text}")))),
        other => Condition::Call(format!("{lines}.matches({})", literal(&format!("^\n{}\n$", fragment(other))))),
    }
}

/// Returns the regular expression of a pattern within a line.
fn fragment(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exact(text) => quoted(text),
        Pattern::Prefix(text) => format!("{}{ANY}", quoted(text)),
        Pattern::Suffix(text) => format!("{ANY}{}", quoted(text)),
        Pattern::Present => "[^\n]+".to_owned(),
    }
}

/// Returns the condition that the issuer and the subject of the token are one of `ISSUER/SUBJECT`.
pub(super) fn principals<'v>(issuer: &str, subject: &str, values: impl Iterator<Item = &'v str>) -> Condition {
    let tests = values
        .map(principal)
        .map(|(of_issuer, of_subject)| Condition::all([alone(issuer, &of_issuer), alone(subject, &of_subject)]));
    Condition::any(tests.collect::<Vec<_>>())
}

/// Returns the condition that a value of metadata matches: `[x]` is an element of a list, and everything else a string.
pub(super) fn metadata<'v>(lines: &str, values: impl Iterator<Item = &'v str>) -> Condition {
    let tests = values.map(|value| {
        if value.starts_with('[') && value.ends_with(']') {
            let pattern = Pattern::new(value.trim_matches(['[', ']']));
            let regex = format!("^\\[\n(.*\n)*{}\n", fragment(&pattern));
            return Condition::Call(format!("{lines}.matches({})", literal(&regex)));
        }
        alone(lines, &Pattern::new(value))
    });
    Condition::any(tests.collect::<Vec<_>>())
}

/// Returns the strings of metadata of another filter.
pub(super) fn lines_of(filter: &str, name: &str) -> String {
    format!("metadata.strings{}{}", key(filter), key(name))
}

/// Returns what a principal of a token asks of the issuer and of the subject.
pub(super) fn principal(value: &str) -> (Pattern, Pattern) {
    use Pattern::{Exact, Prefix, Present, Suffix};
    let (issuer, subject) = match value.rsplit_once('/') {
        Some((issuer, subject)) => (issuer, Some(subject)),
        None => (value, None),
    };
    match (value, subject) {
        ("*", _) => (Present, Present),
        (value, Some(subject)) if value.starts_with('*') => {
            let issuer = match issuer.strip_prefix('*') {
                Some("") | None => Present,
                Some(end) => Suffix(end.to_owned()),
            };
            (issuer, Exact(subject.to_owned()))
        }
        (value, None) if value.starts_with('*') => {
            (Present, Suffix(value.strip_prefix('*').unwrap_or(value).to_owned()))
        }
        (_, Some("*")) => (Exact(issuer.to_owned()), Present),
        (value, Some(subject)) if value.ends_with('*') => {
            (Exact(issuer.to_owned()), Prefix(subject.strip_suffix('*').unwrap_or(subject).to_owned()))
        }
        (value, None) if value.ends_with('*') => (Prefix(value.strip_suffix('*').unwrap_or(value).to_owned()), Present),
        (_, subject) => (Exact(issuer.to_owned()), Exact(subject.unwrap_or_default().to_owned())),
    }
}

/// Reads the path of `request.auth.claims[a][b]`, from the bracket on. Brackets within a name are kept only if the
/// whole is one name.
///
/// # Errors
/// The text is not in brackets.
pub(super) fn path(brackets: &str) -> Result<Vec<String>, String> {
    let whole = brackets.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let whole = whole.filter(|name| !name.is_empty());
    let whole = whole.ok_or_else(|| "a claim is written as `request.auth.claims[NAME]`".to_owned())?;
    let mut parts = Vec::new();
    for part in whole.split("][") {
        if part.is_empty() || part.contains(['[', ']']) {
            return Ok(vec![whole.to_owned()]);
        }
        parts.push(part.to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::Pattern::{Exact, Prefix, Present, Suffix};
    use super::*;

    #[test]
    fn a_principal_is_an_issuer_and_a_subject() {
        let text = str::to_owned;
        for (value, expected) in [
            ("*", (Present, Present)),
            ("https://a/b", (Exact(text("https://a")), Exact(text("b")))),
            ("https://a/*", (Exact(text("https://a")), Present)),
            ("https://a/b*", (Exact(text("https://a")), Prefix(text("b")))),
            ("*/b", (Present, Exact(text("b")))),
            ("*.org/b", (Suffix(text(".org")), Exact(text("b")))),
            ("*b", (Present, Suffix(text("b")))),
            ("a*", (Prefix(text("a")), Present)),
            ("a", (Exact(text("a")), Exact(text("")))),
        ] {
            assert_eq!(principal(value), expected, "{value}");
        }
    }

    #[test]
    fn strings_are_compared_as_lines() {
        let of = |values: &[&'static str]| one_of("x", values.iter().copied()).text();
        assert_eq!(of(&["a"]), r"x.contains('\na\n')");
        assert_eq!(of(&["a.b", "c*", "*d", "*"]), r"x.matches('\n(a\\.b|c[^\n]*|[^\n]*d|[^\n]+)\n')");
        assert_eq!(of(&["a*"]), r"x.matches('\na[^\n]*\n')");
        let of = |value: &'static str| metadata("x", [value].into_iter()).text();
        assert_eq!(of("a"), r"x == '\na\n'");
        assert_eq!(of("a*"), r"x.startsWith('\na')");
        assert_eq!(of("*"), r"x.matches('^\n[^\n]+\n$')");
        assert_eq!(of("[a]"), r"x.matches('^\\[\n(.*\n)*a\n')");
        let long: Vec<String> = (0..2000).map(|n| format!("group-{n}")).collect();
        let Condition::Any(parts) = one_of("x", long.iter().map(String::as_str)) else { panic!("one part") };
        assert!(parts.len() > 5);
    }

    #[test]
    fn a_path_of_claims_is_in_brackets() {
        let of = |text: &str| path(text).ok();
        assert_eq!(of("[groups]"), Some(vec!["groups".to_owned()]));
        assert_eq!(of("[realm_access][roles]"), Some(vec!["realm_access".to_owned(), "roles".to_owned()]));
        assert_eq!(of("[https://a/b]"), Some(vec!["https://a/b".to_owned()]));
        assert_eq!(of("[a]b]"), Some(vec!["a]b".to_owned()]));
        assert_eq!(of("[]"), None);
        assert_eq!(of("groups"), None);
    }
}
