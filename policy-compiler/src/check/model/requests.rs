//! Turns the request of a test into a [`Request`].

use context_mesh_core::index::ServiceIndex;
use context_mesh_core::{
    artifact::tables::{DomainTable, MeshTable, Tables},
    context::{CALLER, Context, ContextError},
    pipeline::Role,
};

use super::{DEFAULT_NOW_MS, DEFAULT_REQUEST_ID, Request};
use crate::{
    read::document::{Choice, Fields, Fixtures, Given, HttpRequest, Principal, named_fixture},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::{Span, Spanned},
    },
};

/// The names that requests can use.
#[derive(Debug, Clone)]
pub struct World<'w> {
    mesh: &'w MeshTable,
    services: Vec<&'w str>,
    /// The first namespace of each service's domain.
    namespaces: Vec<(&'w str, &'w str)>,
    /// The first identity of each service that lists its own.
    identities: Vec<(&'w str, &'w str)>,
    /// The regions of each service that lists its own.
    regions: Vec<(&'w str, &'w [String])>,
    fields: Vec<&'w str>,
    gateways: Vec<&'w str>,
}

fn first_namespaces<'w>(
    services: impl Iterator<Item = (&'w str, u16)>,
    domains: &'w [DomainTable],
) -> Vec<(&'w str, &'w str)> {
    let first = |domain: u16| domains.get(usize::from(domain)).and_then(|domain| domain.namespaces.first());
    services.filter_map(|(service, domain)| Some((service, first(domain)?.as_str()))).collect()
}

impl<'w> World<'w> {
    /// Creates the world of an artifact. Artifacts do not contain which services are gateways.
    pub fn new(tables: &'w Tables, gateways: &'w [String]) -> Self {
        let services = tables.services.iter().map(|service| service.name.as_str()).collect();
        let of_domains = tables.services.iter().map(|service| (service.name.as_str(), service.domain));
        let namespaces = first_namespaces(of_domains, &tables.domains);
        let fields = tables.fields.iter().map(|field| field.name.as_str()).collect();
        let gateways = gateways.iter().map(String::as_str).collect();
        let named = |(name, service): &'w (String, ServiceIndex)| {
            Some((service.get(&tables.services)?.name.as_str(), name.as_str()))
        };
        let identities = tables.names.identities.iter().filter_map(named).collect();
        let regions =
            tables.services.iter().map(|service| (service.name.as_str(), service.regions.as_slice())).collect();
        Self { mesh: &tables.mesh, services, namespaces, identities, regions, fields, gateways }
    }

    pub(crate) fn of_model(mesh: &'w MeshTable, directory: &'w super::Directory, fields: &'w [super::Field]) -> Self {
        let services = directory.services.iter().map(|service| service.name.as_str()).collect();
        let of_domains = directory.services.iter().map(|service| (service.name.as_str(), service.domain));
        let namespaces = first_namespaces(of_domains, &directory.domains);
        let fields = fields.iter().map(|field| field.table.name.as_str()).collect();
        let gateways = directory.gateways.iter().map(String::as_str).collect();
        let identities = directory
            .services
            .iter()
            .filter_map(|service| Some((service.name.as_str(), service.identities.as_ref()?.first()?.as_str())));
        let regions =
            directory.services.iter().map(|service| (service.name.as_str(), service.regions.as_slice())).collect();
        Self { mesh, services, namespaces, identities: identities.collect(), regions, fields, gateways }
    }

    /// Adds everything that another version of the mesh has.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        let add = |all: &mut Vec<&'w str>, more: Vec<&'w str>| {
            all.extend(more);
            all.sort_unstable();
            all.dedup();
        };
        add(&mut self.services, other.services);
        self.namespaces.extend(other.namespaces);
        self.identities.extend(other.identities);
        self.regions.extend(other.regions);
        add(&mut self.fields, other.fields);
        add(&mut self.gateways, other.gateways);
        self
    }

    /// Returns the services of the mesh, sorted by name.
    pub fn services(&self) -> &[&'w str] {
        &self.services
    }

    /// Returns the SPIFFE ID of a service. A `{namespace}` in the mesh's identity path becomes the first namespace of
    /// its domain, and a `*` becomes `default`. A service that lists identities has the first of them.
    pub fn identity(&self, service: &str) -> String {
        let namespace =
            self.namespaces.iter().find(|(known, _)| *known == service).map_or("default", |(_, first)| first);
        let own = self.identities.iter().find(|(known, _)| *known == service).map(|(_, identity)| *identity);
        if let Some(id) = own.filter(|identity| identity.starts_with("spiffe://")) {
            return id.to_owned();
        }
        let (namespace, account) = match own.map(|identity| identity.split_once('/').ok_or(identity)) {
            Some(Ok((namespace, account))) => (namespace, Some(account)),
            Some(Err(account)) => (namespace, Some(account)),
            None => (namespace, None),
        };
        let mut before = "";
        let segment = |segment: &'w str| {
            let behind = std::mem::replace(&mut before, segment);
            match segment {
                "*" if behind == "ns" => namespace.to_owned(),
                "*" => "default".to_owned(),
                "{namespace}" => namespace.to_owned(),
                segment if segment.contains("{service}") => {
                    account.map_or_else(|| segment.replace("{service}", service), str::to_owned)
                }
                segment => segment.to_owned(),
            }
        };
        let path: Vec<String> = self.mesh.identity_path.split('/').map(segment).collect();
        format!("spiffe://{}{}", self.mesh.trust_domain, path.join("/"))
    }

    /// Returns the role of a proxy for the requests that it receives.
    pub(crate) fn usual_role(&self, workload: &str) -> Role {
        if self.gateways.contains(&workload) { Role::Gateway } else { Role::Inbound }
    }

    /// Returns a diagnostic about a field that no schema declares. `caller` is always declared.
    pub(super) fn unknown_field(&self, name: &Spanned<String>) -> Option<Diagnostic> {
        let known = name.value == CALLER || self.fields.contains(&name.value.as_str());
        (!known).then(|| {
            let problem = Diagnostic::error(
                code::UNKNOWN_FIELD,
                name.span,
                format!("no schema declares the field `{}`", name.value),
            );
            problem.maybe_help(near::suggestion(&name.value, self.fields.iter().copied()))
        })
    }

    /// Reports a region in which the service does not run.
    fn unknown_region(&self, workload: &str, region: &Spanned<String>) -> Option<Diagnostic> {
        let mut regions =
            self.regions.iter().filter(|(service, _)| *service == workload).flat_map(|(_, regions)| *regions);
        if regions.any(|known| *known == region.value) {
            return None;
        }
        let message = format!("the mesh does not list the region `{}` for the service `{workload}`", region.value);
        let help = format!(
            "write `{{name: {workload}, regions: [{}, ...]}}` in the Mesh; a service without `regions` runs in that of its domain",
            region.value
        );
        Some(Diagnostic::error(code::TEST_CONTRADICTION, region.span, message).help(help))
    }

    fn unknown_service(&self, name: &Spanned<String>) -> Option<Diagnostic> {
        (!self.services.contains(&name.value.as_str())).then(|| {
            let problem = Diagnostic::error(
                code::UNKNOWN_SERVICE,
                name.span,
                format!("the mesh has no service `{}`", name.value),
            );
            problem.maybe_help(near::suggestion(&name.value, self.services.iter().copied()))
        })
    }
}

