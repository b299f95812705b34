//! The workload that a filter serves: its artifact, its name, and the data that is derived from them.

use core::cell::{OnceCell, RefCell};

use bumpalo::Bump;

use super::routing::Routing;
use crate::alias::Guarded;
use crate::artifact::{Revision, VerifiedProgram};
use crate::context::Context;
use crate::decide::{Decision, RuleSet, decide_reusing};
use crate::destination;
use crate::fuel::Fuel;
use crate::host::{Attributes, Randomness, SharedMemory};
use crate::identity::{domain_of, service_of_workload};
use crate::index::RuleIndex;
use crate::mask::{PseudonymSecret, Pseudonyms};
use crate::memory::{Access, Limits, Memory};
use crate::tables::{AmbiguousPath, Attribute, Effect, FieldTable, MaskMethod, MeshTable, Tables};
use crate::vm::{Destination, MeshView, Scratch, Snapshot};

/// The position of the filter on the path of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Before the service, for requests that arrive.
    Inbound,
    /// After the service, for the calls that it makes.
    Outbound,
    /// At the edge: clients are not trusted, and the context is made here.
    Gateway,
    /// At the exit of the mesh: the context is removed.
    Egress,
    /// After the router of a sidecar, for each try of a request: in the router's `upstream_http_filters`.
    Upstream,
}

impl Role {
    /// Returns the role with this name in a plugin configuration.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "inbound" => Self::Inbound,
            "outbound" => Self::Outbound,
            "gateway" => Self::Gateway,
            "egress" => Self::Egress,
            "upstream" => Self::Upstream,
            _ => return None,
        })
    }

    /// Returns the name in configurations and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Gateway => "gateway",
            Self::Egress => "egress",
            Self::Upstream => "upstream",
        }
    }
}

/// The services of the proxy that a request may use.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    /// Attributes of the request and its connection.
    pub attributes: &'h dyn Attributes,
    /// Storage that all streams of the process share.
    pub memory: &'h dyn SharedMemory,
    /// The requests that this worker remembers for the service, in that storage.
    pub requests: &'h Memory,
    /// Unpredictable bytes.
    pub randomness: &'h dyn Randomness,
    /// What is known about the proxy's routes.
    pub routing: Routing,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
    /// The observer of the decisions: a tool that explains requests. A filter has none.
    pub observer: Option<&'h dyn Observer>,
}

/// Observes a pipeline while it processes one request. It changes nothing.
pub trait Observer {
    /// Called after `rules` (indices into the artifact's rules) were run against the snapshot, with the resulting
    /// decision. A gateway decides twice: the first time with the rules that make the context.
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>);

    /// Called after [`Self::decided`], if `rules` are run against the other reading of an ambiguous path too, or would be
    /// if the first decision were not a refusal.
    fn decides_again(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex]) {
        let _ = (snapshot, rules);
    }

    /// Called with the context that is forwarded: to the application, or with the call. Not called for a request that
    /// is refused.
    fn went_on(&self, context: &Context);
}

impl Host<'_> {
    pub(super) fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        if let Some(observer) = self.observer {
            observer.decided(snapshot, rules, decision);
        }
    }

    pub(super) fn decides_again(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex]) {
        if let Some(observer) = self.observer {
            observer.decides_again(snapshot, rules);
        }
    }

    pub(super) fn went_on(&self, context: &Context) {
        if let Some(observer) = self.observer {
            observer.went_on(context);
        }
    }
}

/// What decisions reuse: the memory of the machine, and the arena for values that conditions create.
#[derive(Debug, Default)]
struct Kept {
    arena: Bump,
    scratch: Scratch<'static>,
}

/// The rules of a workload by the kind of requests for which they are decided together.
#[derive(Debug)]
struct Rules {
    inbound: Decided,
    outbound: Decided,
    /// The inbound rules that set fields.
    mint: Decided,
    /// The other inbound rules.
    gateway: Decided,
}

/// Rules whose decision index is made when it is first needed: a proxy needs only those of its role.
#[derive(Debug)]
struct Decided {
    listed: Vec<RuleIndex>,
    set: OnceCell<RuleSet>,
}

