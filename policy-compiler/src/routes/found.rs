//! What is found in the configuration of proxies, before it is compared with the mesh.

use std::collections::HashMap;

use crate::report::source::{Span, Spanned};

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether anything in it is configuration of the kind that was expected.
    pub(super) recognised: bool,
    /// What the proxy calls itself: `id` and `cluster` of its node.
    pub(super) node: Vec<String>,
    /// The HTTP connection managers.
    pub(super) managers: Vec<Manager>,
    /// The tables of routes.
    pub(super) tables: Vec<RouteTable>,
    /// The clusters, and whether the filter stands in their own HTTP filters.
    pub(super) clusters: HashMap<String, bool>,
}

/// An HTTP connection manager.
#[derive(Debug)]
pub(super) struct Manager {
    /// Where it stands.
    pub(super) span: Span,
    /// What it is called in messages.
    pub(super) label: String,
    /// Whether its listener says that requests come in.
    pub(super) inbound: bool,
    /// Its HTTP filters in their order.
    pub(super) filters: Vec<Filter>,
    /// Whether the filter stands behind the router.
    pub(super) behind_router: bool,
    /// What is taken out of requests before the first route is chosen.
    pub(super) removed: Vec<Removed>,
    /// The names of route configurations that stand elsewhere.
    pub(super) named: Vec<String>,
    /// Headers by which it chooses among tables of routes.
    pub(super) scopes: Vec<Use>,
}

impl Manager {
    /// Returns the place of the filter of the mesh among the others, and what its configuration says.
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
    /// What it does.
    pub(super) kind: FilterKind,
}

/// What an HTTP filter does.
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
    /// Leaves only what is also true of another filter of the same name.
    pub(super) fn join(&mut self, other: Self) {
        match (self, other) {
            (Self::Ours(known), Self::Ours(other)) => known.join(other),
            (known, other) if *known != other => *known = Self::Other,
            _ => {}
        }
    }
}

/// What the configuration of the mesh's filter says, where it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Where the filter stands.
    pub(super) role: Option<String>,
    /// The service.
    pub(super) service: Option<String>,
    /// What it says of routes; `None` where the configuration does not stand in the file.
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

/// What the filter is told of the routes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routing {
    /// Nothing.
    NotSaid,
    /// No route matches a header that the filter changes.
    Fixed,
    /// The filter stands behind the router too.
    Upstream,
}

/// Headers that are taken out of requests.
#[derive(Debug)]
pub(super) enum Removed {
    /// The header with this name.
    Exact(String),
    /// All whose names begin so.
    Prefix(String),
    /// All whose names end so.
    Suffix(String),
    /// All whose names have this in them.
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

/// Routes that stand together: a route configuration of Envoy, or a resource of Kubernetes.
#[derive(Debug)]
pub(super) struct RouteTable {
    /// Its name.
    pub(super) name: String,
    /// Who uses it.
    pub(super) user: User,
    /// How many routes it has.
    pub(super) routes: usize,
    /// Whether a route calls a service, and not only answers.
    pub(super) calls: bool,
    /// What it does with headers.
    pub(super) uses: Vec<Use>,
    /// Where copies of requests go.
    pub(super) mirrors: Vec<Mirror>,
    /// Routes that the filter does not look at: what they are called in messages.
    pub(super) off: Vec<Spanned<String>>,
}

impl RouteTable {
    /// Returns a table without routes.
    pub(super) fn new(name: impl Into<String>, user: User) -> Self {
        let (uses, mirrors, off) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.into(), user, routes: 0, calls: false, uses, mirrors, off }
    }
}

/// Who uses a table of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// The connection manager in which it stands: an index into [`Found::managers`].
    Manager(usize),
    /// The connection managers that name it.
    WhoNamesIt,
    /// Proxies that are not in the file, for requests that come in to a service.
    Inbound,
    /// Proxies that are not in the file, for calls and at gateways.
    Outbound,
}

/// A header, and what is done with it.
#[derive(Debug)]
pub(super) struct Use {
    /// Its name, as it is written.
    pub(super) header: Spanned<String>,
    /// What the route is called in messages.
    pub(super) route: String,
    /// What is done.
    pub(super) how: How,
}

/// What is done with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// A route is chosen by it.
    Matched,
    /// A hash is made of it, which chooses an endpoint.
    Hashed,
    /// Requests are counted by it.
    Counted,
    /// It is written.
    Written,
    /// It is taken out.
    Removed,
}

/// A copy of requests.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Where it stands.
    pub(super) span: Span,
    /// What the route is called in messages.
    pub(super) route: String,
    /// Where the copy goes.
    pub(super) target: Target,
}

/// Where a request goes.
#[derive(Debug)]
pub(super) enum Target {
    /// To this cluster of Envoy.
    Cluster(String),
    /// To the cluster that this header names.
    Header(String),
    /// To this host, as Istio writes it in a resource of this namespace.
    Host {
        /// The host.
        host: String,
        /// The namespace of the resource, if it is known.
        namespace: Option<String>,
    },
}
