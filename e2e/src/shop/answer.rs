//! The JSON of the answers of an application of the demo.

use hyper::HeaderMap;
use serde_json::{Map, Value, json};

use crate::client::Response;

/// The prefix of a value that was not UTF-8.
const NOT_UTF8: &str = "(not UTF-8) ";

/// Returns the headers that matter to a reader of the demo: those that start with `x-` (or with what some read as
/// `x-`), `baggage`, `traceparent` and `tracestate`. A repeated header is a list.
pub(super) fn saw(headers: &HeaderMap) -> Value {
    let shown = |name: &str| {
        ["x-", "x_", "x."].iter().any(|start| name.starts_with(start)) || name == "baggage" || name.starts_with("trace")
    };
    let mut seen = Map::new();
    for name in headers.keys().filter(|name| shown(name.as_str())) {
        let mut values: Vec<Value> = headers.get_all(name).iter().map(|value| text(value.as_bytes()).into()).collect();
        let value = if values.len() == 1 { values.remove(0) } else { values.into() };
        seen.insert(name.as_str().to_owned(), value);
    }
    seen.into()
}

/// Returns the headers in which older tracers carry what is now `baggage`, or `None` if there are none.
pub(super) fn other_baggage(headers: &HeaderMap) -> Option<Value> {
    let old = |name: &str| ["correlation-context", "uberctx-"].iter().any(|start| name.starts_with(start));
    let found = headers.iter().filter(|(name, _)| old(name.as_str()));
    let found: Map<String, Value> =
        found.map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()).into())).collect();
    (!found.is_empty()).then_some(found.into())
}

fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("{NOT_UTF8}{}", String::from_utf8_lossy(value)),
    }
}

/// Returns the answer of a called service: its JSON, its gRPC status if it is a refusal, otherwise its text.
pub(super) fn downstream(response: &Response) -> Value {
    match response.grpc_status() {
        Some(status) if status != "0" => {
            json!({"grpc_status": status, "message": response.header("grpc-message").unwrap_or_default()})
        }
        _ => response.json().unwrap_or_else(|_| response.text().into()),
    }
}

/// Returns the whole answer. With one call, `downstream` and `downstream_status` are those of the call; with several
/// calls they are lists.
pub(super) fn compose(service: &str, saw: Value, mut calls: Vec<(u16, Value)>) -> Value {
    match calls.len() {
        0 => json!({"service": service, "saw": saw}),
        1 => {
            let (status, answer) = calls.remove(0);
            json!({"service": service, "saw": saw, "downstream_status": status, "downstream": answer})
        }
        _ => {
            let (statuses, answers): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
            json!({"service": service, "saw": saw, "downstream_status": statuses, "downstream": answers})
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_headers_that_matter_are_shown_and_repeated_ones_all() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-a", "1"), ("x-a", "2"), ("traceparent", "00"), ("authorization", "secret"), ("baggage", "k=v")]
        {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(saw(&headers), json!({"x-a": ["1", "2"], "traceparent": "00", "baggage": "k=v"}));
    }

    #[test]
    fn a_value_that_is_not_utf8_is_marked() {
        let mut headers = HeaderMap::new();
        headers.append(HeaderName::from_static("x-a"), HeaderValue::from_bytes(b"a\xff").unwrap());
        assert_eq!(saw(&headers), json!({"x-a": "(not UTF-8) a\u{fffd}"}));
    }

    #[test]
    fn a_refused_grpc_call_shows_its_status() {
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let headers = vec![header("grpc-status", "7"), header("grpc-message", "not you")];
        let response = Response { status: 200, headers, body: bytes::Bytes::new(), trailers: Vec::new() };
        assert_eq!(downstream(&response), json!({"grpc_status": "7", "message": "not you"}));
    }

    #[test]
    fn one_call_is_shown_plain_and_several_as_lists() {
        let one = compose("a", json!({}), vec![(200, json!({"service": "b"}))]);
        assert_eq!(one["downstream"]["service"], "b");
        let two = compose("a", json!({}), vec![(200, json!(1)), (403, json!(2))]);
        assert_eq!(two["downstream_status"], json!([200, 403]));
        assert_eq!(compose("a", json!({}), Vec::new()).get("downstream"), None);
    }
}
