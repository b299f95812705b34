//! The parts of the mesh that matter to routes.

use context_mesh_core::{
    artifact::tables::{FieldTable, Tables},
    carrier::{baggage, mesh_header, tracestate},
    destination,
    vm::Destination,
};

use super::found::Target;

/// The header of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its name, in lower case.
    pub header: String,
    /// The field.
    pub field: String,
    /// Whether the filter writes it before the router, so that routes can match it.
    pub routed: bool,
}

/// The meaning of a header in the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning<'m> {
    /// It shows a field.
    Field(&'m Mapped),
    /// It carries the context.
    Carrier,
    /// Calls are matched to requests by it.
    Id,
}

/// The mesh.
pub(super) struct Mesh<'m> {
    tables: &'m Tables,
    gateways: &'m [String],
    mapped: Vec<Mapped>,
}

impl<'m> Mesh<'m> {
    /// Returns the relevant parts of a mesh.
    pub(super) fn new(tables: &'m Tables, gateways: &'m [String]) -> Self {
        Self { tables, gateways, mapped: mapped(tables) }
    }

    /// Returns the meaning of a header, or `None` if it has none. Header names are case-insensitive.
    pub(super) fn meaning(&self, header: &str) -> Option<Meaning<'_>> {
        let header = header.to_ascii_lowercase();
        if let Some(mapped) = self.mapped.iter().find(|mapped| mapped.header == header) {
            return Some(Meaning::Field(mapped));
        }
        match header.as_str() {
            mesh_header::NAME | baggage::NAME | tracestate::NAME => Some(Meaning::Carrier),
            "traceparent" | "b3" | "x-request-id" => Some(Meaning::Id),
            name => name.starts_with("x-b3-").then_some(Meaning::Id),
        }
    }

    /// Returns whether the filter shows mapped headers to applications.
    pub(super) const fn shows_headers(&self) -> bool {
        self.tables.mesh.present_headers
    }

    /// Returns whether the service is a gateway of the mesh.
    pub(super) fn is_gateway(&self, service: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway == service)
    }

    /// Returns the fields whose `residency` is restricted.
    pub(super) fn bound(&self) -> impl Iterator<Item = &'m FieldTable> {
        self.tables.fields.iter().filter(|field| !field.residency.is_empty())
    }

    /// Returns the service of the mesh to which a request goes, or `None` if it goes elsewhere.
    pub(super) fn destination(&self, target: &Target) -> Option<Destination<'m>> {
        match target {
            Target::Cluster(name) => destination::of_cluster(name.as_bytes(), self.tables),
            Target::Header(_) => None,
            Target::Host { host, namespace } => self.of_host(host, namespace.as_deref()),
        }
    }

    /// Returns the service of a host. Istio completes a host without dots with the namespace of the resource, and the
    /// proxy has a cluster for the result.
    fn of_host(&self, host: &str, namespace: Option<&str>) -> Option<Destination<'m>> {
        let host = match (host.contains('.'), namespace) {
            (true, _) => host.to_owned(),
            (false, Some(namespace)) => format!("{host}.{namespace}.svc.{}", self.tables.mesh.cluster_domain),
            (false, None) => return destination::of_service(host, self.tables),
        };
        destination::of_cluster(format!("outbound|80||{host}").as_bytes(), self.tables)
    }
}

/// Returns the headers of all fields.
fn mapped(tables: &Tables) -> Vec<Mapped> {
    let mapped = |field: &FieldTable| {
        let header = field.header.as_ref()?.to_ascii_lowercase();
        Some(Mapped { header, field: field.name.clone(), routed: field.routed })
    };
    tables.fields.iter().filter_map(mapped).collect()
}