impl Decided {
    fn of(listed: Vec<RuleIndex>) -> Self {
        Self { listed, set: OnceCell::new() }
    }

    fn set(&self, program: &VerifiedProgram) -> &RuleSet {
        self.set.get_or_init(|| RuleSet::new(program, &self.listed))
    }
}

/// One service with the artifact that decides for it, for use by one thread.
#[derive(Debug)]
pub struct Workload {
    kept: RefCell<Kept>,
    program: VerifiedProgram,
    service: String,
    domain: String,
    region: String,
    ambiguous_path: AmbiguousPath,
    rules: Rules,
    listed: bool,
    digest: String,
    pseudonyms: Option<Pseudonyms>,
    guarded: Guarded,
    by_destination: bool,
}

impl Workload {
    /// Returns the workload `service` with an artifact. A service that the mesh does not list has the enterprise's
    /// rules for all workloads; see [`Workload::is_listed`].
    pub fn new(program: VerifiedProgram, service: &str) -> Self {
        let tables = program.tables();
        let service = service_of_workload(service, tables).to_owned();
        let service = service.as_str();
        let known = tables.services.iter().find(|known| known.name == service);
        let entry = known.map_or(&tables.unlisted, |known| &known.entry);
        let listed = known.is_some();
        let (domain, region) = domain_of(service, tables).unwrap_or_default();
        let (domain, region) = (domain.to_owned(), region.to_owned());
        let sets = |index: &RuleIndex| {
            let rule = index.get(&tables.rules);
            rule.is_some_and(|rule| matches!(rule.effect, Effect::Set { .. }))
        };
        let (mint, gateway): (Vec<RuleIndex>, Vec<RuleIndex>) = entry.inbound.iter().partition(|index| sets(index));
        let ambiguous_path = entry.ambiguous_path;
        let rules = Rules {
            inbound: Decided::of(entry.inbound.clone()),
            outbound: Decided::of(entry.outbound.clone()),
            mint: Decided::of(mint),
            gateway: Decided::of(gateway),
        };
        let digest = program.digest().to_string();
        let guarded = Guarded::new(tables);
        let by_destination = decides_by_destination(tables);
        Self {
            kept: RefCell::default(),
            program,
            service: service.to_owned(),
            domain,
            region,
            ambiguous_path,
            rules,
            listed,
            digest,
            pseudonyms: None,
            guarded,
            by_destination,
        }
    }

    /// Returns the workload in the region that the proxy names, if the mesh lists it among those of the service. For a
    /// service with one region, the mesh alone decides.
    #[must_use]
    pub fn in_region(mut self, locality: &str) -> Self {
        let tables = self.program.tables();
        let service = tables.services.iter().find(|known| known.name == self.service);
        if service.is_some_and(|service| service.regions.iter().any(|region| region == locality)) {
            locality.clone_into(&mut self.region);
        }
        self
    }

    /// Returns the regions of the service, if it is unknown in which of them this workload runs.
    pub fn unclear_regions(&self) -> Option<&[String]> {
        let regions = destination::of_service(&self.service, self.program.tables())?.regions;
        (self.region.is_empty() && regions.len() > 1).then_some(regions)
    }

    /// Returns the workload with the secret of the mesh's pseudonyms. Without a secret, a field that a rule turns into
    /// a pseudonym is removed.
    #[must_use]
    pub fn with_pseudonyms(self, secret: PseudonymSecret) -> Self {
        Self { pseudonyms: Some(Pseudonyms::new(secret)), ..self }
    }

    /// Makes the decision indices that a role needs, so that no request waits for them.
    pub fn make_ready(&self, role: Role) {
        match role {
            Role::Inbound => _ = self.inbound_rules(),
            Role::Outbound | Role::Upstream => _ = self.outbound_rules(),
            Role::Gateway => _ = (self.mint_rules(), self.gateway_rules()),
            Role::Egress => {}
        }
    }

    /// Returns whether it is at the edge of the mesh.
    pub fn is_gateway(&self) -> bool {
        self.mesh().gateways.contains(&self.service)
    }

