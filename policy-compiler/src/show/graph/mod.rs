//! The graph of the mesh under its rules: who may call whom, and where each field may flow.
//!
//! ```text
//! model and programs -> Graph -> statements -> text, JSON, table of HTML
//!                             -> Picture -> Mermaid, DOT, SVG -> HTML
//!                                     -> Matrix -> SVG -> HTML
//! ```
//!
//! A [`Graph`] holds everything, call by call. A statement (`fold`) covers many calls for which the same holds. A
//! picture leaves out denied calls. It draws one arrow for all calls between two domains that are alike, or a matrix if
//! there would be too many arrows.

mod build;
mod dot;
mod fold;
mod html;
mod json;
mod layout;
mod matrix;
mod mermaid;
mod picture;
mod style;
mod svg;
mod svg_matrix;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use html::html;
pub use json::document;
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

use context_mesh_core::artifact::tables::Classification;

use crate::read::document::About;

/// Narrows a graph. The default selects the whole mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only the calls from and to this service.
    pub service: Option<String>,
    /// Only the calls from and to the services of this domain.
    pub domain: Option<String>,
    /// Only this field.
    pub field: Option<String>,
}

/// Who may call whom, and where fields may flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The name of the mesh.
    pub mesh: String,
    /// All domains, sorted by name.
    pub domains: Vec<Domain>,
    /// All services, sorted by name.
    pub services: Vec<Service>,
    /// The selected fields, sorted by name. `caller`, which the mesh sets at every hop, is not among them.
    pub fields: Vec<Field>,
    /// The selected pairs of services, sorted by caller, then by called service.
    pub calls: Vec<Call>,
    /// The rules that decide, by the content of the request, about every call that is not denied. Calls to gateways are
    /// ignored.
    pub everywhere: Vec<String>,
    /// What people know of rules: the name of each rule of which something is known, sorted.
    pub about: Vec<(String, About)>,
    /// The selection.
    pub selection: Selection,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Its region; empty if not given.
    pub region: String,
    /// The regulatory frameworks that apply to it.
    pub frameworks: Vec<String>,
    /// Its services, as indices into [`Graph::services`].
    pub services: Vec<usize>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its domain, as an index into [`Graph::domains`].
    pub domain: usize,
    /// Whether requests of clients enter the mesh here.
    pub gateway: bool,
}

/// A field of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The domain that owns it, or `enterprise`.
    pub owner: String,
    /// The kind of data.
    pub classification: Classification,
    /// The regions to which it may be sent; empty means any.
    pub residency: Vec<String>,
}

/// Requests from one service to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The caller, as an index into [`Graph::services`].
    pub from: usize,
    /// The called service.
    pub to: usize,
    /// Whether they pass.
    pub passage: Passage,
    /// The fields that do not arrive unchanged, in the order of the fields; empty if the call is denied.
    pub limits: Vec<Limit>,
}

/// Whether requests pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passage {
    /// All of them.
    Always,
    /// These rules decide, depending on the request.
    OnCondition(Vec<String>),
    /// None, because of these rules.
    Never(Vec<String>),
}

/// A limit on a field for a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// The field, as an index into [`Graph::fields`].
    pub field: usize,
    /// Its fate.
    pub fate: Fate,
    /// The responsible rules; empty if its schema is responsible.
    pub rules: Vec<String>,
}

/// The fate of a field on a call. If several apply, the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It arrives unchanged.
    Passes,
    /// It is masked, depending on the request.
    SometimesMasked,
    /// It is removed, depending on the request.
    SometimesRedacted,
    /// It is masked.
    Masked,
    /// It is removed.
    Redacted,
    /// Its `residency` keeps it out of the region.
    Kept,
}

impl Fate {
    /// All fates.
    pub const ALL: [Self; 6] =
        [Self::Passes, Self::SometimesMasked, Self::SometimesRedacted, Self::Masked, Self::Redacted, Self::Kept];

    /// Returns the fate in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::SometimesMasked => "sometimes masked",
            Self::SometimesRedacted => "sometimes redacted",
            Self::Masked => "masked",
            Self::Redacted => "redacted",
            Self::Kept => "kept in region",
        }
    }
}

impl Call {
    /// Whether any request passes.
    pub const fn may_pass(&self) -> bool {
        !matches!(self.passage, Passage::Never(_))
    }

    /// Returns the fate of a field, given as an index into [`Graph::fields`].
    pub(crate) fn fate(&self, field: usize) -> Fate {
        self.limits.iter().find(|limit| limit.field == field).map_or(Fate::Passes, |limit| limit.fate)
    }
}

impl Graph {
    /// Returns the rules that decide about this call but not about every call. For a denied call, or one to a gateway,
    /// all of its rules.
    pub(crate) fn own_rules<'g>(&'g self, call: &'g Call) -> Vec<&'g str> {
        let (Passage::OnCondition(rules) | Passage::Never(rules)) = &call.passage else { return Vec::new() };
        let all = !call.may_pass() || self.is_gateway(call.to);
        let own = rules.iter().filter(|rule| all || !self.everywhere.contains(rule));
        own.map(String::as_str).collect()
    }

    /// Returns the name of a service.
    pub(crate) fn service_name(&self, service: usize) -> &str {
        self.services.get(service).map_or("", |service| &service.name)
    }

    /// Returns the name of a domain.
    pub(crate) fn domain_name(&self, domain: usize) -> &str {
        self.domains.get(domain).map_or("", |domain| &domain.name)
    }

    fn is_gateway(&self, service: usize) -> bool {
        self.services.get(service).is_some_and(|service| service.gateway)
    }

    fn domain_of(&self, service: usize) -> usize {
        self.services.get(service).map_or(0, |service| service.domain)
    }
}
