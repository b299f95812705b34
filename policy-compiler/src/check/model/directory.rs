//! Services and domains, and the settings of the mesh.

use std::collections::HashMap;

use context_mesh_core::{
    artifact::tables::{
        AmbiguousRecall, CarrierVersion, DomainTable, FieldType, GatewayTraces, LostRecall, MeshTable, OnInvalid,
        OnMismatch,
    },
    limits::{MAX_FRAMEWORKS, MAX_MEMORY_BYTES, MAX_MEMORY_SLOTS, MIN_MEMORY_BYTES},
};

use super::{Context, default::Defaults, names};
use crate::{
    expression::cel::ParameterValue,
    read::document::{Ambiguous, CallerMismatch, DomainEntry, Mesh, Metadata, Peers, Traces},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::{Span, Spanned},
    },
};

/// Default SPIFFE path of a workload: the one that Istio assigns.
const DEFAULT_IDENTITY: &str = "/ns/{namespace}/sa/{service}";

/// Default DNS domain of Kubernetes clusters.
const DEFAULT_CLUSTER_DOMAIN: &str = "cluster.local";

/// Default number of records in the memory: 10,000 requests a second that take about ten seconds.
const DEFAULT_SLOTS: u32 = 131_072;

/// Default size of the memory's records, in bytes.
const DEFAULT_BYTES: u64 = 64 << 20;

/// The layer of enterprise documents in rule names; no domain can have this name.
pub(crate) const ENTERPRISE: &str = "enterprise";

/// The owner of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The enterprise.
    Enterprise,
    /// A domain, as an index into [`Directory::domains`].
    Domain(u16),
    /// A domain that the mesh does not list; this has been reported.
    Unknown,
}

/// A service of the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its domain, as an index into [`Directory::domains`].
    pub domain: u16,
    /// Its identities, if they are not derived from its name.
    pub identities: Option<Vec<String>>,
    /// Its other hosts.
    pub hosts: Vec<String>,
    /// Its other workloads.
    pub workloads: Vec<String>,
    /// The regions in which it runs, sorted, if the mesh lists them.
    pub regions: Vec<String>,
}

/// The services and domains of the mesh.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// The domains, sorted by name.
    pub domains: Vec<DomainTable>,
    /// The services, sorted by name.
    pub services: Vec<Service>,
    /// Names of the services that are gateways.
    pub gateways: Vec<String>,
    /// The fields whose headers the proxies' routes see.
    pub(super) routed: Vec<Spanned<String>>,
    /// The parameters of conditions.
    pub parameters: Vec<(String, ParameterValue)>,
    /// The claims of verified tokens: name, place in the metadata of the proxy, and type.
    pub claims: Vec<(String, (Vec<String>, FieldType))>,
    /// Whether a path with several readings is denied, if the mesh specifies it.
    pub deny_ambiguous_path: Option<bool>,
    /// The settings for workloads without an allow rule.
    pub(super) defaults: Defaults,
    /// Where each of the domains is declared.
    spans: Vec<Span>,
    /// Whether there is not exactly one Mesh document. No name can be called unknown then.
    unsure: bool,
}

impl Directory {
    /// Whether there is not exactly one Mesh document.
    pub(super) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Returns the service of this name, as an index into [`Directory::services`].
    pub fn service(&self, name: &str) -> Option<usize> {
        self.services.binary_search_by(|service| service.name.as_str().cmp(name)).ok()
    }

    /// Returns the domain of this name, as an index into [`Directory::domains`].
    pub fn domain(&self, name: &str) -> Option<u16> {
        let index = self.domains.binary_search_by(|domain| domain.name.as_str().cmp(name)).ok()?;
        u16::try_from(index).ok()
    }

    /// Returns the name of an owner, for messages and rule names.
    pub(crate) fn owner_name(&self, owner: Owner) -> &str {
        match owner {
            Owner::Enterprise => ENTERPRISE,
            Owner::Domain(index) => self.domains.get(usize::from(index)).map_or("", |domain| &domain.name),
            Owner::Unknown => "",
        }
    }

