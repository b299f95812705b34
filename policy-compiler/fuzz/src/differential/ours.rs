//! Our side: parser, checker, lowering, code, artifact, verification, machine.

use context_mesh_core::index::ProgramIndex;
use std::sync::LazyLock;

use cel::IdedExpr;
use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::vm::{EvalError, EvalErrorKind, Machine, Snapshot, Value};
use policy_compiler::expression::cel::{Environment, Expected, check};
use policy_compiler::expression::codegen::Builder;
use policy_compiler::expression::codegen::{lower, lower_unfolded};

use super::inputs::{FIELDS, Input};
use super::print;
use crate::{artifact, request};

static STRICT: LazyLock<Environment> =
    LazyLock::new(|| Environment::new(FIELDS.iter().map(|field| (field.name.to_owned(), field.declared))));

static LENIENT: LazyLock<Environment> = LazyLock::new(|| STRICT.clone().without_check());

/// How the expression is compiled.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Without static type checking.
    pub(super) lenient: bool,
    /// With constant folding.
    pub(super) folded: bool,
}

/// The outcome of the expression.
pub(super) enum Outcome<'a> {
    /// It does not compile.
    Refused,
    /// A limit of the machine was reached.
    Limit,
    Value(Value<'a>),
}

/// Compiles and runs the expression. Returns what `read` makes of the outcome.
pub(super) fn run<R>(tree: &IdedExpr, input: &Input, how: How, read: impl FnOnce(Outcome<'_>) -> R) -> R {
    let Some((verified, program)) = compile(tree, how) else { return read(Outcome::Refused) };
    // The machine's arena, whose type is private to it.
    let arena = Default::default();
    let snapshot = Snapshot { context: &input.context, ..request::snapshot() };
    let value = Machine::new(verified.code(), snapshot, &arena).run(program);
    let limit = [EvalErrorKind::OutOfFuel, EvalErrorKind::OutOfMemory, EvalErrorKind::TooDeep];
    match value {
        Value::Error(EvalError { kind }) if limit.contains(&kind) => read(Outcome::Limit),
        value => read(Outcome::Value(value)),
    }
}

fn compile(tree: &IdedExpr, how: How) -> Option<(VerifiedProgram, ProgramIndex)> {
    let environment = if how.lenient { &*LENIENT } else { &*STRICT };
    let typed = check(environment, &print::text(tree), Expected::Any).ok()?;
    let ir = if how.folded { lower(&typed) } else { lower_unfolded(&typed) };
    let mut builder = Builder::new().with_field_limits(FIELDS.iter().map(|field| (field.name.to_owned(), 128)));
    let program = builder.condition(&ir).ok()?;
    Some((artifact::loaded(builder), program))
}
