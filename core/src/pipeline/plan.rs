//! What shall happen to a request: the host carries it out and decides nothing itself.

use std::borrow::Cow;

use super::report::{Problem, Report};
use crate::cause::{Cause, MeshCause};
use crate::fuel::{self, Fuel};
use crate::memory::{CallNumber, RequestNumber};
use crate::names::Names;
use crate::tables::Reply;

/// What shall happen to a request.
///
/// It borrows the names of headers, rules and fields from the workload.
#[derive(Debug, Default)]
pub struct Plan<'w> {
    /// The answer in place of the service's, if the request is refused.
    pub refusal: Option<Refusal<'w>>,
    /// Changes of the request headers; none when the request is refused. Only real changes are listed.
    pub edits: Vec<HeaderEdit<'w>>,
    /// Counters to increment by one each.
    pub counters: Vec<Counter>,
    /// What happened, for the access log.
    pub report: Report<'w>,
    /// The request in the memory, for its end. It is there even where the request was refused after all.
    pub remembered: Option<RequestNumber>,
    /// The call whose attached context is known while it is open, for its end.
    pub call: Option<CallNumber>,
    /// What the request may still make us do.
    pub fuel: Fuel,
}

/// An answer in place of the service's.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal<'w> {
    /// Status and text.
    pub reply: Reply,
    /// What refused the request: a rule, or a setting of the mesh.
    pub cause: Cause<'w>,
}

impl Refusal<'static> {
    /// A required or protected field does not fit into the context.
    pub(super) fn unfit() -> Self {
        let message = "the context of the request is too large".to_owned();
        Self { reply: Reply { status: 431, grpc_status: 8, message }, cause: Cause::Mesh(MeshCause::ContextSize) }
    }
}

/// One change of the request headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit<'w> {
    /// The header gets this value in place of all that it had.
    Set(&'w str, Vec<u8>),
    /// The header goes. Its name may be one that only the request has.
    Remove(Cow<'w, str>),
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident $metric:literal;)+) => {
        /// What is counted. Nothing is counted for a request on which nothing is remarkable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Counter {
            /// All counters, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in the proxy's statistics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $metric,)+ }
            }
        }
    };
}

