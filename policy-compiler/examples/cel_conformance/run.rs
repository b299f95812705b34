//! Runs one test: compiler, artifact, verification, machine.

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::vm::Value;
use policy_compiler::expression::cel::{Environment, Expected, TypedExpr, check};
use policy_compiler::expression::codegen::{Builder, load_programs, lower, lower_unfolded, run_alone};
use policy_compiler::expression::ir::Ir;

use crate::case::{Case, Expect};
use crate::value::Constant;

/// What became of a test.
pub(crate) enum Outcome {
    Passed,
    /// Did not give what it should, but this.
    Failed(String),
    /// Was not run, and why.
    Skipped(String),
}

/// Runs a test.
pub(crate) fn run(case: &Case) -> Outcome {
    let skipped = |reason: &str| Outcome::Skipped(reason.to_owned());
    if case.needs_proto {
        return skipped("needs protobuf messages");
    }
    if let Expect::Other = case.expect {
        return skipped("expects no value");
    }
    let messages = case.bindings.iter().any(|(_, value)| value.source().is_none());
    if messages || matches!(case.expect, Expect::Value(Constant::Object)) {
        return skipped("needs protobuf messages");
    }
    // Once as policies are compiled, once with all the work left to the code.
    match run_with(case, lower) {
        Outcome::Passed => run_with(case, lower_unfolded),
        other => other,
    }
}

fn run_with(case: &Case, lower: fn(&TypedExpr) -> Ir) -> Outcome {
    match compile(case, lower) {
        Ok((verified, program)) => run_alone(&verified, program, |value| judge(&case.expect, value)),
        Err(_) if matches!(case.expect, Expect::Error) => Outcome::Passed,
        Err(reason) => Outcome::Failed(reason),
    }
}

fn judge(expect: &Expect, value: Value<'_>) -> Outcome {
    let passed = match expect {
        Expect::Value(expected) => expected.is(value),
        Expect::Error => matches!(value, Value::Error(_)),
        Expect::Other => false,
    };
    if passed {
        return Outcome::Passed;
    }
    let expected = match expect {
        Expect::Value(expected) => format!("{expected:?}"),
        Expect::Error | Expect::Other => "an error".to_owned(),
    };
    Outcome::Failed(format!("expected {expected}, found {value:?}"))
}

/// The verified artifact of a test, and the number of the expression's program in it.
fn compile(case: &Case, lower: fn(&TypedExpr) -> Ir) -> Result<(VerifiedProgram, ProgramIndex), String> {
    let mut builder = Builder::new();
    let mut environment = Environment::plain(case.container.clone());
    for (name, value) in &case.bindings {
        let source = value.source().unwrap_or_default();
        let typed = checked(&Environment::plain(""), &source)?;
        let index = builder.variable(&lower(&typed)).map_err(|problem| problem.message)?;
        environment = environment.with_variable(name.clone(), typed.ty, index);
    }
    let typed = expression(case, environment)?;
    let program = builder.condition(&lower(&typed)).map_err(|problem| problem.message)?;
    Ok((load_programs(builder.finish()).map_err(|error| error.to_string())?, program))
}

fn expression(case: &Case, environment: Environment) -> Result<TypedExpr, String> {
    if case.disable_check {
        return checked(&environment.without_check(), &case.expr);
    }
    let strict = checked(&environment, &case.expr);
    if strict.is_err() && case.needs_declarations {
        return checked(&environment.without_check(), &case.expr);
    }
    strict
}

fn checked(environment: &Environment, text: &str) -> Result<TypedExpr, String> {
    check(environment, text, Expected::Any).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{}..{}: {}", problem.start, problem.end, problem.message));
        lines.collect::<Vec<_>>().join("; ")
    })
}
