//! Query parameters and cookies: names with values, which servers read in several ways.
//!
//! A name only has a value if all readers would agree on it. Frameworks differ on a repeated parameter, `Admin` beside
//! `admin`, `roles[]` for `roles`, `a.b` for `a_b`, a malformed escape, a `;` in a query, a quoted or escaped cookie.
//! So reading such a value is an error. A name that is present in any reading is always found, so no spelling can
//! bypass a test for its presence.

use core::cmp::Ordering;

use bumpalo::collections::Vec;

use super::env::Env;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::limits::MAX_PAIRS;
use crate::percent;

const AMBIGUOUS: EvalErrorKind = EvalErrorKind::Ambiguous;

/// Returns the parameters of a query, decoded like forms: `+` is a space.
pub(super) fn of_query<'a>(query: &'a str, env: &mut Env<'a>) -> Value<'a> {
    // Older parsers split at `;`, and some servers cut at `#`.
    if query.contains([';', '#']) {
        return Value::error(AMBIGUOUS);
    }
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    collect(query.len(), parameters, env, |parameter, env| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let Value::String(name) = decoded(name, env)? else { return Err(AMBIGUOUS) };
        if breaks_off(name) {
            return Err(AMBIGUOUS);
        }
        let value = match decoded(value, env) {
            // `qs`, which Express uses, ends a name at `]=`.
            Ok(Value::String(value)) if value.contains("]=") => Value::error(AMBIGUOUS),
            value => value.unwrap_or_else(Value::error),
        };
        Ok(Pair { name, other_name: None, value })
    })
}

/// Returns the cookies of all `cookie` headers.
pub(super) fn of_cookies<'a>(headers: impl Iterator<Item = &'a [u8]> + Clone, env: &mut Env<'a>) -> Value<'a> {
    let bytes = headers.clone().map(<[u8]>::len).fold(0, usize::saturating_add);
    let cookies = headers.flat_map(|header| header.split(|byte| *byte == b';'));
    // Readers of RFC 2109 split at commas too. What follows one is a cookie to them, and a part of the value to others.
    let parts = cookies.flat_map(|cookie| {
        let has_comma = cookie.contains(&b',');
        let parts = cookie.split(|byte| *byte == b',').enumerate();
        parts.map(move |(at, part)| (part.trim_ascii(), cookie, has_comma, at > 0))
    });
    collect(bytes, parts.filter(|(part, ..)| !part.is_empty()), env, |(part, cookie, has_comma, after_comma), env| {
        if !quotes_end(cookie) {
            return Err(AMBIGUOUS);
        }
        let part = core::str::from_utf8(part).map_err(|_| EvalErrorKind::NotText)?;
        let (name, value) = match part.split_once('=') {
            Some((name, value)) if !has_comma => (name.trim_ascii_end(), cookie_value(value.trim_ascii_start())),
            Some((name, _)) => (name.trim_ascii_end(), Value::error(AMBIGUOUS)),
            None => (part, Value::error(AMBIGUOUS)),
        };
        // Older versions of PHP and Rack decode the names too.
        let other_name = match decoded(name, env) {
            Ok(Value::String(other)) => (other != name).then_some(other),
            // Readers that split at commas keep such a name as it is.
            _ if after_comma => None,
            _ => return Err(AMBIGUOUS),
        };
        if !after_comma && (breaks_off(name) || other_name.is_some_and(breaks_off)) {
            return Err(AMBIGUOUS);
        }
        Ok(Pair { name, other_name, value })
    })
}

/// Returns whether quotes that a cookie opens end within it. A `;` between quotes ends a cookie for some readers only.
fn quotes_end(cookie: &[u8]) -> bool {
    let quotes = cookie.iter().filter(|byte| **byte == b'"').count();
    quotes.is_multiple_of(2) && !(quotes > 0 && cookie.contains(&b'\\'))
}

/// Returns the value of a cookie as it is written. Some readers remove quotes, decode escapes, read `+` as a space, cut
/// at `=` (Undertow) or at a comma, or read what follows `j:` as JSON (Express).
fn cookie_value(value: &str) -> Value<'_> {
    let one_reading = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%' | b',' | b'\\' | b'+' | b'=');
    let has_one_reading = value.bytes().all(one_reading) && !value.starts_with("j:");
    if has_one_reading { Value::String(value) } else { Value::error(AMBIGUOUS) }
}

/// Decodes a name or a value of a query.
///
/// # Errors
/// An escape is malformed or encodes a null character, or the bytes are not UTF-8.
fn decoded<'a>(text: &'a str, env: &mut Env<'a>) -> Result<Value<'a>, EvalErrorKind> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Value::String(text));
    }
    let mut bytes = std::vec::Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (byte, more) = percent::escaped(more).filter(|(byte, _)| *byte != 0).ok_or(AMBIGUOUS)?;
                rest = more;
                byte
            }
            other => *other,
        });
    }
    env.text(core::str::from_utf8(&bytes).map_err(|_| EvalErrorKind::NotText)?)
}

