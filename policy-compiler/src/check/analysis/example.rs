//! Examples: requests that demonstrate a finding. An example is shown only if the virtual machine confirms the claim.

use context_mesh_core::index::ProgramIndex;
use std::collections::BTreeMap;

use context_mesh_core::artifact::tables::{
    Attribute, HostType, MeshTable, PeerPart, RequestPart, ServiceTable, Tables,
};
use context_mesh_core::artifact::{encode, load};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::host::Attributes;
use context_mesh_core::vm::{Destination, Machine, MeshView, Snapshot};
use context_mesh_core::{destination, identity};
use serde_json::Value as Json;

use super::facts::Knowledge;
use super::formula::{Ask, Formula};
use super::places::{Cast, Scope};
use super::show;
use super::solve::State;
use super::terms::{Part, Place};
use super::values::Values;
use crate::check::model::{Model, World};
use crate::expression::codegen::Builder;
use crate::expression::ir::{Ir, Node};
use crate::read::document::Direction;

/// Most nodes of a condition after its variables are inlined.
const MAX_NODES: usize = 5_000;

/// A request that demonstrates a finding.
#[derive(Debug, Default)]
pub(super) struct Example {
    /// The fields of its context.
    context: BTreeMap<String, Json>,
    headers: BTreeMap<String, String>,
    host: BTreeMap<Vec<String>, Vec<u8>>,
    principal: String,
    own: String,
    destination: String,
    direction: Direction,
    /// The parts that are shown.
    shown: Vec<String>,
}

impl std::fmt::Display for Example {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("for example: ")?;
        if self.shown.is_empty() { f.write_str("any request") } else { f.write_str(&self.shown.join(", ")) }
    }
}

/// A condition and the result that the machine must return for it.
pub(super) type Claim<'n> = (&'n Node, Ask);

