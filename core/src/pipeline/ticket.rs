//! Tickets of requests: made where a request arrives, and found again where a call is made for it.

use super::plan::{Counter, Plan};
use super::report::Problem;
use super::workload::{Host, Workload};
use crate::carrier::{baggage, tracestate};
use crate::headers::Headers;
use crate::memory::Record;
use crate::ticket::Ticket;
use crate::trace::TraceKey;

/// The key of the memory's own number. Applications and plugins that read it can name no request by it.
const MEMORY: &str = "context-mesh/ticket-memory";

/// What the tickets of a call lead to.
pub(super) enum Named {
    /// This request.
    Request(Record),
    /// No request, and the ids of the call are not to be asked: the application speaks for a request that is over, or for two.
    Nobody,
    /// There is no ticket of this proxy.
    NoTicket,
}

/// A ticket for a request that arrives; `None` where the proxy has no source of secrets.
pub(super) fn make(host: Host<'_>) -> Option<Ticket> {
    let memory = number_of_memory(host)?;
    Some(Ticket::new(memory, host.randomness.secret()?))
}

/// The key of a ticket in the memory. Services that share a proxy do not share tickets. No `x-request-id` is read as
/// such a key: it has letters and digits only.
pub(super) fn key(workload: &Workload, ticket: Ticket) -> TraceKey {
    TraceKey::RequestId(format!("{}/{}/{ticket}", tracestate::KEY, workload.service()))
}

/// Looks up all tickets of a call, wherever they stand.
pub(super) fn find(workload: &Workload, headers: &Headers<'_>, host: Host<'_>, plan: &mut Plan<'_>) -> Named {
    let mut sent: Vec<Ticket> = tracestate::tickets(headers.all(tracestate::NAME)).filter_map(Ticket::parse).collect();
    sent.extend(baggage::tickets(headers.all(baggage::NAME)).filter_map(|text| Ticket::parse(&text)));
    if sent.is_empty() {
        return Named::NoTicket;
    }
    let memory = number_of_memory(host);
    sent.retain(|ticket| Some(ticket.memory) == memory);
    let Some(first) = sent.first().copied() else { return Named::NoTicket };
    if sent.iter().any(|ticket| *ticket != first) {
        plan.count(Counter::TicketConflict);
        plan.report.problems.push(Problem::new("ticket", "conflict"));
        return Named::Nobody;
    }
    match workload.memory().recall(host.memory, &key(workload, first), host.now_ms) {
        Some(record) => Named::Request(record),
        None => {
            plan.count(Counter::RecallDead);
            plan.report.problems.push(Problem::new("ticket", "dead"));
            Named::Nobody
        }
    }
}

/// The number of the memory that the workers of the proxy share. The first one to ask makes it; where two ask at once, what
/// the memory holds afterwards counts for both.
fn number_of_memory(host: Host<'_>) -> Option<u32> {
    if let Some(number) = stored(host) {
        return Some(number);
    }
    let [a, b, c, d, ..] = host.randomness.secret()?;
    let _ = host.memory.set(MEMORY, &[a, b, c, d], None);
    stored(host)
}

fn stored(host: Host<'_>) -> Option<u32> {
    let (bytes, _) = host.memory.get(MEMORY)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