/// Returns the keys of a case, completed with those of its test.
pub(super) fn overlay(case: &Given, test: &Given) -> Given {
    let (case, test) = (case.clone(), test.clone());
    Given {
        workload: case.workload.or(test.workload),
        role: case.role.or(test.role),
        principal: case.principal.or(test.principal),
        request: case.request.or(test.request),
        context: case.context.or(test.context),
        destination: case.destination.or(test.destination),
        remembered: case.remembered.or(test.remembered),
        now_ms: case.now_ms.or(test.now_ms),
        region: case.region.or(test.region),
        age_ms: case.age_ms.or(test.age_ms),
    }
}

/// Resolves requests. What is wrong is added to the diagnostics.
pub(crate) struct Resolver<'r, 'w> {
    pub(crate) world: &'r World<'w>,
    /// The named fixtures. `None` if there are no fixtures, as on the command line: a principal is then the name of a
    /// service, or a SPIFFE ID.
    pub(crate) fixtures: Option<&'r Fixtures>,
    /// The default time, in milliseconds since 1970.
    pub(crate) now_ms: Option<u64>,
    pub(crate) diagnostics: &'r mut Diagnostics,
}

impl Resolver<'_, '_> {
    /// Returns the request, or `None` if something about it is wrong. `span` is where a missing part is reported.
    pub(crate) fn request(&mut self, given: &Given, span: Span) -> Option<Request> {
        let before = self.diagnostics.len();
        let Some(workload) = &given.workload else {
            let problem = Diagnostic::error(code::MISSING_KEY, span, "nothing says which workload gets the request");
            self.diagnostics.push(problem.help("add `workload: <service>`"));
            return None;
        };
        self.diagnostics.extend(self.world.unknown_service(workload));
        let role = given.role.flatten().unwrap_or_else(|| self.world.usual_role(&workload.value));
        if given.role != Some(None) {
            self.check_role(given, role);
        }
        let principal = given.principal.as_ref().and_then(|principal| self.principal(&principal.value));
        let context = given.context.as_ref().map(|context| self.context(context)).unwrap_or_default();
        let remembered = given.remembered.as_ref().map(|context| self.context(&context.value));
        let http = given.request.as_ref().and_then(|request| self.http(request)).unwrap_or_default();
        // A name with a dot is a host. One that no service has is outside of the mesh.
        if let Some(destination) = given.destination.as_ref().filter(|name| !name.value.contains('.')) {
            self.diagnostics.extend(self.world.unknown_service(destination));
        }
        if let Some(region) = &given.region {
            self.diagnostics.extend(self.world.unknown_region(&workload.value, region));
        }
        let destination = given.destination.as_ref().map(|name| name.value.clone());
        let asked = destination.as_deref().unwrap_or(&workload.value);
        let request = Request {
            workload: workload.value.clone(),
            role,
            principal,
            headers: headers(&http, asked),
            attributes: http.attributes,
            context,
            remembered,
            destination: destination.clone(),
            now_ms: given.now_ms.or(self.now_ms).unwrap_or(DEFAULT_NOW_MS),
            region: given.region.as_ref().map(|region| region.value.clone()).unwrap_or_default(),
            age_ms: given.age_ms.unwrap_or_default(),
        };
        (self.diagnostics.len() == before).then_some(request)
    }

