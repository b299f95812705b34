//! W3C `tracestate`: tracing libraries forward it together with `traceparent`, and so the ticket in it.
//!
//! Libraries drop the whole header if any part of it is malformed, so a malformed header is replaced by our member
//! alone. See <https://www.w3.org/TR/trace-context-2/#tracestate-header>.

use crate::limits::{MAX_TRACESTATE_BYTES, MAX_TRACESTATE_MEMBERS};

/// The name of the header.
pub const NAME: &str = "tracestate";

/// The key of our member.
pub const KEY: &str = "cmesh";

/// Longest value of a member, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// Longest key of a member, in bytes.
const MAX_KEY_BYTES: usize = 256;

/// The header without our members.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Foreign<'v> {
    members: Vec<&'v [u8]>,
    /// Whether the members conform to the W3C specification. Otherwise no library would forward them.
    pub valid: bool,
}

/// Returns the values of all our members, in any line, including those that are not written as W3C specifies.
pub fn tickets<'v>(lines: impl Iterator<Item = &'v [u8]>) -> impl Iterator<Item = &'v [u8]> {
    lines.flat_map(members).filter_map(|member| {
        let (key, value) = split(member);
        is_ours(key).then(|| value.unwrap_or_default().trim_ascii())
    })
}

/// Returns the members of others, in order.
pub fn foreign<'v>(lines: impl Iterator<Item = &'v [u8]>) -> Foreign<'v> {
    let members: Vec<&[u8]> = lines.flat_map(members).filter(|member| !is_ours(split(member).0)).collect();
    // Members after the limit are dropped anyway.
    let kept = || members.iter().take(MAX_TRACESTATE_MEMBERS);
    let keys = || kept().map(|member| split(member).0);
    let distinct = || keys().enumerate().all(|(at, key)| !keys().skip(at.saturating_add(1)).any(|other| other == key));
    let valid = kept().all(|member| is_valid(member)) && distinct();
    Foreign { members, valid }
}

impl Foreign<'_> {
    /// Returns the header's value: our member with the ticket first, then the others up to the limits, dropped from the
    /// right. Returns `None` if nothing is left. Without a ticket the others are returned unchanged, valid or not.
    pub fn with(&self, ticket: Option<&str>) -> Option<Vec<u8>> {
        let Some(ticket) = ticket else {
            return (!self.members.is_empty()).then(|| self.members.join(&b','));
        };
        let mut out = [KEY.as_bytes(), b"=", ticket.as_bytes()].concat();
        let others: &[&[u8]] = if self.valid { &self.members } else { &[] };
        for member in others.iter().take(MAX_TRACESTATE_MEMBERS.saturating_sub(1)) {
            if out.len().saturating_add(member.len()) >= MAX_TRACESTATE_BYTES {
                break;
            }
            out.push(b',');
            out.extend_from_slice(member);
        }
        Some(out)
    }
}

/// Returns the members of a line, without surrounding white space and without empty members.
fn members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

fn split(member: &[u8]) -> (&[u8], Option<&[u8]>) {
    match member.iter().position(|byte| *byte == b'=').and_then(|at| member.split_at_checked(at)) {
        Some((key, value)) => (key, value.get(1..)),
        None => (member, None),
    }
}

/// Returns whether a key is ours. Libraries trim and change case, so a key that could become ours is ours.
fn is_ours(key: &[u8]) -> bool {
    key.trim_ascii().eq_ignore_ascii_case(KEY.as_bytes())
}

fn is_valid(member: &[u8]) -> bool {
    let (key, Some(value)) = split(member) else { return false };
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    is_key(key)
        && (1..=MAX_VALUE_BYTES).contains(&value.len())
        && value.iter().all(plain)
        && value.last().is_some_and(|last| *last != b' ')
}

