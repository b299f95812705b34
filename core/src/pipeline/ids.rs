//! The ids of a request: which of them count, and which are shown to the application.

use super::plan::{Counter, HeaderEdit, Plan};
use super::present::edit;
use super::workload::{Host, Workload};
use crate::headers::Headers;
use crate::tables::GatewayTraces;
use crate::trace::{self, Ids, Kind, REQUEST_ID, TRACEPARENT, Trouble};

/// Reads the ids of a request. Counts and reports the kinds that are malformed or contradictory.
pub(super) fn read<'h>(headers: &Headers<'h>, plan: &mut Plan<'_>) -> Ids<'h> {
    let ids = Ids::read(headers);
    for (kind, trouble) in &ids.troubles {
        let counter = match trouble {
            Trouble::Contradiction => Counter::TraceIdContradiction,
            Trouble::Broken => Counter::TraceIdInvalid,
        };
        plan.problem(counter, kind.as_str(), trouble.as_str());
    }
    ids
}

/// Removes the headers that another reader would read as another trace, and joins repeated ones into one line.
pub(super) fn settle(headers: &Headers<'_>, ids: &Ids<'_>, plan: &mut Plan<'_>) {
    for (name, value) in ids.edits() {
        edit(headers, name, value.map(<[u8]>::to_vec), plan);
    }
}

/// Adds the edits of a gateway: one kind of trace is forwarded, and the mesh decides how it continues.
pub(super) fn at_edge(workload: &Workload, headers: &Headers<'_>, ids: &Ids<'_>, host: Host<'_>, plan: &mut Plan<'_>) {
    let mesh = workload.mesh();
    let starts = match mesh.gateway_traces {
        GatewayTraces::Keep => false,
        GatewayTraces::New => true,
        GatewayTraces::Start => !ids.has_trace(),
    };
    let gone: Vec<&str> =
        if starts { Ids::headers_of_traces().collect() } else { ids.headers_beside_first().collect() };
    for (name, value) in ids.edits().filter(|(name, _)| !gone.contains(name)) {
        edit(headers, name, value.map(<[u8]>::to_vec), plan);
    }
    for name in gone.into_iter().filter(|name| !(starts && *name == TRACEPARENT)) {
        edit(headers, name, None, plan);
    }
    if starts {
        let traceparent = start(headers, ids, mesh.gateway_sampled, host);
        edit(headers, TRACEPARENT, Some(traceparent.into_bytes()), plan);
    } else if !ids.has_trace() && ids.of(Kind::RequestId).is_none() {
        // Replaces the edit that removes a malformed one.
        plan.edits.retain(|known| *known != HeaderEdit::Remove(REQUEST_ID.into()));
        let id = uuid(u128::from_be_bytes(host.randomness.random()));
        edit(headers, REQUEST_ID, Some(id.into_bytes()), plan);
    }
}

/// Starts a new trace. The flags of the client's trace, if it sent one, are kept: they specify whether it is sampled.
fn start(headers: &Headers<'_>, ids: &Ids<'_>, sampled: bool, host: Host<'_>) -> String {
    let sent = ids.of(Kind::Traceparent).and_then(|_| headers.all(TRACEPARENT).find_map(trace::traceparent_flags));
    let [a, b, c, d, e, f, g, h, ..] = host.randomness.random();
    let flags = sent.unwrap_or(u8::from(sampled));
    trace::make_traceparent(host.randomness.random(), [a, b, c, d, e, f, g, h], flags)
}

/// Returns a random UUID in Envoy's format for request ids.
fn uuid(random: u128) -> String {
    let bits = random & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn ids_of_requests_are_random_uuids() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
