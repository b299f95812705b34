//! Runs an expression in our virtual machine, as the filter does.

use bumpalo::Bump;
use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::testing::Request;
use context_mesh_core::vm::{Machine, Scratch, Value};
use policy_compiler::expression::cel::{self, Environment, Expected};
use policy_compiler::expression::codegen::{Builder, load_programs, lower};

use super::request;

/// Number of evaluations in a decision that are measured together. They share the cost of its start, and together they
/// stay far below the fuel and the memory of one decision.
pub const EVALUATIONS: u32 = 64;

/// Compiles an expression, encodes it as an artifact and loads the artifact.
///
/// # Errors
/// The compiler rejects the expression, or a part of it became a variable, which is only computed once per decision.
pub fn compile(text: &str) -> Result<VerifiedProgram, String> {
    let environment = Environment::new(request::FIELDS.map(|(name, ty, _)| (name.to_owned(), ty)));
    let typed = cel::check(&environment, text, Expected::Any).map_err(|problems| format!("{text}: {problems:?}"))?;
    let mut builder = Builder::new();
    builder.condition(&lower(&typed)).map_err(|problem| format!("{text}: {problem:?}"))?;
    let parts = builder.finish();
    if !parts.0.variables.is_empty() {
        return Err(format!("{text}: a variable would be computed once for all evaluations"));
    }
    load_programs(parts).map_err(|error| format!("{text}: {error}"))
}

/// The data of a request, and the memory that the machine reuses for all decisions.
pub struct Side {
    request: Request<'static>,
    arena: Bump,
    scratch: Scratch<'static>,
}

impl Default for Side {
    fn default() -> Self {
        Self { request: request::request(), arena: Bump::new(), scratch: Scratch::new() }
    }
}

impl Side {
    /// Runs one decision that evaluates the expression this number of times and does nothing else. The first evaluation
    /// reads the attributes from the request. Nothing that was read or made is kept from the previous decision. `look`
    /// is called with every value.
    pub fn decide(&mut self, program: &VerifiedProgram, evaluations: u32, mut look: impl FnMut(Value<'_>)) {
        self.arena.reset();
        let snapshot = self.request.snapshot(&request::attribute);
        let scratch = std::mem::take(&mut self.scratch);
        let mut machine = Machine::with_scratch(program.code(), snapshot, &self.arena, scratch);
        for _ in 0..evaluations {
            look(machine.run(ProgramIndex(0)));
        }
        self.scratch = machine.into_scratch().recycle();
    }

    /// Returns the value of the expression, which must be the same each time.
    ///
    /// # Errors
    /// The expression fails, or has another value later in the decision.
    pub fn value(&mut self, program: &VerifiedProgram) -> Result<serde_json::Value, String> {
        let mut values = Vec::new();
        self.decide(program, EVALUATIONS, |value| {
            values.push(match value {
                Value::Error(error) => Err(error.kind.as_str().to_owned()),
                value => value.to_json().ok_or_else(|| "a value that JSON does not have".to_owned()),
            });
        });
        values.dedup();
        match values.as_slice() {
            [Ok(text)] => serde_json::from_str(text).map_err(|error| error.to_string()),
            [Err(error)] => Err(error.clone()),
            _ => Err(format!("several values in one decision: {values:?}")),
        }
    }
}
