//! Documents: the typed content of YAML nodes, with the place of every value.
//!
//! A document is read as far as it can be understood. What is wrong is reported and left out, so that the model can
//! still check the rest. The absence of a value here therefore may mean that a problem has already been reported.

mod about;
mod decode;
mod effect;
mod fixture;
mod grpc;
mod header;
mod mesh;
mod metadata;
mod order;
pub mod parameters;
mod pitfalls;
mod policy;
mod policy_test;
mod scalar;
mod schema;
mod silence;

pub use about::{About, parse_date};
#[cfg(test)]
pub(crate) use decode::record;
pub(crate) use decode::{Decoder, Keys};
pub use effect::{Effect, FieldChoice, Reply};
pub(crate) use fixture::named as named_fixture;
pub use fixture::{Choice, Fields, Fixtures, HostAttribute, HttpRequest, Principal};
#[cfg(feature = "cli")]
pub(crate) use grpc::NAMES as GRPC_NAMES;
pub use grpc::name as grpc_name;
pub use header::Metadata;
pub use mesh::{
    Ambiguous, CallerMismatch, Carriers, ClaimEntry, DomainEntry, Memory, Mesh, Peers, ServiceEntry, Traces, Trust,
};
pub use order::formatted;
pub use policy::{Direction, Enforcement, Expression, OnError, Policy, Rule, Variable};
pub use policy_test::{Expect, Given, ListKind, PolicyTest, Test};
pub use schema::{FieldEntry, Schema, TypeName};
pub use silence::Silence;

use crate::{
    read::yaml::{self, Node, Value},
    report::{
        diagnostic::Diagnostics,
        progress::{Progress, Stage, Watcher},
        source::Sources,
    },
};
use header::Kind;

/// The documents of a tree by kind, each in the order of files and then of lines.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The `Mesh` documents; more than one is an error that the model reports.
    pub meshes: Vec<Mesh>,
    /// The `ContextSchema` documents.
    pub schemas: Vec<Schema>,
    /// The `ContextPolicy` documents.
    pub policies: Vec<Policy>,
    /// The `PolicyTest` documents.
    pub tests: Vec<PolicyTest>,
    /// Whether something could not be read at all, so that what seems to be missing may be in there.
    pub incomplete: bool,
}

/// Reads all documents of all files. Problems are added to `diagnostics`.
pub fn read(sources: &Sources, diagnostics: &mut Diagnostics, progress: &mut Watcher<'_>) -> Documents {
    let mut documents = Documents::default();
    let total = sources.iter().count();
    for (done, (id, file)) in sources.iter().enumerate() {
        progress(Progress { stage: Stage::Reading, done, total });
        let before = diagnostics.len();
        let nodes = yaml::parse(id, file, diagnostics);
        documents.incomplete |= diagnostics.len() > before;
        for node in nodes.iter().filter(|node| !is_empty(node) && !header::is_foreign(node)) {
            let mut decoder = Decoder::new(sources, diagnostics);
            add(&mut documents, node, &mut decoder);
        }
    }
    documents
}

/// Reads a standalone request, as JSON or YAML: the keys of a test without its name and expectations. Problems are
/// added to `diagnostics`.
pub(crate) fn read_request(node: &Node, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Given> {
    policy_test::bare_request(node, &mut Decoder::new(sources, diagnostics))
}

/// Whether the document is empty, as between two `---`. That is not a mistake.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.is_null(),
        Value::Refused => true,
        _ => false,
    }
}

fn add(documents: &mut Documents, node: &Node, decoder: &mut Decoder<'_>) {
    let Some(header) = header::read(node, decoder) else {
        documents.incomplete = true;
        return;
    };
    match header.kind {
        Kind::Mesh => documents.meshes.push(mesh::read(header, decoder)),
        Kind::ContextSchema => documents.schemas.push(schema::read(header, decoder)),
        Kind::ContextPolicy => documents.policies.push(policy::read(header, decoder)),
        Kind::PolicyTest => documents.tests.push(policy_test::read(header, decoder)),
    }
}
