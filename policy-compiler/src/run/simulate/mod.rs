//! Runs one request through the filter's pipeline, with a proxy made of plain data.
//!
//! [`Simulator::run`] takes a [`Request`] and returns an [`Outcome`]: whether it is denied and by what, the forwarded
//! context, and the resulting headers. The context of the request arrives as `x-mesh-context`, as on the wire.

mod host;
mod outcome;

use context_mesh_core::index::RuleIndex;
use std::cell::RefCell;

use context_mesh_core::{
    artifact::{LoadError, VerifiedProgram, load},
    carrier::mesh_header,
    context::Context,
    decide::Decision,
    headers::Headers,
    mask::PseudonymSecret,
    memory::{Memory, Record},
    pipeline::{self, Host, Observer, Role, Routing, Workload},
    trace::Ids,
    vm::Snapshot,
};

use crate::check::model::Request;
use host::PlainHost;
pub use outcome::{Outcome, Refusal};

/// The secret for pseudonyms in simulations. The form of a mask can be tested, the mesh's real pseudonyms cannot.
const SECRET: &[u8] = b"a secret of simulated meshes";

/// Runs requests under one artifact.
#[derive(Debug)]
pub struct Simulator {
    program: VerifiedProgram,
    /// The workload of the last request, and the region of its proxy. Requests of one service usually follow each other.
    last: Option<(Workload, String)>,
}

/// Why a request cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationError(String);

impl SimulationError {
    /// Creates the error for an artifact that does not load.
    pub(crate) fn of_artifact(error: LoadError) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for SimulationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SimulationError {}

impl Simulator {
    /// Creates a simulator for an encoded artifact.
    ///
    /// # Errors
    /// What is wrong with the artifact.
    pub fn new(artifact: &[u8]) -> Result<Self, LoadError> {
        Ok(Self { program: load(artifact)?, last: None })
    }

    /// Returns the loaded artifact.
    pub fn program(&self) -> &VerifiedProgram {
        &self.program
    }

    /// Runs one request. Requests share nothing: what one leaves in the memory is not visible to the next.
    ///
    /// # Errors
    /// The context is too large for the wire or for the memory, or the artifact is that of another service than the
    /// workload.
    pub fn run(&mut self, request: &Request, observer: Option<&dyn Observer>) -> Result<Outcome, SimulationError> {
        let slice = &self.program.tables().mesh.slice;
        if !slice.is_empty() && *slice != request.workload {
            return Err(SimulationError(format!(
                "the artifact was built for `{slice}` only, not for `{}`",
                request.workload
            )));
        }
        let is_it =
            |(last, region): &(Workload, String)| last.service() == request.workload && *region == request.region;
        if !self.last.as_ref().is_some_and(is_it) {
            self.last = None;
        }
        let program = &self.program;
        let (workload, _) = self.last.get_or_insert_with(|| {
            let workload = Workload::new(program.clone(), &request.workload).in_region(&request.region);
            let workload = PseudonymSecret::new(SECRET).into_iter().fold(workload, Workload::with_pseudonyms);
            (workload, request.region.clone())
        });
        run(workload, request, observer)
    }
}

fn run(workload: &Workload, request: &Request, observer: Option<&dyn Observer>) -> Result<Outcome, SimulationError> {
    let mut sent = request.headers.clone();
    if !request.context.is_empty() {
        let writer = workload.program().words().writer(request.now_ms);
        let value = mesh_header::encode(&request.context, writer, request.now_ms.saturating_sub(request.age_ms))
            .map_err(|error| SimulationError(format!("the context cannot be sent: {}", error.as_str())))?;
        sent.push((mesh_header::NAME.to_owned(), value));
    }
    let entries = sent.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let headers = Headers::new(entries);
    let plain = PlainHost::new(request);
    let requests = Memory::new(workload.service());
    let playing = Host {
        attributes: &plain,
        memory: &plain,
        requests: &requests,
        randomness: &plain,
        routing: Routing::Fixed,
        now_ms: request.now_ms,
        observer: None,
    };
    remember(workload, request, &headers, playing)?;
    let watch = Watch { observer, onward: RefCell::default() };
    let host = Host { observer: Some(&watch), ..playing };
    let plan = match request.role {
        Role::Inbound => pipeline::inbound(workload, &headers, host),
        Role::Outbound => pipeline::outbound(workload, &headers, host),
        Role::Gateway => pipeline::gateway(workload, &headers, host),
        Role::Egress => pipeline::egress(workload, &headers),
        Role::Upstream => pipeline::upstream(workload, &headers, host),
    };
    Ok(Outcome::new(&plan, &sent, watch.onward.into_inner()))
}

/// Puts the remembered context of the request where the pipeline looks for it.
fn remember(
    workload: &Workload,
    request: &Request,
    headers: &Headers<'_>,
    host: Host<'_>,
) -> Result<(), SimulationError> {
    let Some(context) = &request.remembered else { return Ok(()) };
    if Ids::read(headers).ids.is_empty() {
        let message = "nothing can be remembered for a request without `traceparent` and `x-request-id`";
        return Err(SimulationError(message.to_owned()));
    }
    let record = Record {
        context: context.clone(),
        issued_at_ms: request.now_ms.saturating_sub(request.age_ms),
        ..Record::default()
    };
    pipeline::remember(workload, headers, host, &record)
        .map_err(|error| SimulationError(format!("the context cannot be remembered: {}", error.as_str())))
}

/// Keeps the forwarded context, and passes all events to another observer.
struct Watch<'o> {
    observer: Option<&'o dyn Observer>,
    onward: RefCell<Context>,
}

impl Observer for Watch<'_> {
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        if let Some(observer) = self.observer {
            observer.decided(snapshot, rules, decision);
        }
    }

    fn decides_again(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex]) {
        if let Some(observer) = self.observer {
            observer.decides_again(snapshot, rules);
        }
    }

    fn went_on(&self, context: &Context) {
        *self.onward.borrow_mut() = context.clone();
        if let Some(observer) = self.observer {
            observer.went_on(context);
        }
    }
}
