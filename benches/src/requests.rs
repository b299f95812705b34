//! The requests of the measurement: those that a service of the demo sends and receives.

use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_core::carrier::mesh_header;
use context_mesh_core::context::Context;
use context_mesh_e2e::client::Request;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::Policy;

use crate::demo::FIELDS;
use crate::sidecar::{DESTINATION, SERVICE};

/// Returns the `x-mesh-context` that `web-frontend` sends in the demo, written at `now_ms` (milliseconds since 1970).
///
/// # Errors
/// The artifact does not load, which would be a bug.
pub fn mesh_context(policy: &Policy, now_ms: u64) -> Result<String> {
    let program = artifact::load(&policy.artifact).map_err(|error| Error::new(error.to_string()))?;
    let mut context = Context::new();
    for (field, json) in FIELDS {
        context.insert(field, json).map_err(|error| Error::new(format!("the field `{field}`: {error:?}")))?;
    }
    mesh_header::encode(&context, program.words().writer(now_ms), now_ms)
        .map_err(|error| Error::new(format!("the context: {}", error.as_str())))
}

/// A field that only the rules of the measurements read: name and JSON text.
pub const ATTEMPT: (&str, &str) = ("attempt", "3");

/// Returns an `x-mesh-context` that differs for each number in the customer, the user and the correlation id, with the
/// fields of the demo and `more`.
///
/// # Errors
/// The context cannot be written, which would be a bug.
pub fn varied_context(program: &VerifiedProgram, number: usize, now_ms: u64, more: &[(&str, &str)]) -> Result<String> {
    let mut context = Context::new();
    for (field, json) in FIELDS.iter().chain(more) {
        let json = match *field {
            "tenant_id" => format!("\"{}\"", tenant(number)),
            "user_id" => format!("\"user_{number}\""),
            "correlation_id" => format!("\"5f9a31aa-7d10-4ba3-823d-{number:012x}\""),
            _ => (*json).to_owned(),
        };
        context.insert(field, &json).map_err(|error| Error::new(format!("the field `{field}`: {error:?}")))?;
    }
    mesh_header::encode(&context, program.words().writer(now_ms), now_ms)
        .map_err(|error| Error::new(format!("the context: {}", error.as_str())))
}

/// Returns one of a hundred customers. No rule of the measurements is about them.
pub fn tenant(number: usize) -> String {
    format!("tenant_acme_{}", number % 100)
}

/// A request before it is written as HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    host: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
}

/// Returns a request of another service with a context.
pub fn inbound(number: usize, context: &str) -> Message {
    request(SERVICE, number).with("x-mesh-context", context)
}

/// Returns a request of another service that only names the customer.
pub fn without_context(number: usize) -> Message {
    request(SERVICE, number)
}

/// Returns a call of an application that only forwards the trace.
pub fn outbound(number: usize) -> Message {
    request(DESTINATION, number)
}

/// Returns the request of an HTTP client library.
fn request(host: &'static str, number: usize) -> Message {
    let headers = vec![
        ("user-agent", "shop/1.0".to_owned()),
        ("accept", "application/json".to_owned()),
        ("accept-encoding", "gzip".to_owned()),
        ("traceparent", trace_parent(number)),
    ];
    Message { host, path: "/checkout/cart-4711?step=2".to_owned(), headers }
}

impl Message {
    /// Returns the request with another header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Returns the request as it is sent over a connection of HTTP/1.1.
    pub fn to_wire(&self) -> Vec<u8> {
        let Self { host, path, headers } = self;
        let mut wire = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n");
        for (name, value) in headers {
            wire.push_str(&format!("{name}: {value}\r\n"));
        }
        (wire + "\r\n").into_bytes()
    }

    /// Returns the request for a client that writes HTTP itself.
    pub fn to_request(&self) -> Request {
        let request = Request::get(&self.path).authority(self.host);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }
}

/// Returns a trace id and span id in the format of W3C Trace Context. The same number always has the same ids.
fn trace_parent(number: usize) -> String {
    // Spreads the number over all bits, like random ids.
    let id = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("00-{id:032x}-00f067aa0ba902b7-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_trace_of_its_own() {
        let parts: Vec<_> = trace_parent(7).split('-').map(str::len).collect();
        assert_eq!(parts, [2, 32, 16, 2]);
        assert_ne!(trace_parent(7), trace_parent(8));
    }

    #[test]
    fn a_request_is_written_as_http() {
        let wire = String::from_utf8(outbound(0).with("x-tenant-id", "a").to_wire()).unwrap();
        assert!(wire.starts_with("GET /checkout/cart-4711?step=2 HTTP/1.1\r\nhost: payment-service\r\n"), "{wire}");
        assert!(wire.ends_with("\r\nx-tenant-id: a\r\n\r\n"), "{wire}");
    }

    #[test]
    fn contexts_differ() {
        let policy = Policy::shop().unwrap();
        let program = artifact::load(&policy.artifact).unwrap();
        let context = |number| varied_context(&program, number, 1_000, &[]).unwrap();
        assert_ne!(context(1), context(2));
        assert_eq!(context(1), context(1));
    }

    #[test]
    fn the_context_reads_back() {
        let policy = Policy::shop().unwrap();
        let value = mesh_context(&policy, 1_000).unwrap();
        let program = artifact::load(&policy.artifact).unwrap();
        let header = mesh_header::decode(value.as_bytes(), program.words()).unwrap();
        assert_eq!(header.context.get("tenant_id"), Some("\"tenant_acme\""));
        assert_eq!(header.context.len(), FIELDS.len());
    }
}
