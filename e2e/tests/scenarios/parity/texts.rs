//! Texts that a pattern of Istio matches, and texts that it nearly matches.

use super::draw::Draw;

/// Returns a text that matches a value with `*`.
pub(crate) fn matching(draw: &mut Draw, value: &str) -> String {
    if value == "*" {
        draw.word()
    } else if let Some(end) = value.strip_prefix('*') {
        format!("{}{end}", draw.word())
    } else if let Some(start) = value.strip_suffix('*') {
        if draw.percent(20) { start.to_owned() } else { format!("{start}{}", draw.word()) }
    } else {
        value.to_owned()
    }
}

/// Returns a path that matches a value with `*`, `{*}` or `{**}`.
pub(crate) fn matching_path(draw: &mut Draw, value: &str) -> String {
    if !value.contains("{*}") && !value.contains("{**}") {
        return matching(draw, value);
    }
    let mut path = value.to_owned();
    while let Some(at) = path.find("{*}") {
        path.replace_range(at..at + 3, &draw.word());
    }
    let many = ["a", "a/b", "", "a/b/c.d", "a//b", "a/"];
    while let Some(at) = path.find("{**}") {
        path.replace_range(at..at + 4, draw.of(&many));
    }
    path
}

/// Returns a text like this one, with a small difference.
pub(crate) fn near(draw: &mut Draw, text: &str) -> String {
    let middle = draw.below(text.len() + 1);
    let middle = (0..=middle).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (left, right) = text.split_at(middle);
    match draw.below(8) {
        0 => format!("{text}x"),
        1 => format!("x{text}"),
        2 => {
            let mut cut = text.to_owned();
            cut.pop();
            cut
        }
        3 => text.chars().skip(1).collect(),
        4 => text.to_uppercase(),
        5 => text.chars().rev().collect(),
        6 => format!("{left}x{right}"),
        _ => {
            let swap = |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            let mut letters = right.chars();
            format!("{left}{}{}", letters.next().map(swap).unwrap_or('z'), letters.as_str())
        }
    }
}

/// Returns a path like this one that some reader may take for it.
pub(crate) fn near_path(draw: &mut Draw, path: &str) -> String {
    let at = path.len() - path.trim_start_matches('/').len();
    let (start, rest) = path.split_at(at);
    let last = path.rsplit('/').next().unwrap_or_default();
    match draw.below(20) {
        0 => format!("/{path}"),
        1 => format!("{path}/"),
        2 => format!("/./{rest}"),
        3 => format!("/x/../{rest}"),
        4 => format!("{start}{rest}?a=b"),
        5 => format!("{path}?{path}"),
        6 => {
            // One letter as an escape.
            let letter = rest.bytes().next().unwrap_or(b'a');
            format!("{start}%{letter:02x}{}", rest.get(1..).unwrap_or_default())
        }
        7 => format!("{path}%2f"),
        8 => format!("{path};a=b"),
        9 => format!("{path}%00"),
        10 => format!("{path}/%2e%2e/{last}"),
        11 => format!("{path}/../{last}"),
        12 => path.replacen('/', "//", 2),
        13 => format!("{path}%3fa"),
        14 => format!("{path}."),
        15 => format!("{path}?"),
        17 if draw.percent(30) => format!("{path}{}", "a".repeat(9000)),
        18 => format!("{path}?{}", "a".repeat(300)),
        16 => path.replace('/', "%2F").replacen("%2F", "/", 1),
        _ => near(draw, path),
    }
}

/// Returns a host like this one that some reader may take for it.
pub(crate) fn near_host(draw: &mut Draw, host: &str) -> String {
    match draw.below(9) {
        0 => format!("{host}:80"),
        1 => format!("{host}:8443"),
        2 => format!("{host}."),
        3 => format!("{host}.:443"),
        4 => host.to_uppercase(),
        5 => format!("{host}.evil.example"),
        6 => format!("evil-{host}"),
        7 => format!("www.{host}"),
        _ => near(draw, host),
    }
}
