//! The patterns of Istio's lists: a text, `BEGINNING*`, `*END`, `*` for any value, and templates of paths.

use super::refusal::Refusal;

/// A test of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It begins with this.
    Prefix(String),
    /// It ends with this.
    Suffix(String),
    /// It contains this.
    Part(String),
    /// It matches a template of a path, in Istio's notation.
    Template(String),
}

impl Test {
    /// Whether the text passes the test. Returns `None` for a template.
    pub(super) fn holds(&self, text: &str) -> Option<bool> {
        Some(match self {
            Self::OneOf(values) => values.iter().any(|value| value == text),
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::Part(part) => text.contains(part.as_str()),
            Self::Template(_) => return None,
        })
    }

    /// Returns the patterns of the test.
    pub(super) fn patterns(&self) -> Result<Vec<String>, Refusal> {
        match self {
            Self::OneOf(values) if values.is_empty() => Err(Refusal::new("the list is empty", "remove the comparison")),
            Self::OneOf(values) => values.iter().map(|value| literal(value).map(str::to_owned)).collect(),
            Self::Prefix(prefix) => Ok(vec![format!("{}*", literal(prefix)?)]),
            Self::Suffix(suffix) => Ok(vec![format!("*{}", literal(suffix)?)]),
            Self::Template(template) => Ok(vec![template.clone()]),
            Self::Part(_) => Err(Refusal::new(
                "its patterns have no `contains`",
                "compare the whole text, its beginning (`startsWith`) or its end (`endsWith`)",
            )),
        }
    }
}

/// Returns a text that Istio takes literally.
fn literal(text: &str) -> Result<&str, Refusal> {
    let problem = if text.is_empty() {
        "Istio has no pattern for an empty text".to_owned()
    } else if text.starts_with('*') || text.ends_with('*') {
        format!("Istio reads the `*` of `{text}` as a pattern")
    } else if text.trim() != text || text.chars().any(char::is_control) {
        format!("`{}` is never the value of a header", text.escape_debug())
    } else {
        return Ok(text);
    };
    Err(Refusal::new(problem, "compare with another text"))
}

/// Whether the pattern stands for one text.
pub(super) fn is_exact(pattern: &str) -> bool {
    !pattern.starts_with('*') && !pattern.ends_with('*') && !is_template(pattern)
}

/// Whether the pattern is a template of a path.
pub(super) fn is_template(pattern: &str) -> bool {
    pattern.contains("{*}") || pattern.contains("{**}")
}

/// Whether a pattern that is no template matches the text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return !text.is_empty();
    }
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(suffix), _) => text.ends_with(suffix),
        (_, Some(prefix)) => text.starts_with(prefix),
        _ => pattern == text,
    }
}

/// Returns the pattern that matches what both match, or `None` if there is nothing.
pub(super) fn intersection(left: &str, right: &str) -> Result<Option<String>, Refusal> {
    let same = |found: bool, pattern: &str| Ok(found.then(|| pattern.to_owned()));
    if left == right {
        return same(true, left);
    }
    if !is_template(left) && !is_template(right) {
        if is_exact(left) {
            return same(matches(right, left), left);
        }
        if is_exact(right) {
            return same(matches(left, right), right);
        }
        if let (Some(a), Some(b)) = (left.strip_suffix('*'), right.strip_suffix('*')) {
            let (longer, shorter) = if a.len() > b.len() { (left, b) } else { (right, a) };
            return same(longer.starts_with(shorter), longer);
        }
        if let (Some(a), Some(b)) = (left.strip_prefix('*'), right.strip_prefix('*')) {
            let (longer, shorter) = if a.len() > b.len() { (left, b) } else { (right, a) };
            return same(longer.ends_with(shorter), longer);
        }
    }
    Err(Refusal::new(
        format!("one rule of Istio cannot ask for `{left}` and `{right}` at once"),
        "test the path, or the host, once in each `&&`",
    ))
}

