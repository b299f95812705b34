//! Recalls the context of the request that a call is made for.

use super::plan::{Counter, Plan, Refusal};
use super::remember::tickets;
use super::workload::{Host, Workload};
use crate::cause::{Cause, MeshCause};
use crate::headers::Headers;
use crate::memory::{OnAmbiguous, Recall, RecalledBy, Record, Wanted};
use crate::tables::{AmbiguousRecall, LostRecall, Reply};
use crate::trace::{Ids, Kind};

/// The remembered context of the request that a call is made for.
#[derive(Debug)]
pub(super) enum Found {
    /// The context of exactly this request.
    Exact(Record),
    /// The fields that several possible requests agree on.
    Agreed(Record),
    /// The request cannot be determined, or nothing is remembered.
    Nothing,
}

/// Returns the remembered context of the request that this call is made for, if the request can be determined.
///
/// # Errors
/// The refusal, if the mesh requires one.
pub(super) fn find(
    workload: &Workload,
    headers: &Headers<'_>,
    ids: &Ids<'_>,
    host: Host<'_>,
    plan: &mut Plan<'_>,
) -> Result<Found, Refusal<'static>> {
    let mesh = workload.mesh();
    let asked = ids.ids.iter().filter(|(kind, _)| kind.is_asked());
    let (asked, keys): (Vec<Kind>, Vec<Vec<u8>>) = asked.map(|(kind, key)| (*kind, key.to_bytes())).unzip();
    let on_ambiguous =
        if mesh.ambiguous_recall == AmbiguousRecall::Agree { OnAmbiguous::Agree } else { OnAmbiguous::Nothing };
    let wanted = Wanted { tickets: &tickets(headers), ids: &keys, on_ambiguous };
    let kind = |place: usize| asked.get(place).map_or("ticket", |kind| kind.as_str());
    let (counter, subject, problem) = match host.requests.recall(workload.access(host), &wanted, &plan.fuel) {
        Recall::Found { record, by } => {
            plan.report.recalled_by = match by {
                RecalledBy::Ticket => "ticket",
                RecalledBy::Id(place) => kind(place),
            };
            return Ok(Found::Exact(*record));
        }
        Recall::NoContext => return Ok(Found::Nothing),
        Recall::Ambiguous { agreed, id } => {
            plan.problem(Counter::RecallAmbiguous, kind(id), "ambiguous");
            if mesh.ambiguous_recall == AmbiguousRecall::Deny {
                let message = "the call has the id of several requests with different contexts".to_owned();
                return Err(refusal(409, 10, message, MeshCause::AmbiguousRecall));
            }
            if agreed.is_some() {
                plan.report.recalled_by = kind(id);
            }
            return Ok(agreed.map_or(Found::Nothing, |record| Found::Agreed(*record)));
        }
        Recall::Lost => (Counter::RecallLost, "memory", "lost"),
        Recall::Conflict => (Counter::TicketConflict, "ticket", "conflict"),
        Recall::Dead => (Counter::RecallDead, "ticket", "dead"),
        Recall::Missing => (Counter::RecallMiss, "memory", "miss"),
        Recall::NoId => (Counter::TraceIdMissing, "trace id", "missing"),
    };
    plan.problem(counter, subject, problem);
    if counter == Counter::RecallLost && mesh.lost_recall == LostRecall::Deny {
        let message = "the context of the request that this call is made for could not be remembered".to_owned();
        return Err(refusal(503, 14, message, MeshCause::LostRecall));
    }
    Ok(Found::Nothing)
}

fn refusal(status: u16, grpc_status: u8, message: String, cause: MeshCause) -> Refusal<'static> {
    Refusal { reply: Reply { status, grpc_status, message }, cause: Cause::Mesh(cause) }
}