    /// Returns whether the effect of its rules depends on the destination of a call.
    pub(super) fn decides_by_destination(&self) -> bool {
        self.by_destination
    }

    /// Returns whether the mesh lists the service.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Returns the name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the artifact.
    pub fn program(&self) -> &VerifiedProgram {
        &self.program
    }

    /// Returns the artifact's digest as 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the version of the sources that the artifact was built from; empty when the build named none.
    pub fn revision(&self) -> &str {
        self.program.revision().map_or("", Revision::as_str)
    }

    pub(super) fn pseudonyms(&self) -> Option<&Pseudonyms> {
        self.pseudonyms.as_ref()
    }

    /// Returns the workload as the destination of the requests that arrive.
    pub(super) fn as_destination(&self) -> Destination<'_> {
        let destination = destination::of_service(&self.service, self.program.tables()).unwrap_or_default();
        if self.region.is_empty() {
            return destination;
        }
        Destination { region: &self.region, regions: core::slice::from_ref(&self.region), ..destination }
    }

    /// Decides with memory that is reused from request to request. A nested decision (a host that serves another
    /// request while it is asked for an attribute) allocates its own.
    pub(super) fn decide(&self, rules: &RuleSet, snapshot: Snapshot<'_>, fuel: &Fuel) -> Decision<'_> {
        let Ok(mut kept) = self.kept.try_borrow_mut() else {
            return decide_reusing(&self.program, rules, snapshot, &Bump::new(), &mut Scratch::new(), fuel);
        };
        let Kept { arena, scratch } = &mut *kept;
        arena.reset();
        decide_reusing(&self.program, rules, snapshot, arena, scratch, fuel)
    }

    pub(super) fn mesh(&self) -> &MeshTable {
        &self.program.tables().mesh
    }

    pub(super) fn fields(&self) -> &[FieldTable] {
        &self.program.tables().fields
    }

    pub(super) fn guarded(&self) -> &Guarded {
        &self.guarded
    }

    /// Returns the limits of the memory.
    pub fn limits(&self) -> Limits {
        let mesh = self.mesh();
        Limits {
            slots: mesh.memory_slots,
            bytes: mesh.memory_bytes,
            grace_ms: mesh.memory_grace_ms,
            ttl_ms: mesh.memory_ttl_ms,
        }
    }

    /// Returns the memory's access to the host.
    pub fn access<'h>(&self, host: Host<'h>) -> Access<'h> {
        Access { store: host.memory, randomness: host.randomness, now_ms: host.now_ms, limits: self.limits() }
    }

    /// Returns what happens to a request that arrives with an ambiguous path.
    pub(super) fn ambiguous_path(&self) -> AmbiguousPath {
        self.ambiguous_path
    }

    pub(super) fn inbound_rules(&self) -> &RuleSet {
        self.rules.inbound.set(&self.program)
    }

    pub(super) fn outbound_rules(&self) -> &RuleSet {
        self.rules.outbound.set(&self.program)
    }

    /// Returns the inbound rules that set fields. At a gateway they make the context.
    pub(super) fn mint_rules(&self) -> &RuleSet {
        self.rules.mint.set(&self.program)
    }

    /// Returns the other inbound rules.
    pub(super) fn gateway_rules(&self) -> &RuleSet {
        self.rules.gateway.set(&self.program)
    }

    pub(super) fn view(&self, role: Role) -> MeshView<'_> {
        let direction = if role == Role::Outbound { "outbound" } else { "inbound" };
        MeshView { service: &self.service, domain: &self.domain, region: &self.region, direction }
    }
}

/// Returns whether a rule reads the destination of a call, or makes pseudonyms, which differ between domains.
fn decides_by_destination(tables: &Tables) -> bool {
    let reads = |attribute: &Attribute| match attribute {
        Attribute::Destination(_) => true,
        Attribute::Host(path, _) => path.first().is_some_and(|first| first == "xds" || first == "upstream"),
        _ => false,
    };
    let pseudonym = |effect: &Effect| matches!(effect, Effect::Mask { method: MaskMethod::Pseudonym, .. });
    tables.program.attributes.iter().any(reads) || tables.rules.iter().any(|rule| pseudonym(&rule.effect))
}
