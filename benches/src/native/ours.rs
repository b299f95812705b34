//! An expression in our virtual machine, as the filter runs it.

use bumpalo::Bump;
use context_mesh_core::artifact::tables::{MeshTable, Tables};
use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::vm::{Destination, Machine, Peer, Scratch, Snapshot, Value};
use policy_compiler::cel::{self, Environment, Expected};
use policy_compiler::codegen::Builder;
use policy_compiler::ir::lower;

use super::request::{self, MESH, Proxy};

/// Compiles an expression, writes it as an artifact and loads that.
///
/// # Errors
/// The compiler refuses the expression.
pub fn compile(text: &str) -> Result<VerifiedProgram, String> {
    let environment = Environment::new(request::FIELDS.map(|(name, ty, _)| (name.to_owned(), ty)));
    let typed = cel::check(&environment, text, Expected::Any).map_err(|problems| format!("{text}: {problems:?}"))?;
    let mut builder = Builder::new();
    builder.condition(&lower(&typed)).map_err(|problem| format!("{text}: {problem:?}"))?;
    let (program, regexes) = builder.finish();
    let mesh = MeshTable {
        trust_domain: "shop.example".to_owned(),
        identity_path: "/sa/{service}".to_owned(),
        memory_slots: 1,
        ..MeshTable::default()
    };
    let bytes = artifact::encode(&Tables { mesh, program, regexes, ..Tables::default() });
    let bytes = bytes.map_err(|error| format!("{text}: {error}"))?;
    artifact::load(&bytes).map_err(|error| format!("{text}: {error}"))
}

/// What a request brings, and what the machine keeps from decision to decision.
pub struct Side {
    headers: Headers<'static>,
    context: Context,
    peer: Peer,
    arena: Bump,
    scratch: Scratch<'static>,
}

impl Default for Side {
    fn default() -> Self {
        let (headers, context, peer) = (request::headers(), request::context(), request::peer());
        Self { headers, context, peer, arena: Bump::new(), scratch: Scratch::new() }
    }
}

impl Side {
    /// One decision that runs the expression and nothing else: nothing that it read is known from the last one.
    pub fn evaluate<T>(&mut self, program: &VerifiedProgram, look: impl FnOnce(Value<'_>) -> T) -> T {
        self.arena.reset();
        let snapshot = Snapshot {
            headers: &self.headers,
            context: &self.context,
            peer: &self.peer,
            mesh: MESH,
            destination: Destination::default(),
            attributes: &Proxy,
        };
        let scratch = std::mem::take(&mut self.scratch);
        let mut machine = Machine::with_scratch(program, snapshot, &self.arena, scratch);
        let seen = look(machine.run(0));
        self.scratch = machine.into_scratch().recycle();
        seen
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// The expression ends with an error.
    pub fn value(&mut self, program: &VerifiedProgram) -> Result<serde_json::Value, String> {
        self.evaluate(program, |value| {
            let text = match value {
                Value::Error(error) => Err(error.kind.as_str().to_owned()),
                value => value.to_json().ok_or_else(|| "a value that JSON does not have".to_owned()),
            };
            text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))
        })
    }
}