/// A name with its value.
struct Pair<'a> {
    name: &'a str,
    /// The name as some readers read it, if that is another one.
    other_name: Option<&'a str>,
    value: Value<'a>,
}

/// Collects the names and values of a text of this many bytes. A repeated name has no value, nor have several names that
/// fold to the same one.
fn collect<'a, T>(
    bytes: usize,
    items: impl Iterator<Item = T>,
    env: &mut Env<'a>,
    read: impl Fn(T, &mut Env<'a>) -> Result<Pair<'a>, EvalErrorKind>,
) -> Value<'a> {
    let mut pairs: Vec<'a, (Value<'a>, Value<'a>)> = Vec::new_in(env.arena);
    let fill = || {
        env.burn_text(bytes)?;
        for (count, item) in items.enumerate() {
            if count == MAX_PAIRS {
                return Err(EvalErrorKind::TooLong);
            }
            let Pair { name, other_name, value } = read(item, env)?;
            let other = other_name.map(|name| (name, Value::error(AMBIGUOUS)));
            for (name, value) in [(name, value)].into_iter().chain(other) {
                env.burn_text(name.len().saturating_mul(SEARCHING))?;
                env.reserve(size_of::<(Value<'_>, Value<'_>)>())?;
                add(&mut pairs, name, value);
            }
        }
        Ok(())
    };
    match fill() {
        Ok(()) => Value::Pairs(pairs.into_bump_slice()),
        Err(kind) => Value::error(kind),
    }
}

/// Inserts a name at its sorted position. There are few names, so moving entries costs less than the code of a sort.
fn add<'a>(pairs: &mut Vec<'a, (Value<'a>, Value<'a>)>, name: &'a str, value: Value<'a>) {
    let start = pairs.partition_point(|(known, _)| order_to(*known, name) == Ordering::Less);
    let end = pairs.partition_point(|(known, _)| order_to(*known, name) != Ordering::Greater);
    let repeated = Value::error(EvalErrorKind::Repeated);
    let (mut is_known, mut value) = (false, value);
    for (known, one) in pairs.get_mut(start..end).unwrap_or_default() {
        (*one, value) = (repeated, repeated);
        is_known |= matches!(known, Value::String(known) if *known == name);
    }
    if !is_known {
        pairs.insert(end, (Value::String(name), value));
    }
}

/// How often a name is read at most to find its position: once for each doubling of [`MAX_PAIRS`], in two searches.
const SEARCHING: usize = 16;

/// Returns the value of a name in sorted pairs, or `None` if no reader finds one.
pub(super) fn find<'a>(pairs: &[(Value<'a>, Value<'a>)], name: &str) -> Option<Value<'a>> {
    pairs.binary_search_by(|(known, _)| order_to(*known, name)).ok()?;
    let exact = pairs.iter().find(|(known, _)| matches!(known, Value::String(known) if *known == name));
    // Without an exact match there is another spelling of the name, which some readers accept.
    Some(exact.map_or(Value::error(AMBIGUOUS), |(_, value)| *value))
}

/// Returns the order of a known name relative to another one.
fn order_to(known: Value<'_>, name: &str) -> Ordering {
    let Value::String(known) = known else { return Ordering::Less };
    folded(known).cmp(folded(name))
}

/// Returns whether a name has a bracket that does not end: `a[b` is `a_b` to PHP, and `a` to Rack.
fn breaks_off(name: &str) -> bool {
    base(name).split_once('[').is_some_and(|(_, index)| !index.contains(']'))
}

/// Returns a name as the most tolerant reader reads it: without surrounding characters that some reader removes, in one
/// case, without the text from a bracket on, and with `_` for characters that cannot be part of a variable's name in PHP.
fn folded(name: &str) -> impl Iterator<Item = u32> {
    let base = base(name);
    let end = base.find(['[', ']']).unwrap_or(base.len());
    // A space at the end is a `_` to PHP, and nothing to others. So is a `_` there.
    let name = base.get(..end).unwrap_or_default().trim_end_matches(|c| matches!(c, '_' | '.') || is_removed(c));
    name.chars().map(|c| match c {
        '.' | ' ' => u32::from('_'),
        // These are `i`, `s` and `k` to readers that ignore case as Unicode says.
        '\u{131}' | '\u{130}' => u32::from('i'),
        '\u{17f}' => u32::from('s'),
        '\u{212a}' => u32::from('k'),
        c if c.is_ascii() => u32::from(c.to_ascii_lowercase()),
        // The cases of other letters are not told apart, and neither are the letters.
        _ => u32::from(char::MAX),
    })
}

