//! Paths and path templates.
//!
//! Envoy compares the path that it has normalised, without the query. A template (`{*}` is a segment, `{**}` any number
//! of them) matches only the characters that Envoy's `uri_template` knows, so it becomes a regular expression.

use super::condition::{Condition, literal};
use super::pattern::{Pattern, one_of};

/// The characters of a segment that `{*}` matches. They are letters, digits and `-._~%!$&'()+,;:@=`.
const SEGMENT: &str = "[!$-)+-.0-;=@-Z_a-z~]";

/// The same, and the slash.
const SEGMENTS: &str = "[!$-)+-;=@-Z_a-z~]";

/// The text that Envoy's attributes give for a path without its query.
const SUBJECT: &str = "request.url_path";

/// Returns the condition that one of the values matches the path.
///
/// # Errors
/// A value that is no template that Envoy accepts, and why.
pub(super) fn one_of_paths<'v>(values: impl Iterator<Item = &'v str>) -> Result<Condition, String> {
    let mut patterns = Vec::new();
    let mut templates = Vec::new();
    for value in values {
        if is_template(value) {
            let regex = literal(&format!("^{}$", regex(value)?));
            templates.push(Condition::Call(format!("{SUBJECT}.matches({regex})")));
        } else {
            patterns.push(Pattern::new(value));
        }
    }
    let plain = one_of(SUBJECT, &patterns, &Condition::Call(format!("has({SUBJECT})")));
    Ok(Condition::any(std::iter::once(plain).chain(templates)))
}

/// Whether Istio takes the value for a template.
pub(super) fn is_template(value: &str) -> bool {
    value.contains("{*}") || value.contains("{**}")
}

/// Returns a path that matches a value.
pub(super) fn example(value: &str) -> String {
    if is_template(value) {
        return value.replace("{**}", "a/b").replace("{*}", "a");
    }
    match Pattern::new(value) {
        Pattern::Present => "/".to_owned(),
        Pattern::Suffix(end) if end.starts_with('/') => end,
        Pattern::Suffix(end) => format!("/a{end}"),
        other => other.example("a"),
    }
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Part<'t> {
    Segment,
    Segments,
    Literal(&'t str),
}

/// Returns the regular expression of a template.
fn regex(template: &str) -> Result<String, String> {
    let bare = template.replace("{*}", "*").replace("{**}", "**");
    let invalid = |why: &str| format!("Envoy does not accept the template `{template}`: {why}");
    let mut rest = bare.strip_prefix('/').ok_or_else(|| invalid("it does not begin with `/`"))?;
    let mut out = String::from("/");
    let mut open = false;
    while !rest.is_empty() {
        let part = match rest.strip_prefix("**") {
            Some(after) => {
                rest = after;
                Part::Segments
            }
            None => match rest.strip_prefix('*') {
                Some(after) => {
                    rest = after;
                    Part::Segment
                }
                None => Part::Literal(take_literal(&mut rest).map_err(|why| invalid(&why))?),
            },
        };
        if open && !matches!(part, Part::Literal(_)) {
            return Err(invalid("nothing but text may follow `{**}`"));
        }
        open |= part == Part::Segments;
        push(&part, &mut out);
        if rest == "/" {
            out.push('/');
            break;
        } else if let Some(after) = rest.strip_prefix('/') {
            out.push('/');
            rest = after;
        } else if !rest.is_empty() {
            push(&Part::Literal(take_literal(&mut rest).map_err(|why| invalid(&why))?), &mut out);
            if !rest.is_empty() {
                return Err(invalid("text beside `{*}` or `{**}` must be at the end"));
            }
        }
    }
    Ok(out)
}

fn take_literal<'t>(rest: &mut &'t str) -> Result<&'t str, String> {
    let end = rest.find('/').unwrap_or(rest.len());
    let (text, after) = rest.split_at(end);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=".contains(c);
    if text.is_empty() {
        return Err("it has an empty segment".to_owned());
    }
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(format!("`{c}` is not allowed there"));
    }
    *rest = after;
    Ok(text)
}

fn push(part: &Part<'_>, out: &mut String) {
    match part {
        Part::Segment => out.extend([SEGMENT, "+"]),
        Part::Segments => out.extend([SEGMENTS, "*"]),
        Part::Literal(text) => {
            for c in text.chars() {
                if "$()+.".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use regex_automata::{
        Input,
        dfa::{Automaton as _, dense},
    };

    use super::*;

    #[test]
    fn templates_are_those_of_envoy() {
        for (template, expected) in [
            ("/orders/{*}/returns", Ok("/orders/S+/returns")),
            ("/{**}", Ok("/A*")),
            ("/a/{**}/b", Ok("/a/A*/b")),
            ("/a/{*}.txt", Ok(r"/a/S+\.txt")),
            ("/a/{*}/", Ok("/a/S+/")),
            ("/{*}/{*}/{**}", Ok("/S+/S+/A*")),
            ("/a(b)/{*}", Ok(r"/a\(b\)/S+")),
            ("a/{*}", Err("it does not begin with `/`")),
            ("/{**}/{*}", Err("nothing but text may follow `{**}`")),
            ("/a{*}", Err("`*` is not allowed there")),
            ("/{*}a/b", Err("text beside `{*}` or `{**}` must be at the end")),
            ("//{*}", Err("it has an empty segment")),
            ("/{*}/{name}", Err("`{` is not allowed there")),
        ] {
            let found = regex(template).map(|regex| regex.replace(SEGMENTS, "A").replace(SEGMENT, "S"));
            match expected {
                Ok(expected) => assert_eq!(found.as_deref(), Ok(expected), "{template}"),
                Err(why) => assert!(found.clone().is_err_and(|found| found.ends_with(why)), "{template}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_segment_has_the_characters_of_envoy() {
        let class = dense::DFA::new(&format!("^{SEGMENT}$")).unwrap();
        let with_slash = dense::DFA::new(&format!("^{SEGMENTS}$")).unwrap();
        let matches =
            |dfa: &dense::DFA<Vec<u32>>, c: char| dfa.try_search_fwd(&Input::new(&c.to_string())).unwrap().is_some();
        for byte in 0..128_u8 {
            let c = char::from(byte);
            let known = c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=".contains(c);
            assert_eq!(matches(&class, c), known, "{c:?}");
            assert_eq!(matches(&with_slash, c), known || c == '/', "{c:?}");
        }
    }
}
