//! The ordinary requests of the demo.

use std::path::Path;

use context_mesh_core::carrier::mesh_header;
use context_mesh_core::carrier::words::Words;
use context_mesh_core::context::Context;
use context_mesh_e2e::error::Result;
use context_mesh_e2e::policy::Policy;
use context_mesh_e2e::topology::Role;

use super::{Filter, Outcome, Recorded, Sent};
use crate::demo::{FIELDS, NOW_MS, PEER};

/// Number of requests that warm the filter up: the first ones allocate data that is reused.
const REQUESTS: usize = 20;

/// The cost of one request and its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordinary {
    /// The request that arrived.
    pub inbound: Outcome,
    /// A call with its ticket.
    pub by_ticket: Outcome,
    /// A call that only has its trace id.
    pub by_id: Outcome,
}

/// Returns both plugins of a service.
///
/// # Errors
/// The same as for [`Filter::load`].
pub fn filter(wasm: &Path, policy: &Policy, service: &str) -> Result<Filter> {
    let configurations = [Role::Inbound, Role::Outbound].map(|role| policy.configuration(service, role));
    let [inbound, outbound] = configurations.each_ref().map(String::as_str);
    Filter::load(wasm, [inbound, outbound])
}

/// Sends requests of the demo to `checkout-service` and returns the result of the last one.
///
/// # Errors
/// The same as for [`Filter::load`].
pub fn ordinary(wasm: &Path, policy: &Policy, secrets: bool) -> Result<Ordinary> {
    let mut filter = filter(wasm, policy, "checkout-service")?;
    if !secrets {
        filter.without_secrets();
    }
    warm_up(&mut filter)?;
    request(&mut filter, REQUESTS)
}

fn warm_up(filter: &mut Filter) -> Result<()> {
    (1..REQUESTS).try_for_each(|number| request(filter, number).map(drop))
}

fn request(filter: &mut Filter, number: usize) -> Result<Ordinary> {
    let trace = trace(number);
    let inbound = arrive(filter, &trace)?;
    let baggage = inbound.header("baggage").map(|value| String::from_utf8_lossy(value).into_owned());
    let ticket = baggage.as_deref().and_then(|value| value.split(',').next()).unwrap_or_default();
    let by_ticket = filter.outbound(&sent(&[("traceparent", &trace), ("baggage", ticket)]))?;
    let by_id = filter.outbound(&sent(&[("traceparent", &trace)]))?;
    Ok(Ordinary { inbound, by_ticket, by_id })
}

fn arrive(filter: &mut Filter, trace: &str) -> Result<Outcome> {
    filter.inbound(PEER, &sent(&[("traceparent", trace), ("x-mesh-context", &context(&FIELDS))]))
}

/// The calls of the host that the filter makes for an ordinary request, and for a call that is recalled by its trace id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCalls {
    /// The exports of the filter: names, numbers of parameters, and whether there is a result.
    pub exports: Vec<(String, usize, bool)>,
    /// For the request that arrived.
    pub inbound: Vec<Recorded>,
    /// For the call.
    pub outbound: Vec<Recorded>,
}

/// Sends requests of the demo to `checkout-service` and returns the calls of the host for the last one.
///
/// # Errors
/// The same as for [`Filter::load`].
pub fn host_calls(wasm: &Path, policy: &Policy) -> Result<HostCalls> {
    let mut filter = filter(wasm, policy, "checkout-service")?;
    warm_up(&mut filter)?;
    let trace = trace(REQUESTS);
    filter.record();
    arrive(&mut filter, &trace)?;
    let inbound = filter.recorded();
    filter.record();
    filter.outbound(&sent(&[("traceparent", &trace)]))?;
    Ok(HostCalls { exports: filter.exports(), inbound, outbound: filter.recorded() })
}

/// Returns the headers of an HTTP client library, and these additional ones.
pub fn sent(more: &[(&str, &str)]) -> Sent {
    let usual = [
        (":authority", "checkout-service"),
        (":path", "/checkout/cart-4711?step=2"),
        (":method", "GET"),
        (":scheme", "https"),
        ("user-agent", "shop/1.0"),
        ("accept", "application/json"),
    ];
    let pair = |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    usual.iter().chain(more).map(pair).collect()
}

/// Returns a `traceparent` of a separate trace for each number.
pub fn trace(number: usize) -> String {
    format!("00-4bf92f3577b34da6a3ce929d{number:08x}-00f067aa0ba902b7-01")
}

/// Returns an `x-mesh-context` with these fields (JSON texts), made now. Invalid fields are omitted.
pub fn context(fields: &[(&str, &str)]) -> String {
    let mut context = Context::new();
    for (name, value) in fields {
        let _ = context.insert(name, value);
    }
    mesh_header::encode(&context, Words::default().writer(NOW_MS), NOW_MS).unwrap_or_default()
}
