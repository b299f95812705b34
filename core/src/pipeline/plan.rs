//! The plan for a request. The host carries it out and makes no decisions itself.

use std::borrow::Cow;

use super::report::{Problem, Report};
use crate::cause::{Cause, MeshCause};
use crate::fuel::{self, Fuel};
use crate::memory::{CallNumber, RequestNumber};
use crate::names::Names;
use crate::tables::Reply;

/// The plan for a request.
///
/// It borrows the names of headers, rules and fields from the workload.
#[derive(Debug, Default)]
pub struct Plan<'w> {
    /// The answer instead of the service's, if the request is refused.
    pub refusal: Option<Refusal<'w>>,
    /// Changes of the request headers; empty if the request is refused. Only edits that change something are listed.
    pub edits: Vec<HeaderEdit<'w>>,
    /// Counters to increment by one each.
    pub counters: Vec<Counter>,
    /// What happened to the request, for the access log.
    pub report: Report<'w>,
    /// The number of the request in the memory, for the call at its end. It is set even if the request was refused
    /// later.
    pub remembered: Option<RequestNumber>,
    /// The number of the call whose attached context is kept while it is open, for the call at its end.
    pub call: Option<CallNumber>,
    /// The fuel that the request has left.
    pub fuel: Fuel,
}

/// An answer instead of the service's.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal<'w> {
    /// Status and text.
    pub reply: Reply,
    /// What refused the request: a rule, or a setting of the mesh.
    pub cause: Cause<'w>,
}

impl Refusal<'static> {
    /// Returns the refusal for a required or protected field that does not fit into the context.
    pub(super) fn unfit() -> Self {
        let message = "the context of the request is too large".to_owned();
        Self { reply: Reply { status: 431, grpc_status: 8, message }, cause: Cause::Mesh(MeshCause::ContextSize) }
    }
}

/// One change of the request headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit<'w> {
    /// Sets the header to this value, which replaces all of its values.
    Set(&'w str, Vec<u8>),
    /// Removes the header. Its name may come from the request.
    Remove(Cow<'w, str>),
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident $metric:literal;)+) => {
        /// A counter. Nothing is counted for an unremarkable request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Counter {
            /// All counters, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the name in the proxy's statistics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $metric,)+ }
            }
        }
    };
}

counters! {
    /// A request was refused.
    Denied "denied";
    /// A request had no context.
    ContextMissing "context_missing";
    /// A carrier was malformed, too large, too old, repeated or of an unknown version.
    CarrierInvalid "carrier_invalid";
    /// A carrier came from a peer that the mesh does not trust.
    CarrierUntrusted "carrier_untrusted";
    /// Two carriers disagreed about a field, or an application changed one that has strong consistency.
    CarrierDisagreement "carrier_disagreement";
    /// A gateway dropped a carrier that a client sent.
    ClientCarrierDropped "client_carrier_dropped";
    /// A header, or a member of `baggage`, had a name that some applications read as that of a carrier. It was removed.
    HeaderAlias "header_alias";
    /// A trailer had the name of a carrier, or of a header that rules read. It was removed.
    TrailerDropped "trailer_dropped";
    /// The path of a request was ambiguous.
    PathAmbiguous "path_ambiguous";
    /// A field violated its schema.
    FieldInvalid "field_invalid";
    /// The claimed caller was not the peer.
    CallerMismatch "caller_mismatch";
    /// A request had no id by which its context could be remembered or recalled.
    TraceIdMissing "trace_id_missing";
    /// Headers of one kind named two traces, or were repeated with different values. They were removed.
    TraceIdContradiction "trace_id_contradiction";
    /// Headers that name a trace were malformed. They were removed.
    TraceIdInvalid "trace_id_invalid";
    /// A `tracestate` did not conform to the W3C specification. It was replaced.
    TracestateInvalid "tracestate_invalid";
    /// Foreign members of `baggage` were malformed or too many. They were left out.
    BaggageLeftOut "baggage_left_out";
    /// A call had tickets of two requests, so nothing was recalled.
    TicketConflict "ticket_conflict";
    /// A call had the ticket of a request that is no longer remembered, so nothing was recalled.
    RecallDead "recall_dead";
    /// Nothing was remembered under any id of the call.
    RecallMiss "recall_miss";
    /// Several requests with different contexts have the id of the call. Only what they agree on was recalled, or
    /// nothing.
    RecallAmbiguous "recall_ambiguous";
    /// A call was made for a request whose context could not be remembered.
    RecallLost "recall_lost";
    /// An application sent a protected field that no remembered context confirms, and it is not an origin of the field.
    /// It was removed.
    FieldUnbelieved "field_unbelieved";
    /// A context could not be remembered.
    RememberFailed "remember_failed";
    /// An application changed an immutable field. The remembered value was restored.
    FieldRestored "field_restored";
    /// An application sent a field that had been redacted for it. The field was removed.
    FieldWithheld "field_withheld";
    /// A field was older than its schema allows. It was removed.
    FieldExpired "field_expired";
    /// A field was not sent to a region that its schema does not list.
    FieldKeptInRegion "field_kept_in_region";
    /// A call went to another service than the one that was decided on. It was decided on again.
    RouteChanged "route_changed";
    /// A call was refused because its route could have changed after the decision and no filter runs after the router;
    /// or the request of a client was refused because its own header may have chosen the route.
    RouteUncertain "route_uncertain";
    /// A call left the mesh. Its context was removed.
    LeftMesh "left_mesh";
    /// A field could not be masked. It was removed instead.
    MaskFailed "mask_failed";
    /// A context was too large to be attached.
    AttachFailed "attach_failed";
    /// A field was dropped because the context was too large.
    FieldDropped "field_dropped";
    /// A field has a word whose number the artifact does not list. The field was forwarded unchanged.
    WordUnknown "word_unknown";
    /// A field was not shown to the application, because a header cannot hold its value.
    FieldUnpresentable "field_unpresentable";
    /// A shadow rule would have applied.
    ShadowMatched "shadow_matched";
    /// None of the allow rules in shadow mode matched. If they were enforced, the request would have been refused.
    ShadowRefused "shadow_refused";
    /// A condition or a value failed with a CEL error.
    PolicyError "policy_error";
    /// A request exceeded its budget of fuel and memory, and was refused.
    BudgetExceeded "budget_exceeded";
    /// Audit and shadow rules were skipped, because their share of the budget was used up.
    WatchingSkipped "watching_skipped";
}

impl<'w> Plan<'w> {
    /// Records fields that were dropped because a context did not fit.
    pub(super) fn dropped(&mut self, fields: &Names) {
        for field in fields.iter() {
            self.problem(Counter::FieldDropped, field, "does-not-fit");
        }
    }

    /// Counts a problem and reports it. The subject is the name of a field, header or rule; the error is one word or
    /// the name of an error.
    pub(super) fn problem(&mut self, counter: Counter, subject: impl Into<String>, error: &'static str) {
        self.count(counter);
        self.report.problems.push(Problem::new(subject, error));
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.counters.push(counter);
    }

    /// Refuses the request if its budget is exceeded, whatever the stages made of that. Otherwise returns the plan
    /// unchanged.
    pub(super) fn within_budget(mut self) -> Self {
        self.report.used_fuel(self.fuel.used());
        if self.fuel.is_exhausted() && self.refusal.is_none() {
            return self.refuse(Refusal { reply: fuel::refusal(), cause: Cause::Mesh(MeshCause::Budget) });
        }
        self
    }

    /// Returns the plan that refuses the request. The report so far is kept.
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
