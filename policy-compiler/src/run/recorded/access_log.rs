//! Requests from the access log that the sidecars and gateways of `envoy-configs` write, one JSON object a line.
//!
//! A log contains who called whom and what was decided, but no values: it lacks the context, most headers and what
//! other filters know of the request. What is missing is added as a note, and as the [`Gaps`] of the request.

use context_mesh_core::pipeline::Role;
use serde_json::{Map, Value as Json};

use super::{earlier::Earlier, filter_report, gaps::Gaps, input::Recorded};
use crate::{
    check::model::World,
    check::model::{DEFAULT_REQUEST_ID, Request},
    read::document::HostAttribute,
};

/// Whether an object is an entry of a log. Otherwise it is a request with the keys of a test.
pub(super) fn is_entry(object: &Map<String, Json>) -> bool {
    object.contains_key("service") && !object.contains_key("workload")
}

/// Returns the request of an entry.
///
/// # Errors
/// Why the entry is not a request.
pub(super) fn request(name: &str, entry: &Map<String, Json>, world: &World<'_>) -> Result<Recorded, String> {
    let workload = text(entry, "service").ok_or("the line does not say which `service` logged it")?;
    let mut notes = Vec::new();
    let role = match text(entry, "listener") {
        Some(listener) => Role::parse(listener)
            .ok_or_else(|| format!("the `listener` is `{listener}`, and not inbound, outbound, gateway or egress"))?,
        None => {
            let role = world.usual_role(workload);
            notes.push(format!("the log does not say which listener it was; `{}` is assumed", role.as_str()));
            role
        }
    };
    if !world.services().contains(&workload) {
        notes.push(format!("the mesh has no service `{workload}`: it gets the enterprise's rules for all workloads"));
    }
    let mut request = Request::new(workload, role);
    // Several SANs are separated by commas; the filter uses the first.
    request.principal = text(entry, "peer").map(|peer| peer.split(',').next().unwrap_or(peer).to_owned());
    if matches!(role, Role::Outbound | Role::Gateway) {
        request.destination = text(entry, "upstream_cluster").map(str::to_owned);
    }
    request.headers = headers(entry, workload);
    if let Some(protocol) = text(entry, "protocol") {
        let path = vec!["request".to_owned(), "protocol".to_owned()];
        request.attributes.push(HostAttribute { path, bytes: protocol.as_bytes().to_vec() });
    }
    let time = text(entry, "start_time").and_then(|time| time.parse::<jiff::Timestamp>().ok());
    match time.and_then(|time| u64::try_from(time.as_millisecond()).ok()) {
        Some(now_ms) => request.now_ms = now_ms,
        None => notes.push("the log does not say when it was; 2026-01-01T00:00:00Z is assumed".to_owned()),
    }
    let report = report(entry);
    notes.push(missing(role, report.as_ref()));
    let gaps = Gaps::of_log(role, |key| entry.contains_key(key), |key| text(entry, key).is_some());
    let earlier = report.as_ref().and_then(|report| Earlier::of_report(role, report));
    Ok(Recorded { name: name.to_owned(), request, notes, gaps: Some(gaps), earlier })
}

/// Returns a text of the entry. Envoy writes `-` or null for unknown values.
fn text<'e>(entry: &'e Map<String, Json>, key: &str) -> Option<&'e str> {
    entry.get(key)?.as_str().filter(|text| !text.is_empty() && *text != "-")
}

fn headers(entry: &Map<String, Json>, workload: &str) -> Vec<(String, String)> {
    let or = |key, default: &str| text(entry, key).unwrap_or(default).to_owned();
    let mut headers = vec![
        (":method".to_owned(), or("method", "GET")),
        (":scheme".to_owned(), "http".to_owned()),
        (":authority".to_owned(), or("authority", workload)),
        (":path".to_owned(), or("path", "/")),
        ("x-request-id".to_owned(), or("request_id", DEFAULT_REQUEST_ID)),
    ];
    headers.extend(text(entry, "traceparent").map(|trace| ("traceparent".to_owned(), trace.to_owned())));
    headers
}

/// Returns the filter's report, which is an object or its text.
fn report(entry: &Map<String, Json>) -> Option<Map<String, Json>> {
    match entry.get("context_mesh")? {
        Json::Object(report) => Some(report.clone()),
        Json::String(text) => filter_report::read(text),
        _ => None,
    }
}

/// Describes what the log lacks, with the names of the fields in the report.
fn missing(role: Role, report: Option<&Map<String, Json>>) -> String {
    let fields = report.and_then(|report| report.get("fields")).and_then(Json::as_array);
    let names: Vec<&str> = fields.into_iter().flatten().filter_map(Json::as_str).collect();
    let context = match (role, names.as_slice()) {
        (Role::Gateway, _) => "tokens and other metadata".to_owned(),
        (_, []) => "the context".to_owned(),
        (_, names) => format!("the values of the context ({} went on)", names.join(", ")),
    };
    format!("the log does not hold {context}, nor other headers: what depends on them is unknown")
}
