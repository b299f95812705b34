//! The instructions of a test to one application, read from the query of the request.

use std::time::Duration;

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Returns the headers that `?send.<service>=<header>:<value>` tells `service` to send. Anything not of this form is
/// ignored.
pub(super) fn headers_to_send(query: &str, service: &str) -> Vec<(String, Vec<u8>)> {
    headers_of("send.", query, service)
}

/// Returns the headers that `?respond.<service>=<header>:<value>` tells `service` to answer with.
pub(super) fn headers_to_respond(query: &str, service: &str) -> Vec<(String, Vec<u8>)> {
    headers_of("respond.", query, service)
}

fn headers_of(kind: &str, query: &str, service: &str) -> Vec<(String, Vec<u8>)> {
    let of_service = |part: &str| {
        let (key, value) = part.split_once('=')?;
        if key.strip_prefix(kind)? != service {
            return None;
        }
        let value = percent_decode(value);
        let colon = value.iter().position(|byte| *byte == b':')?;
        let (name, value) = value.split_at(colon);
        Some((String::from_utf8(name.to_vec()).ok()?, value.get(1..)?.to_vec()))
    };
    query.split('&').filter_map(of_service).collect()
}

/// Returns the headers that `?forward.<service>=<header>,<header>` tells `service` to forward instead of `traceparent`.
pub(super) fn headers_to_forward(query: &str, service: &str) -> Vec<String> {
    match value_of("forward.", query, service) {
        Some(names) => names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        None => vec!["traceparent".to_owned()],
    }
}

/// Returns the time that `?wait.<service>=<milliseconds>` tells `service` to wait.
pub(super) fn time_to_wait(query: &str, service: &str) -> Duration {
    let wanted = value_of("wait.", query, service).and_then(|value| value.parse().ok()).map(Duration::from_millis);
    wanted.unwrap_or_default().min(MAX_WAIT)
}

/// Returns the status that `?status.<service>=<status>` tells `service` to answer with.
pub(super) fn status_of_answer(query: &str, service: &str) -> Option<u16> {
    value_of("status.", query, service)?.parse().ok()
}

fn value_of<'q>(kind: &str, query: &'q str, service: &str) -> Option<&'q str> {
    let mut parts = query.split('&').filter_map(|part| part.split_once('='));
    parts.find(|(key, _)| key.strip_prefix(kind) == Some(service)).map(|(_, value)| value)
}

/// Decodes percent-encoding (RFC 3986). A `%` without two hexadecimal digits is kept.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some((first, rest)) = bytes.split_first() {
        let escaped = (*first == b'%').then(|| rest.split_at_checked(2)).flatten();
        match escaped.and_then(|(digits, tail)| Some((hex(digits)?, tail))) {
            Some((byte, tail)) => {
                decoded.push(byte);
                bytes = tail;
            }
            None => {
                decoded.push(*first);
                bytes = rest;
            }
        }
    }
    decoded
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_reads_its_own_part() {
        let query = "x=1&send.ledger=x-tenant-id:evil&send.web-frontend=x-a:b&send.ledger=baggage:a%3Db%2Cc%3Dd";
        let expected = [("x-tenant-id".to_owned(), b"evil".to_vec()), ("baggage".to_owned(), b"a=b,c=d".to_vec())];
        assert_eq!(headers_to_send(query, "ledger"), expected);
        assert!(headers_to_send(query, "checkout-service").is_empty());
    }

    #[test]
    fn a_value_may_hold_any_byte_and_colons() {
        assert_eq!(headers_to_send("send.a=x:%ff:%2", "a"), [("x".to_owned(), b"\xff:%2".to_vec())]);
    }

    #[test]
    fn what_is_forwarded_and_how_long_it_takes_a_test_may_say() {
        let query = "forward.a=baggage,b3&wait.a=7&forward.b=&wait.b=99999999&wait.c=x";
        assert_eq!(headers_to_forward(query, "a"), ["baggage", "b3"]);
        assert!(headers_to_forward(query, "b").is_empty());
        assert_eq!(headers_to_forward(query, "c"), ["traceparent"]);
        let waits = ["a", "b", "c"].map(|service| time_to_wait(query, service));
        assert_eq!(waits, [Duration::from_millis(7), MAX_WAIT, Duration::ZERO]);
    }

    #[test]
    fn what_is_no_instruction_is_passed_over() {
        for query in ["", "send.a", "send.a=", "send.a=x", "a=x:y", "&&=", "send.a=%ff:x"] {
            assert!(headers_to_send(query, "a").is_empty(), "{query}");
        }
    }
}