/// Returns a name without what some readers remove at its beginning: white space and control characters, a `?`
/// (`URLSearchParams`), the `!` of defaults (Spring), and brackets (`qs`, Rack).
fn base(name: &str) -> &str {
    name.trim_start_matches(|c| matches!(c, '?' | '!' | '[' | ']') || is_removed(c))
}

/// Returns whether some reader removes this character at the beginning and the end of a name.
fn is_removed(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Returns the answers for a name.
    fn answer(pairs: Value<'_>, name: &str) -> String {
        match pairs {
            Value::Pairs(pairs) => match find(pairs, name) {
                None => "-".to_owned(),
                Some(Value::String(value)) => format!("={value}"),
                Some(Value::Error(error)) => error.kind.as_str().to_owned(),
                Some(other) => format!("{other:?}"),
            },
            Value::Error(error) => format!("all: {}", error.kind.as_str()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_parameter_has_a_value_where_all_readers_agree() {
        for (query, name, expected) in [
            ("", "admin", "-"),
            ("admin=true", "admin", "=true"),
            ("a=1&admin=true&b", "admin", "=true"),
            ("a=1&admin=true&b", "b", "="),
            ("&&a=1&", "a", "=1"),
            ("a=b=c", "a", "=b=c"),
            ("=x", "", "=x"),
            ("admin=%74rue", "admin", "=true"),
            ("%61dmin=true", "admin", "=true"),
            ("q=a+b%2Bc%20d", "q", "=a b+c d"),
            ("q=%C3%A9", "q", "=\u{e9}"),
            ("page-size=2&page_size=3", "page-size", "=2"),
            // Found, but ambiguous.
            ("admin=true&admin=false", "admin", "repeated"),
            ("admin=true&admin=true", "admin", "repeated"),
            ("admin=false&Admin=true", "admin", "repeated"),
            ("Admin=true", "admin", "ambiguous"),
            ("ADMIN=true", "Admin", "ambiguous"),
            ("admin[]=true", "admin", "ambiguous"),
            ("+admin=true", "admin", "ambiguous"),
            ("admin+=true", "admin", "ambiguous"),
            ("admin+=true", "admin_", "ambiguous"),
            ("admin.=true", "admin_", "ambiguous"),
            ("[admin]=true", "admin", "ambiguous"),
            ("%5Badmin%5D=true", "admin", "ambiguous"),
            ("%5Badmin=true", "admin", "ambiguous"),
            ("]admin=true", "admin", "ambiguous"),
            ("admin]=true", "admin", "ambiguous"),
            ("admin[a]b=true", "admin", "ambiguous"),
            ("!admin=true", "admin", "ambiguous"),
            ("?admin=true", "admin", "ambiguous"),
            ("%0badmin=true", "admin", "ambiguous"),
            ("%C2%A0admin%E2%80%89=true", "admin", "ambiguous"),
            ("%EF%BB%BFadmin=true", "admin", "ambiguous"),
            ("adm%C4%B1n=true", "admin", "ambiguous"),
            ("%E2%84%AAey=true", "key", "ambiguous"),
            ("pa%C5%BFs=true", "pass", "ambiguous"),
            ("%C3%89=1", "\u{e9}", "ambiguous"),
            ("%C3%A9=1", "\u{e9}", "=1"),
            ("admin=false&[admin]=true", "admin", "repeated"),
            ("admin=a]=b", "admin", "ambiguous"),
            ("admin=a%5D=b", "admin", "ambiguous"),
            ("is.admin=true", "is_admin", "ambiguous"),
            ("is+admin=true", "is_admin", "ambiguous"),
            ("user=%zz", "user", "ambiguous"),
            ("user=%4", "user", "ambiguous"),
            ("user=a%00", "user", "ambiguous"),
            ("user=%ff", "user", "not-text"),
            ("user=%zz&a=1", "a", "=1"),
            // The names themselves are ambiguous.
            ("a=1;admin=true", "a", "all: ambiguous"),
            ("a=1#&b=2", "a", "all: ambiguous"),
            ("a=1&is[admin=true", "a", "all: ambiguous"),
            ("a=1&is[x]=1&is%5Badmin=true", "a", "all: ambiguous"),
            ("%u0061dmin=1&b=2", "b", "all: ambiguous"),
            ("a%00=1&b=2", "b", "all: ambiguous"),
            ("%c1%a1dmin=1&b=2", "b", "all: not-text"),
            ("a%zz=1&b=2", "b", "all: ambiguous"),
            ("%ff=1&b=2", "b", "all: not-text"),
        ] {
            let arena = Bump::new();
            let mut env = Env::new(&arena, &[]);
            assert_eq!(answer(of_query(query, &mut env), name), expected, "{query} {name}");
        }
    }

    #[test]
    fn a_cookie_has_a_value_where_all_readers_agree() {
        let cases: [(&[&str], &str, &str); 44] = [
            (&[], "plan", "-"),
            (&["plan=gold"], "plan", "=gold"),
            (&["a=1; plan=gold;b=2"], "plan", "=gold"),
            (&["a=1", "plan=gold"], "plan", "=gold"),
            (&["plan=a=b"], "plan", "ambiguous"),
            (&["plan=a=="], "plan", "ambiguous"),
            (&["plan=a+b"], "plan", "ambiguous"),
            (&["plan=j:true"], "plan", "ambiguous"),
            (&["plan=js:true"], "plan", "=js:true"),
            (&["plan=gold; x=a=b"], "plan", "=gold"),
            (&["plan="], "plan", "="),
            (&[" plan = gold ;"], "plan", "=gold"),
            (&["plan=gold; plan=free"], "plan", "repeated"),
            (&["plan=gold", "plan=free"], "plan", "repeated"),
            (&["Plan=gold"], "plan", "ambiguous"),
            (&["plan"], "plan", "ambiguous"),
            (&["plan=\"gold\""], "plan", "ambiguous"),
            (&["plan=go%6cd"], "plan", "ambiguous"),
            (&["plan=a,b=c"], "plan", "ambiguous"),
            (&["plan=a b"], "plan", "ambiguous"),
            (&["plan=caf\u{e9}; a=1"], "a", "=1"),
            (&["a.b=1"], "a_b", "ambiguous"),
            (&["..Host-id=1"], "__Host-id", "ambiguous"),
            (&["\u{b}plan=gold"], "plan", "ambiguous"),
            (&["\u{a0}plan=gold"], "plan", "ambiguous"),
            (&["plan[]=gold"], "plan", "ambiguous"),
            // Cookies after a comma.
            (&["a=1,plan=gold"], "plan", "ambiguous"),
            (&["a=1, plan"], "plan", "ambiguous"),
            (&["plan=gold; a=1,plan=free"], "plan", "repeated"),
            (&["$Version=1, plan=gold"], "plan", "ambiguous"),
            (&["$Version=1; plan=gold; $Path=/"], "plan", "=gold"),
            // Names with escapes.
            (&["%70lan=gold"], "plan", "ambiguous"),
            (&["%5F%5FHost-id=1"], "__Host-id", "ambiguous"),
            (&["+plan=gold"], "plan", "ambiguous"),
            (&["ajs%3Aid=1"], "ajs%3Aid", "=1"),
            (&["%70lan=gold; plan=free"], "plan", "repeated"),
            (&["a%zz=1; plan=gold"], "plan", "all: ambiguous"),
            (&["json={\"a\":1,\"b\":[1,2]}; plan=gold; p=1%,2%"], "plan", "=gold"),
            (&["a%5Bb=1; plan=gold"], "plan", "all: ambiguous"),
            // Cookies between quotes.
            (&["a=\"1\"; plan=gold"], "plan", "=gold"),
            (&["a=\"1; plan=gold; b\""], "plan", "all: ambiguous"),
            (&["a=\"1\\\"; plan=gold; b=\\\"\""], "plan", "all: ambiguous"),
            (&["a[b=1; plan=gold"], "plan", "all: ambiguous"),
            (&["=plan=gold"], "", "ambiguous"),
        ];
        for (headers, name, expected) in cases {
            let arena = Bump::new();
            let mut env = Env::new(&arena, &[]);
            let lines = headers.iter().map(|header| header.as_bytes());
            assert_eq!(answer(of_cookies(lines, &mut env), name), expected, "{headers:?} {name}");
        }
        let arena = Bump::new();
        let mut env = Env::new(&arena, &[]);
        assert_eq!(answer(of_cookies([&b"a=1; \xff=2"[..]].into_iter(), &mut env), "a"), "all: not-text");
    }

    #[test]
    fn there_are_not_too_many() {
        let arena = Bump::new();
        let mut env = Env::new(&arena, &[]);
        let query = |count: usize| (0..count).map(|at| format!("p{at}=1")).collect::<std::vec::Vec<_>>().join("&");
        let (most, more) = (query(MAX_PAIRS), query(MAX_PAIRS + 1));
        assert_eq!(answer(of_query(&most, &mut env), "p7"), "=1");
        assert_eq!(answer(of_query(&more, &mut env), "p7"), "all: too-long");
    }
}
