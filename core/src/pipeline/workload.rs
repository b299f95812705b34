//! The workload that a filter serves: its artifact, its name and what follows from both.

use core::cell::RefCell;

use bumpalo::Bump;

use super::routing::Routing;
use crate::alias::Guarded;
use crate::artifact::{Revision, VerifiedProgram};
use crate::context::Context;
use crate::decide::{Decision, decide_reusing};
use crate::destination;
use crate::fuel::Fuel;
use crate::host::{Attributes, Randomness, SharedMemory};
use crate::identity::{domain_of, service_of_workload};
use crate::index::RuleIndex;
use crate::mask::{PseudonymSecret, Pseudonyms};
use crate::memory::{Access, Limits, Memory};
use crate::tables::{Attribute, Effect, EntryTable, FieldTable, MaskMethod, MeshTable, Tables};
use crate::vm::{Destination, MeshView, Scratch, Snapshot};

/// Which part of a request's way the filter stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// In front of the service, for requests that arrive.
    Inbound,
    /// Behind the service, for the calls that it makes.
    Outbound,
    /// At the edge: clients are not believed, the context is minted here.
    Gateway,
    /// At the way out of the mesh: the context stays inside.
    Egress,
    /// Behind the router of a sidecar, for each try of a request: in the router's `upstream_http_filters`.
    Upstream,
}

impl Role {
    /// The role of that name in a plugin configuration.
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

    /// The name in configurations and reports.
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

/// What a request may ask of the proxy.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    /// Attributes of the request and its connection.
    pub attributes: &'h dyn Attributes,
    /// Storage that all streams of the process share.
    pub memory: &'h dyn SharedMemory,
    /// What this worker remembers for the service, in that storage.
    pub requests: &'h Memory,
    /// Unpredictable bytes.
    pub randomness: &'h dyn Randomness,
    /// What is known of the proxy's routes.
    pub routing: Routing,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
    /// Who watches what is decided: a tool that explains requests. A filter has nobody.
    pub observer: Option<&'h dyn Observer>,
}

/// Watches what a pipeline does with one request. It changes nothing.
pub trait Observer {
    /// `rules` (indices into the artifact's rules) were run against the snapshot and gave this decision. A gateway
    /// decides twice: the rules that make the context first.
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>);

    /// This context goes on: to the application, or with the call. Not called for a request that is refused.
    fn went_on(&self, context: &Context);
}

impl Host<'_> {
    pub(super) fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        if let Some(observer) = self.observer {
            observer.decided(snapshot, rules, decision);
        }
    }

    pub(super) fn went_on(&self, context: &Context) {
        if let Some(observer) = self.observer {
            observer.went_on(context);
        }
    }
}

/// What decisions use again: the memory of the machine, and the arena for what conditions make.
#[derive(Debug, Default)]
struct Kept {
    arena: Bump,
    scratch: Scratch<'static>,
}

/// One service with the artifact that decides for it, for one thread.
#[derive(Debug)]
pub struct Workload {
    kept: RefCell<Kept>,
    program: VerifiedProgram,
    service: String,
    domain: String,
    region: String,
    entry: EntryTable,
    mint: Vec<RuleIndex>,
    gateway: Vec<RuleIndex>,
    listed: bool,
    digest: String,
    pseudonyms: Option<Pseudonyms>,
    guarded: Guarded,
    by_destination: bool,
}

impl Workload {
    /// The workload `service` under an artifact. A service that the mesh does not list gets the enterprise's rules
    /// for all workloads; see [`Workload::is_listed`].
    pub fn new(program: VerifiedProgram, service: &str) -> Self {
        let tables = program.tables();
        let service = service_of_workload(service, tables).to_owned();
        let service = service.as_str();
        let known = tables.services.iter().find(|known| known.name == service);
        let entry = known.map_or(&tables.unlisted, |known| &known.entry).clone();
        let listed = known.is_some();
        let (domain, region) = domain_of(service, tables).unwrap_or_default();
        let (domain, region) = (domain.to_owned(), region.to_owned());
        let sets = |index: &RuleIndex| {
            let rule = index.get(&tables.rules);
            rule.is_some_and(|rule| matches!(rule.effect, Effect::Set { .. }))
        };
        let (mint, gateway) = entry.inbound.iter().partition(|index| sets(index));
        let digest = program.digest().to_string();
        let guarded = Guarded::new(tables);
        let by_destination = decides_by_destination(tables);
        Self {
            kept: RefCell::default(),
            program,
            service: service.to_owned(),
            domain,
            region,
            entry,
            mint,
            gateway,
            listed,
            digest,
            pseudonyms: None,
            guarded,
            by_destination,
        }
    }