    /// Reports keys that have no meaning in the role of the proxy.
    fn check_role(&mut self, given: &Given, role: Role) {
        let calls = matches!(role, Role::Outbound | Role::Gateway | Role::Egress);
        let mut wrong = |span: Option<Span>, wrong: bool, key: &str, what: &str| {
            if let Some(span) = span.filter(|_| wrong) {
                let message = format!("`{key}` means nothing for a request with the role `{}`", role.as_str());
                self.diagnostics.push(Diagnostic::error(code::TEST_CONTRADICTION, span, message).help(what.to_owned()));
            }
        };
        let destination = given.destination.as_ref().map(|name| name.span);
        wrong(destination, !calls, "destination", "the workload itself is the destination: leave it out");
        let remembered = given.remembered.as_ref().map(|context| context.span);
        let help = "only calls of a service are looked up: add `role: outbound`, or say `context`";
        wrong(remembered, role != Role::Outbound, "remembered", help);
        let principal = given.principal.as_ref().map(|principal| principal.span);
        let help = "a call comes from the workload itself: leave it out";
        wrong(principal, matches!(role, Role::Outbound | Role::Egress), "principal", help);
    }

    fn principal(&mut self, choice: &Choice<Principal>) -> Option<String> {
        let principal = match (choice, self.fixtures) {
            (Choice::Here(principal), _) => principal.clone(),
            (Choice::Named(name), Some(fixtures)) => {
                self.found(named_fixture(name, "principal", &fixtures.principals).cloned())?
            }
            (Choice::Named(name), None) if name.value.contains("://") => Principal::Id(name.clone()),
            (Choice::Named(name), None) => Principal::Service(name.clone()),
        };
        match principal {
            Principal::Nobody => None,
            Principal::Id(id) => Some(id.value),
            Principal::Service(service) => {
                self.diagnostics.extend(self.world.unknown_service(&service));
                Some(self.world.identity(&service.value))
            }
        }
    }

    fn http(&mut self, choice: &Choice<HttpRequest>) -> Option<HttpRequest> {
        match choice {
            Choice::Here(request) => Some(request.clone()),
            Choice::Named(name) => {
                let none = Fixtures::default();
                let fixtures = self.fixtures.unwrap_or(&none);
                self.found(named_fixture(name, "request", &fixtures.requests).cloned())
            }
        }
    }

    fn context(&mut self, choice: &Choice<Fields>) -> Context {
        let fields = match choice {
            Choice::Here(fields) => fields.clone(),
            Choice::Named(name) => {
                let none = Fixtures::default();
                let fixtures = self.fixtures.unwrap_or(&none);
                self.found(named_fixture(name, "context", &fixtures.contexts).cloned()).unwrap_or_default()
            }
        };
        let mut context = Context::new();
        for (name, value) in &fields {
            self.diagnostics.extend(self.world.unknown_field(name));
            if let Err(error) = context.insert(&name.value, &value.to_string()) {
                let why = match error {
                    ContextError::FieldName => "its name is empty or too long",
                    ContextError::TooManyFields => "the context has too many fields",
                    ContextError::TooLarge => "the context is too large",
                    ContextError::NotJson => "its value is nested too deeply",
                };
                let message = format!("the field `{}` cannot be in a context: {why}", name.value);
                self.diagnostics.push(Diagnostic::error(code::INVALID_VALUE, name.span, message));
            }
        }
        context
    }

    fn found<T>(&mut self, found: Result<T, Box<Diagnostic>>) -> Option<T> {
        found.map_err(|problem| self.diagnostics.push(*problem)).ok()
    }
}

/// Returns all headers of a request to the service `asked`.
fn headers(http: &HttpRequest, asked: &str) -> Vec<(String, String)> {
    let text = |said: &Option<String>, default: &str| said.clone().unwrap_or_else(|| default.to_owned());
    let mut headers = vec![
        (":method".to_owned(), text(&http.method, "GET")),
        (":scheme".to_owned(), text(&http.scheme, "http")),
        (":authority".to_owned(), text(&http.host, asked)),
        (":path".to_owned(), text(&http.path, "/")),
    ];
    const REQUEST_ID: &str = "x-request-id";
    if !http.headers.iter().any(|(name, _)| name.value == REQUEST_ID) {
        headers.push((REQUEST_ID.to_owned(), DEFAULT_REQUEST_ID.to_owned()));
    }
    let said = http.headers.iter().filter_map(|(name, value)| Some((name.value.clone(), value.clone()?)));
    headers.extend(said);
    headers
}