/// Returns whether a key is a simple key, or a tenant and a system. Level 1 only allows tenants to begin with a digit,
/// and libraries check this rule.
fn is_key(key: &[u8]) -> bool {
    let rest =
        |part: &[u8]| part.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'));
    let letter = |part: &[u8]| part.first().is_some_and(u8::is_ascii_lowercase);
    let mut parts = key.split(|byte| *byte == b'@');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(simple), None, None) => letter(simple) && simple.len() <= MAX_KEY_BYTES && rest(simple),
        (Some(tenant), Some(system), None) => {
            let starts = letter(tenant) || tenant.first().is_some_and(u8::is_ascii_digit);
            starts && tenant.len() <= 241 && rest(tenant) && letter(system) && system.len() <= 14 && rest(system)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TICKET: &str = "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a";

    fn lines<'v>(values: &'v [&str]) -> impl Iterator<Item = &'v [u8]> {
        values.iter().map(|value| value.as_bytes())
    }

    fn written(values: &[&str]) -> String {
        String::from_utf8(foreign(lines(values)).with(Some(TICKET)).unwrap()).unwrap()
    }

    #[test]
    fn the_ticket_stands_first_and_once() {
        for (values, others) in [
            (vec![], ""),
            (vec!["a=b"], ",a=b"),
            (vec!["a=b, c=d ,,", "e@f=g h"], ",a=b,c=d,e@f=g h"),
            (vec!["a=b,cmesh=old", "cmesh=older,c=d"], ",a=b,c=d"),
            (vec!["cmesh", "CMESH=x", "cmesh = y"], ""),
            (vec!["cmesh@x=y,cmeshy=z"], ",cmesh@x=y,cmeshy=z"),
            (vec!["1a@b=c"], ",1a@b=c"),
        ] {
            assert_eq!(written(&values), format!("cmesh={TICKET}{others}"), "{values:?}");
            assert!(foreign(lines(&values)).valid, "{values:?}");
        }
    }

    #[test]
    fn what_is_not_valid_is_replaced() {
        let long_key = format!("{}=v", "k".repeat(257));
        let long_value = format!("k={}", "v".repeat(257));
        for value in [
            "a",
            "a=",
            "=b",
            "A=b",
            "1=b",
            "a@1=b",
            "a@=b",
            "@a=b",
            "a@b@c=d",
            "a b=c",
            "a=b=c",
            "a=b\tc",
            "a=\u{e9}",
            "a=1,a=2",
            "a=1,b=2,a=1",
            &long_key,
            &long_value,
        ] {
            assert!(!foreign(lines(&[value])).valid, "{value}");
            assert_eq!(written(&[value]), format!("cmesh={TICKET}"), "{value}");
            assert_eq!(foreign(lines(&[value])).with(None), Some(value.as_bytes().to_vec()), "{value}");
        }
    }

    #[test]
    fn others_are_dropped_from_the_right() {
        let many: Vec<String> = (0..40).map(|number| format!("k{number}=v")).collect();
        let written_many = written(&[&many.join(",")]);
        assert_eq!(written_many.split(',').count(), 32);
        assert!(written_many.ends_with("k30=v"), "{written_many}");
        let value = "v".repeat(200);
        let long = written(&[&format!("a={value},b={value},c={value},d=1")]);
        assert_eq!(long, format!("cmesh={TICKET},a={value},b={value}"));
        let first = format!("a={}", "v".repeat(250));
        let room = 512 - written(&[&first]).len() - ",b=".len();
        assert_eq!(written(&[&first, &format!("b={}", "v".repeat(room))]).len(), 512);
        assert!(!written(&[&first, &format!("b={}", "v".repeat(room + 1))]).contains(",b="));
    }

    #[test]
    fn all_tickets_are_found_wherever_they_stand() {
        let found = |values: &[&str]| -> Vec<String> {
            tickets(lines(values)).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
        };
        assert_eq!(found(&["a=b,cmesh=1", "dd=s,cmesh=2,CMesh= 3 ", "cmesh"]), ["1", "2", "3", ""]);
        assert_eq!(found(&["a=b", "xcmesh=1"]), [""; 0]);
    }

    #[test]
    fn without_a_ticket_only_ours_goes() {
        let strip = |values: &[&str]| foreign(lines(values)).with(None).map(|value| String::from_utf8(value).unwrap());
        assert_eq!(strip(&["cmesh=1"]), None);
        assert_eq!(strip(&["a=b,cmesh=1", "c=d"]).as_deref(), Some("a=b,c=d"));
        assert_eq!(strip(&[]), None);
    }
}
