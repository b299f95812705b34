//! Requests made of plain data, and the results of programs for them.

use crate::context::Context;
use crate::headers::Headers;
use crate::host::Attributes;
use crate::vm::{Destination, MeshView, Peer, Snapshot, Value};

/// A request as programs see it, except for the attributes of the host.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// Its headers.
    pub headers: Headers<'a>,
    /// Its context.
    pub context: Context,
    /// Its sender.
    pub peer: Peer,
    /// The workload that decides.
    pub mesh: MeshView<'a>,
    /// Its destination.
    pub destination: Destination<'a>,
}

impl Request<'_> {
    /// Returns the snapshot for programs, with these attributes of the host.
    pub fn snapshot<'s>(&'s self, attributes: &'s dyn Attributes) -> Snapshot<'s> {
        let Self { headers, context, peer, mesh, destination } = self;
        Snapshot { headers, context, peer, mesh: *mesh, destination: *destination, attributes }
    }
}

/// Returns a context with these fields, each a name and JSON text.
pub fn context(fields: &[(&str, &str)]) -> Context {
    let mut context = Context::new();
    for (name, json) in fields {
        context.insert(name, json).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    context
}

/// Returns the value as JSON text, an error as its name.
pub fn shown(value: Value<'_>) -> String {
    match value {
        Value::Error(error) => error.kind.as_str().to_owned(),
        value => value.to_json().unwrap_or_else(|| format!("{value:?}")),
    }
}