impl Knowledge<'_> {
    /// Returns a request that satisfies the formulas, if the machine confirms the claims.
    pub(super) fn example(&self, scope: &Scope<'_>, formulas: &[&Formula], claims: &[Claim<'_>]) -> Option<Example> {
        let inlined: Vec<(Node, Ask)> = claims
            .iter()
            .map(|(node, ask)| {
                let mut left = MAX_NODES;
                Some((inlined(node, self.variables, &mut left)?, *ask))
            })
            .collect::<Option<_>>()?;
        let mut found = None;
        self.solver().ways(scope, formulas, &mut |state, cast| {
            found = self.build(scope, state, cast).filter(|example| self.holds(example, &inlined) == Some(true));
            found.is_some()
        });
        found
    }

    fn build(&self, scope: &Scope<'_>, state: &State, cast: &Cast) -> Option<Example> {
        let mut example = Example { direction: scope.direction, ..Example::default() };
        scope.name(&cast.own, Part::Service).clone_into(&mut example.own);
        scope.name(&cast.destination, Part::Service).clone_into(&mut example.destination);
        let peer = scope.name(&cast.peer, Part::Service);
        if !peer.is_empty() {
            example.principal = self.principal(peer);
        }
        for (term, values) in state.iter() {
            let term = self.terms.get(term)?;
            let value = value(values, self)?;
            let shown = match term.part {
                Some((place, part)) => {
                    let somebody = match place {
                        Place::Peer => &cast.peer,
                        Place::Own => &cast.own,
                        Place::Destination => &cast.destination,
                    };
                    (!matches!(part, Part::Frameworks | Part::Direction))
                        .then(|| Json::from(scope.name(somebody, part)))
                }
                None => {
                    example.place(&term.node, value.as_ref())?;
                    value.clone()
                }
            };
            let name = show::name(&term.node)?;
            example.shown.push(match shown {
                Some(value) => format!("{name} = {}", show::value(&value)),
                None if term.part.is_some() => continue,
                None => format!("no {name}"),
            });
        }
        if scope.refuses_incomplete && !example.context.is_empty() {
            self.complete(&mut example)?;
        }
        Some(example)
    }

    /// Adds the required fields that are missing.
    fn complete(&self, example: &mut Example) -> Option<()> {
        for field in self.model.fields.iter().filter(|field| field.table.required) {
            let name = &field.table.name;
            if !example.context.contains_key(name) {
                let value = value(&Values { missing: false, ..self.terms.field(name)?.clone() }, self)??;
                example.shown.push(format!("context.{name} = {}", show::value(&value)));
                example.context.insert(name.clone(), value);
            }
        }
        Some(())
    }

    /// Returns a SPIFFE ID that names the service.
    fn principal(&self, service: &str) -> String {
        let Model { mesh, directory, fields, .. } = self.model;
        World::of_model(mesh, directory, fields).identity(service)
    }

    /// Whether the machine confirms the claims for the request. `None` if they cannot be evaluated.
    fn holds(&self, example: &Example, claims: &[(Node, Ask)]) -> Option<bool> {
        let mut builder = Builder::new();
        let programs: Vec<(ProgramIndex, Ask)> = claims
            .iter()
            .map(|(node, ask)| Some((builder.condition(&Ir { root: node.clone(), start: 0, end: 0 }).ok()?, *ask)))
            .collect::<Option<_>>()?;
        let (program, regexes) = builder.finish();
        let directory = &self.model.directory;
        let service = |service: &crate::check::model::Service| ServiceTable {
            name: service.name.clone(),
            domain: service.domain,
            ..ServiceTable::default()
        };
        // The mesh document may be missing.
        let MeshTable { memory_slots, memory_bytes, memory_ttl_ms, .. } = MeshTable::of_programs();
        let tables = Tables {
            mesh: MeshTable { memory_slots, memory_bytes, memory_ttl_ms, ..self.model.mesh.clone() },
            services: directory.services.iter().map(service).collect(),
            domains: directory.domains.clone(),
            program,
            regexes,
            ..Tables::default()
        };
        let verified = load(&encode(&tables).ok()?).ok()?;
        let tables = verified.tables();
        let mut context = Context::new();
        for (name, value) in &example.context {
            context.insert(name, &value.to_string()).ok()?;
        }
        let headers = example.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let headers = Headers::new(headers);
        let peer = identity::peer(&example.principal, tables);
        let (domain, region) = identity::domain_of(&example.own, tables).unwrap_or_default();
        let direction = if example.direction == Direction::Inbound { "inbound" } else { "outbound" };
        let mesh = MeshView { service: &example.own, domain, region, direction };
        let destination: Destination<'_> = destination::of_service(&example.destination, tables).unwrap_or_default();
        let snapshot =
            Snapshot { headers: &headers, context: &context, peer: &peer, mesh, destination, attributes: example };
        let arena = Default::default();
        let mut machine = Machine::new(verified.code(), snapshot, &arena);
        Some(programs.into_iter().all(|(program, ask)| {
            let (yes, no, error) = ask.accepts();
            match machine.condition(program) {
                Ok(true) => yes,
                Ok(false) => no,
                Err(_) => error,
            }
        }))
    }
}

