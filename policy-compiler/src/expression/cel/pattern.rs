//! Patterns of `matches`. Translates RE2's syntax, which CEL requires, to that of the regex library that compiles them.

use regex_automata::util::syntax;

/// Translates a pattern to the syntax of the regex library, with RE2's meaning: `\d`, `\s`, `\w` and `\b` are ASCII,
/// everything else works on Unicode characters.
///
/// # Errors
/// What is wrong with the pattern, as one line.
pub(crate) fn translate(pattern: &str) -> Result<String, String> {
    let translated = rewrite(pattern);
    let config = syntax::Config::new().utf8(false);
    match syntax::parse_with(&translated, &config) {
        Ok(_) => Ok(translated),
        Err(error) => Err(reason(&error.to_string())),
    }
}

/// Returns the last line of the library's message, which states what is wrong. The lines before it show the pattern.
fn reason(message: &str) -> String {
    let last = message.lines().last().unwrap_or(message).trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn rewrite(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) => out.push_str(&escape(escaped, in_class)),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str(if characters.as_str().starts_with(':') { "[" } else { "\\[" }),
            '[' => {
                in_class = true;
                out.push('[');
                class_start(&mut characters, &mut out);
            }
            // The end of a POSIX class such as `[:alpha:]` does not end the class around it.
            ']' if in_class && out.ends_with(':') && posix_open(&out) => out.push(']'),
            ']' => {
                in_class = false;
                out.push(']');
            }
            // The library has set operations, RE2 does not.
            '&' | '~' if in_class => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

/// Copies a `^`, and a leading `]`, which belong to the class.
fn class_start(characters: &mut std::str::Chars<'_>, out: &mut String) {
    let rest = characters.as_str();
    let taken = if rest.starts_with("^]") {
        out.push_str("^\\]");
        2
    } else if rest.starts_with(']') {
        out.push_str("\\]");
        1
    } else if rest.starts_with('^') {
        out.push('^');
        1
    } else {
        0
    };
    characters.by_ref().take(taken).for_each(drop);
}

fn posix_open(out: &str) -> bool {
    let body = out.strip_suffix(':').unwrap_or(out);
    body.rfind("[:").is_some_and(|at| body.get(at + 2..).is_some_and(|name| !name.contains(']')))
}

fn escape(escaped: char, in_class: bool) -> String {
    let (class, negated) = match escaped {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => ("\\t\\n\\f\\r ", false),
        'S' => ("\\t\\n\\f\\r ", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        'b' | 'B' if !in_class => return format!("(?-u:\\{escaped})"),
        other => return format!("\\{other}"),
    };
    match (in_class, negated) {
        (true, false) => class.to_owned(),
        (_, true) => format!("[^{class}]"),
        (false, false) => format!("[{class}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perl_classes_become_ascii() {
        let cases = [
            (r"^\d+[\w-]\b", r"^[0-9]+[0-9A-Za-z_-](?-u:\b)"),
            (r"[^\S]", r"[^[^\t\n\f\r ]]"),
            (r"[[:alpha:]x]\]", r"[[:alpha:]x]\]"),
            (r"[]a][^]]", r"[\]a][^\]]"),
            (r"[a&&b][[x]", r"[a\&\&b][\[x]"),
            (r"\\d\.", r"\\d\."),
        ];
        for (pattern, expected) in cases {
            assert_eq!(translate(pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_broken_pattern_says_why() {
        assert_eq!(translate("a(b").unwrap_err(), "unclosed group");
        assert!(translate("(?=a)").unwrap_err().contains("look-around"));
    }
}
