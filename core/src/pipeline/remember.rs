//! Keeps the context of a request for the calls that the service makes while it serves the request.

use super::plan::{Counter, Plan};
use super::workload::{Host, Workload};
use crate::carrier::{baggage, tracestate};
use crate::headers::Headers;
use crate::limits::MAX_TICKETS;
use crate::memory::{Arrival, MemoryError, Record, Remembered, Ticket};
use crate::trace::Ids;

/// Remembers the context of a request with these headers. A request without a context is remembered too, so that no
/// other request of its trace is mistaken for it. Returns the ticket that recalls it.
pub(super) fn remember_arrival(
    workload: &Workload,
    headers: &Headers<'_>,
    ids: &Ids<'_>,
    host: Host<'_>,
    record: &Record,
    plan: &mut Plan<'_>,
) -> Option<String> {
    if ids.ids.is_empty() {
        plan.problem(Counter::TraceIdMissing, "trace id", "missing");
    }
    // It is written and hashed.
    plan.fuel.text(record.context.bytes().saturating_mul(2)).ok()?;
    let remembered = arrive(workload, headers, ids, host, record);
    plan.remembered = remembered.number;
    if let Some(error) = remembered.error {
        plan.problem(Counter::RememberFailed, "memory", error.as_str());
    }
    remembered.ticket.map(|ticket| ticket.to_string())
}

/// Puts a record into the memory of a workload, as if a request with these headers had arrived. For tools that act as a
/// proxy.
///
/// # Errors
/// [`MemoryError`]: the reason why it is not remembered.
pub fn remember(
    workload: &Workload,
    headers: &Headers<'_>,
    host: Host<'_>,
    record: &Record,
) -> Result<(), MemoryError> {
    arrive(workload, headers, &Ids::read(headers), host, record).error.map_or(Ok(()), Err)
}

fn arrive(workload: &Workload, headers: &Headers<'_>, ids: &Ids<'_>, host: Host<'_>, record: &Record) -> Remembered {
    let ids: Vec<Vec<u8>> = ids.ids.iter().map(|(_, key)| key.to_bytes()).collect();
    let mut tickets = tickets(headers);
    // Two carriers have one each. If a request has more, the others recall nothing.
    tickets.dedup();
    tickets.truncate(MAX_TICKETS);
    host.requests.remember(workload.access(host), &Arrival { record, ids: &ids, tickets: &tickets })
}

/// Returns all tickets of a request, from every carrier.
pub(super) fn tickets(headers: &Headers<'_>) -> Vec<Ticket> {
    let mut sent: Vec<Ticket> = tracestate::tickets(headers.all(tracestate::NAME)).filter_map(Ticket::parse).collect();
    sent.extend(baggage::tickets(headers.all(baggage::NAME)).filter_map(|text| Ticket::parse(&text)));
    sent
}