/// Characters of a segment that templates of Envoy match.
fn is_listed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@".contains(c)
}

/// Returns the template of Istio for the pattern of a template (`matchesTemplate`), or of a regex that says the same.
pub(super) fn template(regex: &str) -> Result<String, Refusal> {
    const ONE: &str = "[^/]+";
    let refuse = || {
        Refusal::new(
            "it has no regular expressions, only templates of paths with whole segments as `{*}`, and `{**}` at the end",
            "use `startsWith`, `endsWith`, or `matchesTemplate` with whole segments in braces",
        )
    };
    let inner = regex.strip_prefix("^/").and_then(|rest| rest.strip_suffix('$')).ok_or_else(refuse)?;
    // The `/` inside of `[^/]+` is the only one that is none.
    let inner = inner.replace(ONE, "\0");
    let segments: Vec<&str> = inner.split('/').collect();
    let mut found = String::new();
    let mut has_name = false;
    for (index, segment) in segments.iter().enumerate() {
        found.push('/');
        match *segment {
            "\0" => found.push_str("{*}"),
            ".*" if index + 1 == segments.len() => found.push_str("{**}"),
            literal => {
                let plain = unescaped(literal).filter(|plain| !plain.is_empty() && plain.chars().all(is_listed));
                found.push_str(&plain.ok_or_else(refuse)?);
                continue;
            }
        }
        has_name = true;
    }
    if has_name { Ok(found) } else { Err(refuse()) }
}

/// Returns the text that a regex without operators matches.
fn unescaped(regex: &str) -> Option<String> {
    let mut found = String::new();
    let mut chars = regex.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => found.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            c => found.push(c),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_of_whole_segments_are_those_of_istio() {
        for (regex, expected) in [
            ("^/orders/[^/]+/returns$", Some("/orders/{*}/returns")),
            ("^/[^/]+$", Some("/{*}")),
            (r"^/a\.b/[^/]+/.*$", Some("/a.b/{*}/{**}")),
            ("^/.*$", Some("/{**}")),
            ("^/v[^/]+/x$", None),
            ("^/orders$", None),
            ("^/orders/[^/]+/$", None),
            ("^/orders/[^/]+/a=b$", None),
            ("^/a/[^/]+", None),
            ("/a/[^/]+$", None),
            ("^/a|/[^/]+$", None),
            ("^/a.b/[^/]+$", None),
            (r"^/\d/[^/]+$", None),
            ("^/.*/a$", None),
        ] {
            assert_eq!(template(regex).ok().as_deref(), expected, "{regex}");
        }
    }

    #[test]
    fn patterns_intersect() {
        for (left, right, expected) in [
            ("/a", "/a", Ok(Some("/a"))),
            ("/a", "/b", Ok(None)),
            ("/a/b", "/a*", Ok(Some("/a/b"))),
            ("/a*", "/b", Ok(None)),
            ("/a*", "/a/b*", Ok(Some("/a/b*"))),
            ("/a*", "/b*", Ok(None)),
            ("*.png", "*g", Ok(Some("*.png"))),
            ("*.png", "/a*", Err(())),
            ("/a/{*}", "/a/b", Err(())),
            ("/a/{*}", "/a/{*}", Ok(Some("/a/{*}"))),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                let found = intersection(left, right);
                assert_eq!(found.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{left} {right}");
            }
        }
    }

    #[test]
    fn texts_that_istio_reads_otherwise_are_refused() {
        for text in ["", "*", "a*", "*a", " a", "a\n"] {
            assert!(Test::OneOf(vec![text.to_owned()]).patterns().is_err(), "{text:?}");
        }
        assert_eq!(Test::OneOf(vec!["a*b".to_owned()]).patterns().unwrap(), ["a*b"]);
        assert_eq!(Test::Prefix("/a".to_owned()).patterns().unwrap(), ["/a*"]);
        assert!(Test::Part("a".to_owned()).patterns().is_err());
    }
}
