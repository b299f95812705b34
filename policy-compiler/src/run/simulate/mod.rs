//! One request through the pipeline that the filter runs, with a proxy made of plain data.
//!
//! [`Simulator::run`] takes a [`Request`] and gives an [`Outcome`]: whether it is refused and by what, the context that
//! goes on, and the headers afterwards. The context of the request comes in as `x-mesh-context`, as it does on the wire.

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

/// The secret of pseudonyms in simulations: what a mask looks like can be tested, the mesh's own pseudonyms cannot.
const SECRET: &[u8] = b"a secret of simulated meshes";

/// Runs requests under one artifact.
#[derive(Debug)]
pub struct Simulator {
    program: VerifiedProgram,
    /// The workload of the last request: requests of one service usually follow each other.
    last: Option<Workload>,
}

/// Why a request cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationError(String);

impl std::fmt::Display for SimulationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SimulationError {}

impl Simulator {
    /// A simulator for the bytes of an artifact.
    ///
    /// # Errors
    /// What is wrong with the artifact.
    pub fn new(artifact: &[u8]) -> Result<Self, LoadError> {
        Ok(Self { program: load(artifact)?, last: None })
    }

    /// The artifact.
    pub fn program(&self) -> &VerifiedProgram {
        &self.program
    }

    /// Runs one request. Requests share nothing: what one leaves in the memory is not there for the next.
    ///
    /// # Errors
    /// A context that is too large for the wire or for the memory, and a workload that an artifact of another service
    /// does not serve.
    pub fn run(&mut self, request: &Request, observer: Option<&dyn Observer>) -> Result<Outcome, SimulationError> {
        let slice = &self.program.tables().mesh.slice;
        if !slice.is_empty() && *slice != request.workload {
            return Err(SimulationError(format!(
                "the artifact was built for `{slice}` only, not for `{}`",
                request.workload
            )));
        }
        if self.last.as_ref().is_none_or(|last| last.service() != request.workload) {
            self.last = None;
        }
        let program = &self.program;
        let workload = self.last.get_or_insert_with(|| {
            let workload = Workload::new(program.clone(), &request.workload);
            PseudonymSecret::new(SECRET).into_iter().fold(workload, Workload::with_pseudonyms)
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

/// Puts what the request says to be remembered where the pipeline looks for it.
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

/// Keeps the context that goes on, and passes everything to whoever watches besides.
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

    fn went_on(&self, context: &Context) {
        *self.onward.borrow_mut() = context.clone();
        if let Some(observer) = self.observer {
            observer.went_on(context);
        }
    }
}
