//! Requests as a test writes them, and responses as it reads them.

use bytes::Bytes;
use serde_json::Value;

use crate::error::{Context as _, Error, Result};

/// The largest body that is read of an answer.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// One request. Header names and values are bytes, may repeat, and are sent in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, `GET` for one.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host; the endpoint's where there is none.
    pub authority: Option<String>,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, empty for none.
    pub body: Bytes,
    /// Names and values behind the body.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// A request without headers and body.
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

    /// A `GET`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` with a body.
    pub fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// A gRPC call as far as a proxy can tell: `POST`, `application/grpc`, `te: trailers`. Send it to an endpoint in HTTP/2.
    pub fn grpc(path: &str) -> Self {
        // One empty message: not compressed, length 0.
        Self::post(path, Bytes::from_static(&[0; 5]))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    }

    /// Adds a header; the same name may be added again. The value may hold bytes that are not UTF-8.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds a trailer. HTTP/1.1 sends those only that the header `trailer` announces.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Names another host than the endpoint's.
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
    /// Names in lower case and values, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
    /// The trailers, as gRPC ends its answers with.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Response {
    /// The first value of the header `name` (lower case), as text; bytes that are not UTF-8 become `U+FFFD`.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }

    /// `grpc-status`: in the headers of an answer without messages, else in the trailers.
    pub fn grpc_status(&self) -> Option<String> {
        self.header("grpc-status").or_else(|| first(&self.trailers, "grpc-status"))
    }

    /// The body as text; bytes that are not UTF-8 become `U+FFFD`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none; the error shows the status and the body's beginning.
    pub fn json(&self) -> Result<Value> {
        let start: String = self.text().chars().take(200).collect();
        serde_json::from_slice(&self.body)
            .context(format_args!("the body of this {} is not JSON (`{start}`)", self.status))
    }

    /// The application's answer of `service` in the demo mesh, however deep in the chain of answers it is.
    ///
    /// # Errors
    /// The body is no JSON, or the request did not reach that service.
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
