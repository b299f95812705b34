//! The requests of the measurement: those that a service of the demo sends and receives.

use context_mesh_core::artifact;
use context_mesh_core::carrier::mesh_header;
use context_mesh_core::context::Context;
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

/// Returns a request of another service with a context.
pub fn inbound(number: usize, context: &str) -> Vec<u8> {
    request(SERVICE, number, &format!("x-mesh-context: {context}\r\n"))
}

/// Returns a call of an application that only forwards the trace.
pub fn outbound(number: usize) -> Vec<u8> {
    request(DESTINATION, number, "")
}

/// Returns the request of an HTTP client library, as it is sent over the wire.
fn request(host: &str, number: usize, more: &str) -> Vec<u8> {
    let trace = trace_parent(number);
    format!(
        "GET /checkout/cart-4711?step=2 HTTP/1.1\r\nhost: {host}\r\nuser-agent: shop/1.0\r\naccept: application/json\r\n\
         accept-encoding: gzip\r\ntraceparent: {trace}\r\n{more}\r\n"
    )
    .into_bytes()
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
    fn the_context_reads_back() {
        let policy = Policy::shop().unwrap();
        let value = mesh_context(&policy, 1_000).unwrap();
        let program = artifact::load(&policy.artifact).unwrap();
        let header = mesh_header::decode(value.as_bytes(), program.words()).unwrap();
        assert_eq!(header.context.get("tenant_id"), Some("\"tenant_acme\""));
        assert_eq!(header.context.len(), FIELDS.len());
    }
}