    /// Returns the owner of the document. An unknown domain is reported.
    pub(super) fn owner(&self, head: &Metadata, context: &Context<'_>, diagnostics: &mut Diagnostics) -> Owner {
        let Some(domain) = &head.domain else { return Owner::Enterprise };
        if let Some(index) = self.domain(&domain.value) {
            return Owner::Domain(index);
        }
        if !self.unsure {
            let message = format!("the mesh has no domain `{}`", domain.value);
            let help = near::suggestion(&domain.value, self.domains.iter().map(|d| d.name.as_str()));
            diagnostics.push(context.unknown(code::UNKNOWN_DOMAIN, domain.span, message).maybe_help(help));
        }
        Owner::Unknown
    }

    /// Returns the regions of domains and services; a region may be there several times.
    pub(crate) fn all_regions(&self) -> impl Iterator<Item = &str> {
        let of_services = self.services.iter().flat_map(|service| &service.regions).map(String::as_str);
        let of_domains = self.domains.iter().map(|domain| domain.region.as_str());
        of_domains.chain(of_services).filter(|region| !region.is_empty())
    }

    /// Returns the regions in which a service runs.
    pub(crate) fn regions_of<'d>(&'d self, service: &'d Service) -> &'d [String] {
        match self.domains.get(usize::from(service.domain)) {
            Some(domain) if service.regions.is_empty() => std::slice::from_ref(&domain.region),
            _ => &service.regions,
        }
    }

