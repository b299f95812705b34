//! `caller`: the service that sent the request. It is the verified peer, whatever the context claims.

use super::fit;
use super::plan::{Counter, Plan, Refusal};
use super::workload::Workload;
use crate::cause::{Cause, MeshCause};
use crate::context::json::string_content;
use crate::context::{CALLER, Context, json};
use crate::identity::Peer;
use crate::names::Names;
use crate::tables::{OnMismatch, Reply};

/// Sets `caller` to the verified peer. Without a peer, a claim is kept only if the mesh trusts every sender.
pub(super) fn verify_caller(
    workload: &Workload,
    peer: &Peer,
    context: &mut Context,
    plan: &mut Plan<'_>,
) -> Option<Refusal<'static>> {
    if peer.service.is_empty() {
        return None;
    }
    let claimed = context.get(CALLER).map(|text| string_content(text).unwrap_or_default().into_owned());
    if claimed.as_ref().is_some_and(|claimed| *claimed != peer.service) {
        plan.problem(Counter::CallerMismatch, CALLER, "not-the-peer");
        if workload.mesh().caller_mismatch == OnMismatch::Deny {
            let message = "the claimed caller is not the peer".to_owned();
            let reply = Reply { status: 403, grpc_status: 7, message };
            return Some(Refusal { reply, cause: Cause::Mesh(MeshCause::CallerMismatch) });
        }
    }
    if claimed.as_ref() == Some(&peer.service) { None } else { put_caller(workload, &peer.service, context, plan) }
}

/// Sets `caller`: to the verified peer, or for a call to the current service, as the Mesh protocol specifies. Returns
/// the refusal if it does not fit.
pub(super) fn put_caller(
    workload: &Workload,
    service: &str,
    context: &mut Context,
    plan: &mut Plan<'_>,
) -> Option<Refusal<'static>> {
    let (mut text, mut dropped) = (String::new(), Names::default());
    json::write_string(&mut text, service);
    let fitted = fit::put(context, CALLER, &text, workload.fields(), &mut dropped);
    plan.dropped(&dropped);
    fitted.err().map(|_| Refusal::unfit())
}
