//! Constant folding. The virtual machine itself evaluates constants, so that the result is the same as at run time.

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};
use context_mesh_core::vm::Value;

use super::{Builder, load_programs, run_alone};
use crate::expression::cel::TypedExpr;
use crate::expression::ir::{self, Ir, Node};

/// Largest list or map that is folded, in elements, and longest text, in bytes. A larger one would make the artifact
/// longer than the code that computes it.
const MAX_ELEMENTS: usize = 1024;
const MAX_BYTES: usize = 4096;

/// Returns the IR of an expression, with constants folded.
pub fn lower(expr: &TypedExpr) -> Ir {
    ir::lower(expr, evaluate)
}

/// Returns the IR of an expression without constant folding, for tests that compare the two.
pub fn lower_unfolded(expr: &TypedExpr) -> Ir {
    ir::lower(expr, |_| None)
}

/// Returns the value of a node that reads nothing of a request. Returns `None` for an error, and for what cannot be a
/// constant.
fn evaluate(node: &Node) -> Option<Constant> {
    let mut builder = Builder::new();
    let program = builder.condition(&Ir { root: node.clone(), start: 0, end: 0 }).ok()?;
    run_alone(&load_programs(builder.finish_as_it_is()).ok()?, program, constant)
}

fn constant(value: Value<'_>) -> Option<Constant> {
    match value {
        Value::List(items) => (items.len() <= MAX_ELEMENTS)
            .then(|| items.iter().map(|item| scalar(*item)).collect::<Option<_>>().map(Constant::List))?,
        Value::Constants(items) => Some(Constant::List(items.to_vec())),
        Value::Map(entries) => (entries.len() <= MAX_ELEMENTS)
            .then(|| entries.iter().map(|(key, value)| Some((scalar(*key)?, scalar(*value)?))).collect::<Option<_>>())?
            .map(Constant::Map),
        Value::ConstantMap(entries) => Some(Constant::Map(entries.to_vec())),
        value => scalar(value).map(Constant::Scalar),
    }
}

fn scalar(value: Value<'_>) -> Option<ScalarConstant> {
    Some(match value {
        Value::Null => ScalarConstant::Null,
        Value::Bool(value) => ScalarConstant::Bool(value),
        Value::Int(value) => ScalarConstant::Int(value),
        Value::Uint(value) => ScalarConstant::Uint(value),
        Value::Double(value) => ScalarConstant::Double(value),
        Value::String(value) if value.len() <= MAX_BYTES => ScalarConstant::String(value.to_owned()),
        Value::Bytes(value) if value.len() <= MAX_BYTES => ScalarConstant::Bytes(value.to_vec()),
        Value::Timestamp(time) => ScalarConstant::Timestamp { seconds: time.seconds, nanos: time.nanos },
        Value::Duration(nanos) => ScalarConstant::Duration(nanos),
        Value::Type(name) => ScalarConstant::Type(name.to_owned()),
        _ => return None,
    })
}