impl Example {
    /// Puts a value where the node reads it. Returns `None` if that place is not known. If the value is missing,
    /// nothing is put.
    fn place(&mut self, node: &Node, value: Option<&Json>) -> Option<()> {
        let Some(value) = value else {
            return matches!(node, Node::Attribute(_) | Node::Member(..) | Node::HasMember(..)).then_some(());
        };
        let text = || value.as_str().map(str::to_owned);
        match node {
            Node::Attribute(attribute) => match attribute {
                Attribute::Field(name, _) => {
                    self.context.insert(name.clone(), value.clone());
                }
                Attribute::Header(name) => {
                    self.headers.insert(name.clone(), text()?);
                }
                Attribute::Request(part) => self.request(*part, text()?),
                Attribute::Peer(PeerPart::Namespace | PeerPart::ServiceAccount) | Attribute::Claim(..) => return None,
                Attribute::Peer(_) => self.principal = text()?,
                Attribute::Host(path, kind) => {
                    let bytes = match kind {
                        HostType::String => text()?.into_bytes(),
                        HostType::Ip => {
                            let address = text()?.parse().ok()?;
                            std::net::SocketAddr::new(address, 0).to_string().into_bytes()
                        }
                        HostType::Int => value.as_i64()?.to_le_bytes().to_vec(),
                        HostType::Bool => vec![u8::from(value.as_bool()?)],
                        HostType::Timestamp => return None,
                    };
                    self.host.insert(path.clone(), bytes);
                }
                // The direction is fixed.
                Attribute::Mesh(_) => {}
                Attribute::Headers
                | Attribute::HeaderValues(_)
                | Attribute::HeaderLines(_)
                | Attribute::QueryParameters
                | Attribute::Cookies
                | Attribute::Destination(_) => return None,
            },
            Node::Member(of, name) => {
                let (field, mut path) = member_path(of)?;
                path.push(name.clone());
                self.member(field, &path, value.clone())?;
            }
            Node::HasMember(of, name) => {
                let (field, mut path) = member_path(of)?;
                if value.as_bool()? {
                    path.push(name.clone());
                    self.member(field, &path, Json::from(""))?;
                } else {
                    self.context.entry(field).or_insert_with(|| Json::Object(serde_json::Map::new()));
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn request(&mut self, part: RequestPart, text: String) {
        let path = |this: &Self| this.headers.get(":path").cloned().unwrap_or_default();
        let (name, value) = match part {
            RequestPart::Path => (":path", text),
            RequestPart::UrlPath => (":path", format!("{text}{}", path(self))),
            RequestPart::Query if text.is_empty() => return,
            RequestPart::Query => (":path", format!("{}?{text}", path(self))),
            RequestPart::Host | RequestPart::Hostname => (":authority", text),
            RequestPart::Method => (":method", text),
            RequestPart::Scheme => (":scheme", text),
            RequestPart::Referer => ("referer", text),
            RequestPart::UserAgent => ("user-agent", text),
            RequestPart::Id => ("x-request-id", text),
        };
        self.headers.insert(name.to_owned(), value);
    }

    /// Puts a value into the object of a field. An empty text does not replace a value.
    fn member(&mut self, field: String, path: &[String], value: Json) -> Option<()> {
        let mut at = self.context.entry(field).or_insert_with(|| Json::Object(serde_json::Map::new()));
        for name in path {
            let object = at.as_object_mut()?;
            at = object.entry(name.clone()).or_insert_with(|| Json::Object(serde_json::Map::new()));
        }
        let taken = !matches!(at, Json::Object(members) if members.is_empty());
        if !(taken && value == "") {
            *at = value;
        }
        Some(())
    }
}

/// Returns the field and the names that lead to a member.
fn member_path(node: &Node) -> Option<(String, Vec<String>)> {
    match node {
        Node::Attribute(Attribute::Field(name, _)) => Some((name.clone(), Vec::new())),
        Node::Member(of, name) => {
            let (field, mut path) = member_path(of)?;
            path.push(name.clone());
            Some((field, path))
        }
        _ => None,
    }
}

impl Attributes for Example {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.host.get(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()).cloned()
    }
}

/// Returns one of the remaining values, as JSON. The inner `None` means a missing value. Returns `None` if no value is
/// found.
fn value(values: &Values, knowledge: &Knowledge<'_>) -> Option<Option<Json>> {
    if let Some(text) = &values.text
        && let Some(text) = text.example(&knowledge.patterns)
    {
        return Some(Some(Json::from(text)));
    }
    if let Some(number) = values.number.as_ref().and_then(super::number::Number::example) {
        #[expect(clippy::cast_possible_truncation, reason = "a number without fraction of this size is exact")]
        let integer = (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64);
        return Some(Some(integer.map_or_else(|| Json::from(number), Json::from)));
    }
    if let Some(list) = &values.list {
        let items: Option<Vec<Json>> = list.has.iter().map(show::constant).collect();
        return Some(Some(Json::Array(items?)));
    }
    match values.truth {
        [_, true] => return Some(Some(Json::from(true))),
        [true, _] => return Some(Some(Json::from(false))),
        _ => {}
    }
    if values.missing || values.bad {
        return Some(None);
    }
    values.other.then_some(Some(Json::Object(serde_json::Map::new())))
}

/// Returns a node with its variables inlined, or `None` if it becomes too large.
fn inlined(node: &Node, variables: &[Node], left: &mut usize) -> Option<Node> {
    *left = left.checked_sub(1)?;
    if let Node::Variable(number) = node {
        return inlined(number.get(variables)?, variables, left);
    }
    let mut failed = false;
    let whole = node.with_children(&mut |child| {
        inlined(child, variables, left).unwrap_or_else(|| {
            failed = true;
            Node::Fail
        })
    });
    (!failed).then_some(whole)
}