counters! {
    /// A request was refused.
    Denied "denied";
    /// A request carried no context.
    ContextMissing "context_missing";
    /// A carrier was broken, too large, too old, repeated or of an unknown version.
    CarrierInvalid "carrier_invalid";
    /// A carrier came from a peer that the mesh does not believe.
    CarrierUntrusted "carrier_untrusted";
    /// Two carriers said different things about a field, or an application about one that has strong consistency.
    CarrierDisagreement "carrier_disagreement";
    /// A gateway dropped a carrier that a client sent.
    ClientCarrierDropped "client_carrier_dropped";
    /// A header, or a member of `baggage`, had a name that some applications read as that of a carrier; it was taken out.
    HeaderAlias "header_alias";
    /// A trailer had the name of a carrier, or of a header that rules read; it was taken out.
    TrailerDropped "trailer_dropped";
    /// The path of a request had more than one reading.
    PathAmbiguous "path_ambiguous";
    /// A field broke its schema.
    FieldInvalid "field_invalid";
    /// The claimed caller was not the peer.
    CallerMismatch "caller_mismatch";
    /// A request had no id to remember or to recall its context by.
    TraceIdMissing "trace_id_missing";
    /// Headers of one kind named two traces, or repeated with different values; they were taken out.
    TraceIdContradiction "trace_id_contradiction";
    /// Headers that name a trace were broken, and were taken out.
    TraceIdInvalid "trace_id_invalid";
    /// A `tracestate` was not what W3C says, and was replaced.
    TracestateInvalid "tracestate_invalid";
    /// Foreign members of `baggage` were broken or too many, and were left out.
    BaggageLeftOut "baggage_left_out";
    /// A call carried tickets of two requests, so nothing was recalled.
    TicketConflict "ticket_conflict";
    /// A call carried the ticket of a request that is no longer remembered, so nothing was recalled.
    RecallDead "recall_dead";
    /// Nothing was remembered under any id of the call.
    RecallMiss "recall_miss";
    /// Several requests with different contexts have the id of the call: only what they agree on was recalled, or nothing.
    RecallAmbiguous "recall_ambiguous";
    /// A call was made for a request whose context could not be remembered.
    RecallLost "recall_lost";
    /// An application sent a protected field that nothing remembered vouches for, and is no origin of it; it was taken out.
    FieldUnbelieved "field_unbelieved";
    /// A context could not be remembered.
    RememberFailed "remember_failed";
    /// An application changed an immutable field, which was put back.
    FieldRestored "field_restored";
    /// An application sent a field that had been redacted for it, which was taken out.
    FieldWithheld "field_withheld";
    /// A field was older than its schema allows, and was taken out.
    FieldExpired "field_expired";
    /// A field did not leave for a region that its schema does not name.
    FieldKeptInRegion "field_kept_in_region";
    /// A call went to another service than was decided on, and was decided on again.
    RouteChanged "route_changed";
    /// A call was refused because its route could have changed after the decision, and nobody looks behind the router; or a client's, because its
    /// own header may have chosen the route.
    RouteUncertain "route_uncertain";
    /// A call left the mesh, and its context did not.
    LeftMesh "left_mesh";
    /// A field was taken out in place of being masked.
    MaskFailed "mask_failed";
    /// A context was too large to be attached.
    AttachFailed "attach_failed";
    /// A field gave way because the context was too large.
    FieldDropped "field_dropped";
    /// A field has a word whose number the artifact does not list; it goes on as it is.
    WordUnknown "word_unknown";
    /// A field could not be shown to the application, because a header cannot carry its value.
    FieldUnpresentable "field_unpresentable";
    /// A shadow rule would have applied.
    ShadowMatched "shadow_matched";
    /// None of the allow rules in shadow matched: with them enforced, the request would have been refused.
    ShadowRefused "shadow_refused";
    /// A condition or a value ended with a CEL error.
    PolicyError "policy_error";
    /// A request asked for more than its budget of fuel and memory, and was refused.
    BudgetExceeded "budget_exceeded";
    /// Audit and shadow rules were left out, because their share of the budget was used up.
    WatchingSkipped "watching_skipped";
    /// A configuration of the filter was refused, so the one before it goes on.
    ConfigRefused "config_refused";
}

impl<'w> Plan<'w> {
    /// Notes fields that gave way because a context did not fit.
    pub(super) fn dropped(&mut self, fields: &Names) {
        for field in fields.iter() {
            self.problem(Counter::FieldDropped, field, "does-not-fit");
        }
    }

    /// Counts a problem and reports it: its subject (the name of a field, header or rule) and one word or name of an error.
    pub(super) fn problem(&mut self, counter: Counter, subject: impl Into<String>, error: &'static str) {
        self.count(counter);
        self.report.problems.push(Problem::new(subject, error));
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.counters.push(counter);
    }

    /// Refuses the request if something ran out, whatever the stages made of that. Else the plan as it is.
    pub(super) fn within_budget(mut self) -> Self {
        self.report.used_fuel(self.fuel.used());
        if self.fuel.is_exhausted() && self.refusal.is_none() {
            return self.refuse(Refusal { reply: fuel::refusal(), cause: Cause::Mesh(MeshCause::Budget) });
        }
        self
    }

    /// The plan that refuses the request. What the report says so far stays.
    pub(super) fn refuse(mut self, refusal: Refusal<'w>) -> Self {
        self.count(Counter::Denied);
        if self.fuel.is_exhausted() {
            self.count(Counter::BudgetExceeded);
        }
        self.edits.clear();
        self.report.denied_by(refusal.cause, refusal.reply.status);
        self.refusal = Some(refusal);
        self
    }
}
