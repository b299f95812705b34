//! What the configuration of proxies contains, before it is compared with the mesh.

use std::collections::HashMap;

use crate::report::source::{Span, Spanned};

/// The content of one file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether anything in it is configuration of the expected kind.
    pub(super) recognised: bool,
    /// The names of the proxy: `id` and `cluster` of its node.
    pub(super) node: Vec<String>,
    /// The HTTP connection managers.
    pub(super) managers: Vec<Manager>,
    /// The tables of routes.
    pub(super) tables: Vec<RouteTable>,
    /// The clusters, and whether the filter is in their own HTTP filters.
    pub(super) clusters: HashMap<String, bool>,
}

/// An HTTP connection manager.
#[derive(Debug)]
pub(super) struct Manager {
    /// Its place.
    pub(super) span: Span,
    /// Its name in messages.
    pub(super) label: String,
    /// Whether its listener is inbound.
    pub(super) inbound: bool,
    /// Its HTTP filters in their order.
    pub(super) filters: Vec<Filter>,
    /// Whether the filter runs after the router.
    pub(super) behind_router: bool,
    /// Headers that are removed from requests before the first route is chosen.
    pub(super) removed: Vec<Removed>,
    /// The names of route configurations that are defined elsewhere.
    pub(super) named: Vec<String>,
    /// Headers by which it chooses among tables of routes.
    pub(super) scopes: Vec<Use>,
}

impl Manager {
    /// Returns the index of the mesh's filter among the others, and its configuration.
    pub(super) fn ours(&self) -> Option<(usize, &Settings)> {
        self.filters.iter().enumerate().find_map(|(place, filter)| match &filter.kind {
            FilterKind::Ours(settings) => Some((place, settings)),
            _ => None,
        })
    }
}

/// An HTTP filter.
#[derive(Debug)]
pub(super) struct Filter {
    /// Its name.
    pub(super) name: Spanned<String>,
    /// Its kind.
    pub(super) kind: FilterKind,
}

/// The kind of an HTTP filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FilterKind {
    /// It is the filter of the mesh.
    Ours(Settings),
    /// It decides about requests by their route or their headers.
    Decides,
    /// It is the router.
    Router,
    /// Anything else.
    Other,
}

impl FilterKind {
    /// Keeps only what is also true of another filter of the same name.
    pub(super) fn join(&mut self, other: Self) {
        match (self, other) {
            (Self::Ours(known), Self::Ours(other)) => known.join(other),
            (known, other) if *known != other => *known = Self::Other,
            _ => {}
        }
    }
}

/// The configuration of the mesh's filter, if it is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The role of the filter.
    pub(super) role: Option<String>,
    /// The service.
    pub(super) service: Option<String>,
    /// The `routing` setting; `None` if the configuration is not in the file.
    pub(super) routing: Option<Routing>,
}

impl Settings {
    fn join(&mut self, other: Self) {
        let same = |known: &mut Option<String>, other: Option<String>| {
            if *known != other {
                *known = None;
            }
        };
        same(&mut self.role, other.role);
        same(&mut self.service, other.service);
        if self.routing != other.routing {
            self.routing = None;
        }
    }
}

/// The `routing` setting of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routing {
    /// It is not set.
    NotSaid,
    /// No route matches a header that the filter changes.
    Fixed,
    /// The filter runs after the router too.
    Upstream,
}

/// Headers that are removed from requests.
#[derive(Debug)]
pub(super) enum Removed {
    /// The header with this name.
    Exact(String),
    /// All whose names begin with this.
    Prefix(String),
    /// All whose names end with this.
    Suffix(String),
    /// All whose names contain this.
    Contains(String),
}

impl Removed {
    /// Returns whether a header is among them; `header` is in lower case.
    pub(super) fn has(&self, header: &str) -> bool {
        match self {
            Self::Exact(name) => header == name.to_ascii_lowercase(),
            Self::Prefix(text) => header.starts_with(&text.to_ascii_lowercase()),
            Self::Suffix(text) => header.ends_with(&text.to_ascii_lowercase()),
            Self::Contains(text) => header.contains(&text.to_ascii_lowercase()),
        }
    }
}

/// Routes of one table: a route configuration of Envoy, or a resource of Kubernetes.
#[derive(Debug)]
pub(super) struct RouteTable {
    /// Its name.
    pub(super) name: String,
    /// Its users.
    pub(super) user: User,
    /// Number of its routes.
    pub(super) routes: usize,
    /// Whether a route calls a service. Routes may also only respond.
    pub(super) calls: bool,
    /// Its uses of headers.
    pub(super) uses: Vec<Use>,
    /// Its mirrors.
    pub(super) mirrors: Vec<Mirror>,
    /// Routes without the filter, by their names in messages.
    pub(super) off: Vec<Spanned<String>>,
}

impl RouteTable {
    /// Returns a table without routes.
    pub(super) fn new(name: impl Into<String>, user: User) -> Self {
        let (uses, mirrors, off) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.into(), user, routes: 0, calls: false, uses, mirrors, off }
    }
}

/// The users of a table of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// The connection manager that contains it, as an index into [`Found::managers`].
    Manager(usize),
    /// The connection managers that refer to it by name.
    WhoNamesIt,
    /// Proxies that are not in the file, for inbound requests of a service.
    Inbound,
    /// Proxies that are not in the file, for outbound calls and at gateways.
    Outbound,
}

/// A header, and how it is used.
#[derive(Debug)]
pub(super) struct Use {
    /// Its name, as written.
    pub(super) header: Spanned<String>,
    /// The name of the route in messages.
    pub(super) route: String,
    /// The kind of use.
    pub(super) how: How,
}

/// The kind of use of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// A route is chosen by it.
    Matched,
    /// Its hash chooses an endpoint.
    Hashed,
    /// Requests are counted by it.
    Counted,
    /// It is written.
    Written,
    /// It is removed.
    Removed,
}

/// A mirror, which copies requests.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Its place.
    pub(super) span: Span,
    /// The name of the route in messages.
    pub(super) route: String,
    /// The destination of the copy.
    pub(super) target: Target,
}

/// The destination of a request.
#[derive(Debug)]
pub(super) enum Target {
    /// This cluster of Envoy.
    Cluster(String),
    /// The cluster named by this header.
    Header(String),
    /// This host, as Istio writes it in a resource of this namespace.
    Host {
        /// The host.
        host: String,
        /// The namespace of the resource, if it is known.
        namespace: Option<String>,
    },
}