    /// The same with the secret of the mesh's pseudonyms. Without one, a field that a rule turns into a pseudonym is
    /// taken out.
    #[must_use]
    pub fn with_pseudonyms(self, secret: PseudonymSecret) -> Self {
        Self { pseudonyms: Some(Pseudonyms::new(secret)), ..self }
    }

    /// Whether it stands at the edge of the mesh.
    pub fn is_gateway(&self) -> bool {
        self.mesh().gateways.contains(&self.service)
    }

    /// Whether what rules do depends on where a call goes.
    pub(super) fn decides_by_destination(&self) -> bool {
        self.by_destination
    }

    /// Whether the mesh lists the service.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Its name.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The artifact.
    pub fn program(&self) -> &VerifiedProgram {
        &self.program
    }

    /// The artifact's digest as 64 hex digits.
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

    /// The workload as the place that its requests go to.
    pub(super) fn as_destination(&self) -> Destination<'_> {
        destination::of_service(&self.service, self.program.tables()).unwrap_or_default()
    }

    /// Decides on memory that stays from request to request. A decision within a decision (a host that serves another
    /// request while it is asked for an attribute) gets memory of its own.
    pub(super) fn decide(&self, rules: &[RuleIndex], snapshot: Snapshot<'_>, fuel: &Fuel) -> Decision<'_> {
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

    /// What the memory may hold.
    pub fn limits(&self) -> Limits {
        let mesh = self.mesh();
        Limits {
            slots: mesh.memory_slots,
            bytes: mesh.memory_bytes,
            grace_ms: mesh.memory_grace_ms,
            ttl_ms: mesh.memory_ttl_ms,
        }
    }

    /// The memory's way to the host.
    pub fn access<'h>(&self, host: Host<'h>) -> Access<'h> {
        Access { store: host.memory, randomness: host.randomness, now_ms: host.now_ms, limits: self.limits() }
    }

    /// Whether a request that arrives is refused when its path has more than one reading.
    pub(super) fn denies_ambiguous_path(&self) -> bool {
        self.entry.deny_ambiguous_path
    }

    pub(super) fn inbound_rules(&self) -> &[RuleIndex] {
        &self.entry.inbound
    }

    pub(super) fn outbound_rules(&self) -> &[RuleIndex] {
        &self.entry.outbound
    }

    /// The inbound rules that give fields values: at a gateway they make the context.
    pub(super) fn mint_rules(&self) -> &[RuleIndex] {
        &self.mint
    }

    /// The other inbound rules.
    pub(super) fn gateway_rules(&self) -> &[RuleIndex] {
        &self.gateway
    }

    pub(super) fn view(&self, role: Role) -> MeshView<'_> {
        let direction = if role == Role::Outbound { "outbound" } else { "inbound" };
        MeshView { service: &self.service, domain: &self.domain, region: &self.region, direction }
    }
}

/// Whether a rule reads where a call goes, or makes pseudonyms, which each domain has of its own.
fn decides_by_destination(tables: &Tables) -> bool {
    let reads = |attribute: &Attribute| match attribute {
        Attribute::Destination(_) => true,
        Attribute::Host(path, _) => path.first().is_some_and(|first| first == "xds" || first == "upstream"),
        _ => false,
    };
    let pseudonym = |effect: &Effect| matches!(effect, Effect::Mask { method: MaskMethod::Pseudonym, .. });
    tables.program.attributes.iter().any(reads) || tables.rules.iter().any(|rule| pseudonym(&rule.effect))
}
