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
    // Older parsers split there.
    if query.contains(';') {
        return Value::error(AMBIGUOUS);
    }
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    collect(query.len(), parameters, env, |parameter, env| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let Value::String(name) = decoded(name, env)? else { return Err(AMBIGUOUS) };
        Ok((name, decoded(value, env).unwrap_or_else(Value::error)))
    })
}

/// Returns the cookies of all `cookie` headers.
pub(super) fn of_cookies<'a>(headers: impl Iterator<Item = &'a [u8]> + Clone, env: &mut Env<'a>) -> Value<'a> {
    let bytes = headers.clone().map(<[u8]>::len).fold(0, usize::saturating_add);
    let pairs = headers.flat_map(|header| header.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    collect(bytes, pairs.filter(|pair| !pair.is_empty()), env, |pair, _| {
        let pair = core::str::from_utf8(pair).map_err(|_| EvalErrorKind::NotText)?;
        Ok(match pair.split_once('=') {
            Some((name, value)) => (name.trim_ascii_end(), cookie_value(value.trim_ascii_start())),
            None => (pair, Value::error(AMBIGUOUS)),
        })
    })
}

/// Returns the value of a cookie as it is written. Some readers remove quotes, decode escapes, or split at commas.
fn cookie_value(value: &str) -> Value<'_> {
    let one_reading = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%' | b',' | b'\\');
    if value.bytes().all(one_reading) { Value::String(value) } else { Value::error(AMBIGUOUS) }
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

/// Collects the names and values of a text of this many bytes. A repeated name has no value, nor have several names that
/// fold to the same one.
fn collect<'a, T>(
    bytes: usize,
    items: impl Iterator<Item = T>,
    env: &mut Env<'a>,
    read: impl Fn(T, &mut Env<'a>) -> Result<(&'a str, Value<'a>), EvalErrorKind>,
) -> Value<'a> {
    let mut pairs: Vec<'a, (Value<'a>, Value<'a>)> = Vec::new_in(env.arena);
    let fill = || {
        env.burn_text(bytes)?;
        for (count, item) in items.enumerate() {
            if count == MAX_PAIRS {
                return Err(EvalErrorKind::TooLong);
            }
            let (name, value) = read(item, env)?;
            env.burn_text(name.len().saturating_mul(SEARCHING))?;
            env.reserve(size_of::<(Value<'_>, Value<'_>)>())?;
            add(&mut pairs, name, value);
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

/// Returns a name as the most tolerant reader reads it: without surrounding white space, in lower case, without the
/// text from a bracket on, and with `_` for characters that cannot be part of a variable's name in PHP.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    let name = name.trim_ascii();
    let end = name.find('[').filter(|at| *at > 0).unwrap_or(name.len());
    name.get(..end).unwrap_or_default().bytes().map(|byte| match byte {
        b'.' | b' ' | b'[' => b'_',
        byte => byte.to_ascii_lowercase(),
    })
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
            ("admin[x=true", "admin", "ambiguous"),
            ("+admin=true", "admin", "ambiguous"),
            ("is.admin=true", "is_admin", "ambiguous"),
            ("is+admin=true", "is_admin", "ambiguous"),
            ("user=%zz", "user", "ambiguous"),
            ("user=%4", "user", "ambiguous"),
            ("user=a%00", "user", "ambiguous"),
            ("user=%ff", "user", "not-text"),
            ("user=%zz&a=1", "a", "=1"),
            // The names themselves are ambiguous.
            ("a=1;admin=true", "a", "all: ambiguous"),
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
        let cases: [(&[&str], &str, &str); 17] = [
            (&[], "plan", "-"),
            (&["plan=gold"], "plan", "=gold"),
            (&["a=1; plan=gold;b=2"], "plan", "=gold"),
            (&["a=1", "plan=gold"], "plan", "=gold"),
            (&["plan=a=b"], "plan", "=a=b"),
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
