//! One request: its headers are passed to the core, and the returned plan is carried out.

use context_mesh_core::headers::Headers;
use context_mesh_core::pipeline::{self, HeaderEdit, Plan, Refusal, Role};

use crate::abi;
use crate::configure::Active;
use crate::contexts::{self, Kept};
use crate::host::{Envoy, now_ms};
use crate::types::{Action, LogLevel, MapType};
use crate::warnings;

/// Name of the filter state with the report: `%FILTER_STATE(wasm.context_mesh:PLAIN)%` in access logs.
const REPORT: &str = "context_mesh";

/// Decides about a request.
pub(crate) fn on_request_headers(stream: u32) -> Action {
    let Some(active) = contexts::plugin_of(stream) else {
        return refuse_unready("the filter has no configuration");
    };
    let Some(map) = abi::header_map(MapType::RequestHeaders) else {
        return refuse_unready("the proxy gave no request headers");
    };
    let Some(headers) = Headers::parse(&map) else {
        return refuse_unready("the request headers do not have the proxy's layout");
    };
    let host = Envoy::host(&active.requests, active.routing);
    let role = role(&active);
    let plan = match role {
        Role::Inbound => pipeline::inbound(&active.workload, &headers, host),
        Role::Outbound => pipeline::outbound(&active.workload, &headers, host),
        Role::Gateway => pipeline::gateway(&active.workload, &headers, host),
        Role::Egress => pipeline::egress(&active.workload, &headers),
        Role::Upstream => pipeline::upstream(&active.workload, &headers, host),
    };
    let kept = Kept { remembered: plan.remembered, call: plan.call };
    contexts::keep(stream, kept);
    note(&active, &plan, host.now_ms);
    // The report of the filter before the router remains the report of the request.
    if role != Role::Upstream {
        let _ = abi::set_filter_state(REPORT, plan.report.to_text().as_bytes());
    }
    match &plan.refusal {
        Some(refusal) => refuse(refusal),
        None => edit(MapType::RequestHeaders, &plan.edits),
    }
}

/// Removes trailers that must not reach the application.
pub(crate) fn on_request_trailers(stream: u32, count: usize) -> Action {
    if count == 0 {
        return Action::Continue;
    }
    let Some(active) = contexts::plugin_of(stream) else {
        return refuse_unready("the filter has no configuration");
    };
    let Some(map) = abi::header_map(MapType::RequestTrailers) else {
        return refuse_unready("the proxy gave no request trailers");
    };
    let Some(trailers) = Headers::parse(&map) else {
        return refuse_unready("the request trailers do not have the proxy's layout");
    };
    let plan = pipeline::trailers(&active.workload, role(&active), &trailers);
    note(&active, &plan, now_ms());
    edit(MapType::RequestTrailers, &plan.edits)
}

/// Removes headers that must not reach a client.
pub(crate) fn on_response_headers(stream: u32) -> Action {
    let at_edge = contexts::plugin_of(stream).filter(|active| active.role == Some(Role::Gateway));
    for name in at_edge.iter().flat_map(|active| pipeline::response_headers(&active.workload)) {
        let _ = abi::remove_header(MapType::ResponseHeaders, name);
    }
    Action::Continue
}

/// Ends a request in the memory. Also ends a plugin.
pub(crate) fn on_delete(context: u32) {
    let Some(stream) = contexts::remove(context) else { return };
    let Some(active) = &stream.active else { return };
    if let Some(request) = stream.kept.remembered {
        active.requests.end(request, now_ms(), active.workload.limits().grace_ms);
    }
    if let Some(call) = stream.kept.call {
        active.requests.end_call(call, now_ms());
    }
}

/// Returns the role from the configuration, otherwise from the direction of the listener.
fn role(active: &Active) -> Role {
    const OUTBOUND: i64 = 2;
    active.role.unwrap_or_else(|| {
        let direction = abi::property(&["xds", "listener_direction"]);
        match direction.as_deref().and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes) {
            Some(OUTBOUND) => Role::Outbound,
            _ => Role::Inbound,
        }
    })
}

/// Writes counters and sampled warnings.
fn note(active: &Active, plan: &Plan<'_>, now_ms: u64) {
    plan.counters.iter().for_each(|counter| active.stats.increment(*counter));
    if !plan.counters.is_empty() {
        warnings::write(&active.warnings, plan, now_ms);
    }
}

fn refuse(refusal: &Refusal<'_>) -> Action {
    let reply = &refusal.reply;
    // Details are one word in access logs.
    let details = format!("context_mesh_denied:{}", refusal.cause.as_str().replace(' ', "_"));
    let _ = abi::send_local_response(reply.status, reply.grpc_status, &details, &reply.message);
    Action::Pause
}

/// Refuses a request that cannot be inspected, because the policies could not be enforced on it.
fn refuse_unready(reason: &str) -> Action {
    const UNAVAILABLE: u8 = 14;
    abi::log(LogLevel::Error, &format!("context_mesh: request refused: {reason}"));
    let _ = abi::send_local_response(503, UNAVAILABLE, "context_mesh_unready", "the context filter is not ready");
    Action::Pause
}

/// Carries out the edits. If one fails, the request is refused: a redacted field must not be forwarded.
fn edit(map: MapType, edits: &[HeaderEdit<'_>]) -> Action {
    for edit in edits {
        let status = match edit {
            HeaderEdit::Set(name, value) => abi::set_header(map, name, value),
            HeaderEdit::Remove(name) => abi::remove_header(map, name),
        };
        if !status.is_ok() {
            return refuse_unready("the proxy refused a header edit");
        }
    }
    Action::Continue
}