    /// Returns the names of the regions to which a field may be sent, sorted. A region without domains is reported.
    pub(super) fn regions(
        &self,
        names: &[Spanned<String>],
        context: &Context<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<String> {
        for name in names.iter().filter(|_| !self.unsure) {
            if !self.all_regions().any(|region| region == name.value) {
                let message = format!("no domain of the mesh is in the region `{}`", name.value);
                let help = near::suggestion(&name.value, self.all_regions());
                let help = help.unwrap_or_else(|| "give the domains of the Mesh document their `region`".to_owned());
                diagnostics.push(context.unknown(code::UNKNOWN_REGION, name.span, message).help(help));
            }
        }
        let mut regions: Vec<String> = names.iter().map(|name| name.value.clone()).collect();
        regions.sort();
        regions.dedup();
        regions
    }

    /// Warns of domains without a region: their services never get a field that is restricted to regions. `bound` is
    /// such a field.
    pub(super) fn report_domains_without_region(&self, bound: (&str, Span), diagnostics: &mut Diagnostics) {
        for (index, (domain, span)) in self.domains.iter().zip(&self.spans).enumerate() {
            let here = |service: &Service| usize::from(service.domain) == index && service.regions.is_empty();
            if domain.region.is_empty() && self.services.iter().any(here) {
                let message = format!("the domain `{}` has no region", domain.name);
                let problem = Diagnostic::warning(code::NO_REGION, *span, message)
                    .label(bound.1, format!("`{}` and all fields with `residency` never reach its services", bound.0))
                    .help("say where its services run, for example `region: eu`");
                diagnostics.push(problem);
            }
        }
    }

    /// Returns the service of this name. An unknown one is reported.
    pub(super) fn known_service(
        &self,
        name: &Spanned<String>,
        context: &Context<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        let index = self.service(&name.value);
        if index.is_none() && !self.unsure {
            let message = format!("the mesh has no service `{}`", name.value);
            let help = near::suggestion(&name.value, self.services.iter().map(|service| service.name.as_str()));
            diagnostics.push(context.unknown(code::UNKNOWN_SERVICE, name.span, message).maybe_help(help));
        }
        index
    }
}

pub(super) fn check(meshes: Vec<Mesh>, context: &Context<'_>, diagnostics: &mut Diagnostics) -> (MeshTable, Directory) {
    let mut meshes = meshes.into_iter();
    let Some(mesh) = meshes.next() else {
        return (MeshTable::default(), Directory { unsure: true, ..Directory::default() });
    };
    let others: Vec<Mesh> = meshes.collect();
    for other in &others {
        let problem = Diagnostic::error(code::DUPLICATE_DOCUMENT, other.metadata.span, "there are two Mesh documents");
        let problem = problem.label(mesh.metadata.span, "the first one");
        diagnostics.push(problem.help("a tree describes one mesh: join the two, or keep them in two folders"));
    }
    let table = settings(&mesh, diagnostics);
    let mut directory = directory(&mesh.domains, diagnostics);
    directory.unsure = !others.is_empty();
    if table.identity_path.contains("{namespace}") {
        require_namespaces(&mesh, diagnostics);
    }
    for name in mesh.peers_without_filter.iter().flatten() {
        directory.known_service(name, context, diagnostics);
    }
    for gateway in &mesh.gateways {
        directory.known_service(gateway, context, diagnostics);
    }
    names::check(&mesh, &table, diagnostics);
    directory.deny_ambiguous_path = mesh.deny_ambiguous_path;
    let (declared, chosen) = (mesh.parameters, context.sources.environment());
    directory.parameters =
        super::parameters::check(declared, &mesh.environments, chosen, mesh.metadata.span, diagnostics);
    directory.claims = mesh.claims.into_iter().map(|claim| (claim.name.value, (claim.path, claim.value))).collect();
    directory.defaults.mesh = mesh.default;
    directory.defaults.span = Some(mesh.metadata.span);
    directory.routed = mesh.routed;
    directory.gateways = mesh.gateways.into_iter().map(|name| name.value).collect();
    let table = MeshTable { gateways: directory.gateways.clone(), ..table };
    (table, directory)
}

/// Reports domains without namespaces. A service is trusted only in the namespaces of its domain, so without any it
/// would never be.
fn require_namespaces(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for domain in mesh.domains.iter().filter(|domain| domain.namespaces.is_empty() && !domain.services.is_empty()) {
        let message = format!("the domain `{}` does not say in which namespaces its services run", domain.name.value);
        let help =
            format!("add `namespaces: [{}]` to it, with the names of its Kubernetes namespaces", domain.name.value);
        diagnostics.push(Diagnostic::error(code::NO_NAMESPACES, domain.name.span, message).help(help));
    }
}

/// Returns the DNS domain of the clusters, without a dot at either end.
fn cluster_domain(name: Option<&Spanned<String>>, diagnostics: &mut Diagnostics) -> String {
    let Some(name) = name else { return DEFAULT_CLUSTER_DOMAIN.to_owned() };
    let label = |label: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.value.len() > 253 || !name.value.split('.').all(label) {
        let message = format!("`{}` is not a DNS domain", name.value);
        let help =
            format!("write labels of lower-case letters, digits and `-`, for example `{DEFAULT_CLUSTER_DOMAIN}`");
        invalid(diagnostics, name.span, message, help);
    }
    name.value.clone()
}

fn settings(mesh: &Mesh, diagnostics: &mut Diagnostics) -> MeshTable {
    MeshTable {
        name: mesh.metadata.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        trust_domain: mesh.trust_domain.as_ref().map(|name| trust_domain(name, diagnostics)).unwrap_or_default(),
        trust_domain_aliases: mesh.trust_domain_aliases.iter().map(|name| trust_domain(name, diagnostics)).collect(),
        identity_path: identity(mesh.identity.as_ref(), diagnostics),
        require_peer: mesh.trust.peers == Peers::Mtls,
        peers_without_filter: mesh
            .peers_without_filter
            .as_ref()
            .map(|names| names.iter().map(|name| name.value.clone()).collect()),
        cluster_domain: cluster_domain(mesh.cluster_domain.as_ref(), diagnostics),
        caller_mismatch: match mesh.trust.caller_mismatch {
            CallerMismatch::Replace => OnMismatch::Replace,
            CallerMismatch::Deny => OnMismatch::Deny,
        },
        on_invalid: if mesh.deny_invalid { OnInvalid::Deny } else { OnInvalid::Ignore },
        present_headers: mesh.carriers.headers,
        present_baggage: mesh.carriers.baggage,
        present_mesh_header: mesh.carriers.mesh,
        max_age_ms: mesh.max_age_ms,
        gateway_traces: match mesh.gateway.traces {
            Traces::Keep => GatewayTraces::Keep,
            Traces::New => GatewayTraces::New,
            Traces::Start => GatewayTraces::Start,
        },
        gateway_sampled: mesh.gateway.sampled,
        header_value_bytes: mesh.header_value_bytes,
        memory_slots: mesh.memory.slots.map_or(DEFAULT_SLOTS, |slots| memory_slots(slots, diagnostics)),
        memory_bytes: mesh.memory.bytes.map_or(DEFAULT_BYTES, |bytes| memory_bytes(bytes, diagnostics)),
        memory_ttl_ms: mesh.memory.ttl_ms,
        memory_grace_ms: mesh.memory.grace_ms,
        ambiguous_recall: match mesh.recall.ambiguous {
            Ambiguous::Agree => AmbiguousRecall::Agree,
            Ambiguous::None => AmbiguousRecall::None,
            Ambiguous::Deny => AmbiguousRecall::Deny,
        },
        lost_recall: if mesh.recall.deny_lost { LostRecall::Deny } else { LostRecall::Ignore },
        slice: String::new(),
        carrier_version: match mesh.carriers.version {
            None => CarrierVersion::Dated,
            Some(1) => CarrierVersion::One,
            Some(_) => CarrierVersion::Two,
        },
        rollout_window_ms: mesh.rollout_window_ms,
        gateways: Vec::new(),
    }
}

fn invalid(diagnostics: &mut Diagnostics, span: Span, message: String, help: impl Into<String>) {
    diagnostics.push(Diagnostic::error(code::INVALID_VALUE, span, message).help(help));
}

/// Returns the trust domain. Its characters are those of the SPIFFE ID specification, section 2.1.
fn trust_domain(name: &Spanned<String>, diagnostics: &mut Diagnostics) -> String {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if name.value.is_empty() || name.value.len() > 255 || !name.value.chars().all(allowed) {
        let message = format!("`{}` is not a SPIFFE trust domain", name.value);
        let help = "write it without `spiffe://`, in lower-case letters, digits, `.`, `-` and `_`";
        invalid(diagnostics, name.span, message, help);
    }
    name.value.clone()
}

fn identity(path: Option<&Spanned<String>>, diagnostics: &mut Diagnostics) -> String {
    let Some(path) = path else { return DEFAULT_IDENTITY.to_owned() };
    let segments: Vec<&str> = path.value.strip_prefix('/').unwrap_or_default().split('/').collect();
    let literal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_literal = |s: &str| !s.is_empty() && !matches!(s, "." | "..") && s.chars().all(literal);
    // There may be letters around `{service}`, as in `{service}-account`.
    let names_service = |s: &str| {
        let parts = s.split_once("{service}");
        parts.is_some_and(|(before, after)| before.chars().chain(after.chars()).all(literal))
    };
    let fine = |s: &&str| matches!(*s, "*" | "{namespace}") || names_service(s) || is_literal(s);
    let count = |wanted: &str| segments.iter().filter(|segment| **segment == wanted).count();
    if segments.iter().filter(|segment| names_service(segment)).count() != 1
        || count("{namespace}") > 1
        || !segments.iter().all(fine)
    {
        let message = format!("`{}` is not the path of an identity", path.value);
        let help = format!(
            "write segments like `{DEFAULT_IDENTITY}`: names, `{{namespace}}` at most once, `*` for any one segment, and `{{service}}` exactly once"
        );
        invalid(diagnostics, path.span, message, help);
    } else if segments.contains(&"*") {
        let message = "`*` trusts a service in any namespace";
        let problem = Diagnostic::warning(code::ANY_NAMESPACE, path.span, message);
        let help = format!(
            "write `{DEFAULT_IDENTITY}` and the `namespaces` of each domain, or the one namespace in place of `*`"
        );
        diagnostics.push(problem.help(help));
    }
    path.value.clone()
}

fn memory_slots(slots: Spanned<i64>, diagnostics: &mut Diagnostics) -> u32 {
    let valid = u32::try_from(slots.value).ok().filter(|slots| (1..=MAX_MEMORY_SLOTS).contains(slots));
    valid.unwrap_or_else(|| {
        let message = format!("the memory cannot have {} slots", slots.value);
        let help = format!("use at most {MAX_MEMORY_SLOTS}; by default there are {DEFAULT_SLOTS}");
        invalid(diagnostics, slots.span, message, help);
        DEFAULT_SLOTS
    })
}

fn memory_bytes(bytes: Spanned<i64>, diagnostics: &mut Diagnostics) -> u64 {
    let valid = u64::try_from(bytes.value).ok().filter(|n| (MIN_MEMORY_BYTES..=MAX_MEMORY_BYTES).contains(n));
    valid.unwrap_or_else(|| {
        let message = format!("the memory cannot have {} bytes", bytes.value);
        let help = format!(
            "use {MIN_MEMORY_BYTES} (8 MiB) to {MAX_MEMORY_BYTES} (4 GiB); by default there are {DEFAULT_BYTES}"
        );
        invalid(diagnostics, bytes.span, message, help);
        DEFAULT_BYTES
    })
}

fn directory(entries: &[DomainEntry], diagnostics: &mut Diagnostics) -> Directory {
    // They are keys of one mapping, so their names are distinct.
    let mut sorted: Vec<&DomainEntry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let table = |entry: &&DomainEntry| DomainTable {
        name: entry.name.value.clone(),
        region: entry.region.clone(),
        frameworks: entry.frameworks.clone(),
        namespaces: entry.namespaces.iter().map(|name| name.value.clone()).collect(),
    };
    for entry in &sorted {
        if entry.frameworks.len() > MAX_FRAMEWORKS {
            let message = format!("the domain `{}` is under {} frameworks", entry.name.value, entry.frameworks.len());
            invalid(diagnostics, entry.name.span, message, format!("name at most {MAX_FRAMEWORKS}"));
        }
    }
    let mut directory = Directory {
        domains: sorted.iter().map(table).collect(),
        spans: sorted.iter().map(|entry| entry.name.span).collect(),
        defaults: Defaults { domains: sorted.iter().map(|entry| entry.default).collect(), ..Defaults::default() },
        ..Directory::default()
    };
    if let Some(entry) = sorted.get(usize::from(u16::MAX)) {
        let help = format!("a mesh can have {} of them", u16::MAX);
        invalid(diagnostics, entry.name.span, "there are too many domains".to_owned(), help);
    }
    for entry in entries.iter().filter(|entry| entry.name.value == ENTERPRISE) {
        let problem =
            Diagnostic::error(code::RESERVED_NAME, entry.name.span, "`enterprise` cannot be the name of a domain");
        diagnostics.push(problem.help("it stands for documents without a domain; use another name"));
    }
    directory.services = services(entries, &directory, diagnostics);
    directory
}

fn services(entries: &[DomainEntry], directory: &Directory, diagnostics: &mut Diagnostics) -> Vec<Service> {
    let mut seen: HashMap<&str, (&str, Span)> = HashMap::new();
    let mut services = Vec::new();
    for entry in entries {
        for service in &entry.services {
            let name = &service.name;
            if let Some((domain, first)) = seen.get(name.value.as_str()) {
                let message = if *domain == entry.name.value {
                    format!("domain `{domain}` lists the service `{}` twice", name.value)
                } else {
                    format!("the service `{}` is in the domains `{domain}` and `{}`", name.value, entry.name.value)
                };
                let problem = Diagnostic::error(code::DUPLICATE_NAME, name.span, message);
                diagnostics.push(problem.label(*first, "the first one").help("a service belongs to one domain"));
                continue;
            }
            seen.insert(&name.value, (&entry.name.value, name.span));
            let domain = directory.domain(&entry.name.value).unwrap_or_default();
            let values = |names: &[Spanned<String>]| names.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
            services.push(Service {
                name: name.value.clone(),
                domain,
                identities: service.identities.as_deref().map(values),
                hosts: values(&service.hosts),
                workloads: values(&service.workloads),
                regions: std::collections::BTreeSet::from_iter(values(&service.regions)).into_iter().collect(),
            });
        }
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}
