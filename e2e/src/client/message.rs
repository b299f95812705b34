//! Requests as tests write them, and responses as they read them.

use bytes::Bytes;
use serde_json::Value;

use crate::error::{Context as _, Error, Result};

/// The largest body of an answer that is read, in bytes.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// One request. Header names and values are bytes, may repeat, and are sent in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, for example `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host; by default the endpoint's.
    pub authority: Option<String>,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// Names and values of the trailers after the body.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// Returns a request without headers and body.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            authority: None,
            headers: Vec::new(),
            body: Bytes::new(),
            trailers: Vec::new(),
        }
    }

    /// Returns a `GET`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Returns a `POST` with a body.
    pub fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// Returns a gRPC call in the form that a proxy recognises: `POST`, `application/grpc`, `te: trailers`. It must be
    /// sent to an endpoint with HTTP/2.
    pub fn grpc(path: &str) -> Self {
        // One empty message: not compressed, length 0.
        Self::post(path, Bytes::from_static(&[0; 5]))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    }

    /// Adds a header. The same name may be added again. The value may contain bytes that are not UTF-8.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds a trailer. HTTP/1.1 only sends trailers that the header `trailer` announces.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets another host than the endpoint's.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.to_owned());
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// One answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case and values, in the order of arrival.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
    /// The trailers, which gRPC sends at the end of its answers.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Response {
    /// Returns the first value of the header `name` (lower case) as text. Bytes that are not UTF-8 become `U+FFFD`.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }

    /// Returns `grpc-status`: from the headers of an answer without messages, otherwise from the trailers.
    pub fn grpc_status(&self) -> Option<String> {
        self.header("grpc-status").or_else(|| first(&self.trailers, "grpc-status"))
    }

    /// Returns the body as text. Bytes that are not UTF-8 become `U+FFFD`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// It is not JSON. The error shows the status and the beginning of the body.
    pub fn json(&self) -> Result<Value> {
        let start: String = self.text().chars().take(200).collect();
        serde_json::from_slice(&self.body)
            .context(format_args!("the body of this {} is not JSON (`{start}`)", self.status))
    }

    /// Returns the answer of the application of `service` in the demo mesh, at any depth of the chain of answers.
    ///
    /// # Errors
    /// The body is not JSON, or the request did not reach that service.
    pub fn hop(&self, service: &str) -> Result<Value> {
        let body = self.json()?;
        find_hop(&body, service).cloned().ok_or_else(|| Error::new(format!("no answer of `{service}` in {body}")))
    }
}

fn find_hop<'v>(answer: &'v Value, service: &str) -> Option<&'v Value> {
    if answer["service"] == service {
        return Some(answer);
    }
    match answer.get("downstream")? {
        Value::Array(answers) => answers.iter().find_map(|answer| find_hop(answer, service)),
        answer => find_hop(answer, service),
    }
}

fn first(headers: &[(String, Vec<u8>)], name: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &'static str) -> Response {
        Response { status: 200, headers: Vec::new(), body: Bytes::from_static(body.as_bytes()), trailers: Vec::new() }
    }

    #[test]
    fn a_hop_is_found_however_deep_it_is() {
        let answer =
            response(r#"{"service":"a","downstream":{"service":"b","downstream":[{"service":"c"},{"service":"d"}]}}"#);
        for service in ["a", "b", "c", "d"] {
            assert_eq!(answer.hop(service).unwrap()["service"], service);
        }
        assert!(answer.hop("e").unwrap_err().to_string().contains("`e`"));
    }

    #[test]
    fn a_body_that_is_not_json_is_shown() {
        assert!(response("upstream connect error").json().unwrap_err().to_string().contains("upstream connect error"));
    }
}
