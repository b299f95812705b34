//! Computes ahead what is the same for every request: the machine itself runs it, so that it cannot mean
//! anything else than at run time.

use context_mesh_core::artifact::tables::{Constant, MeshTable, ScalarConstant, Tables};
use context_mesh_core::artifact::{VerifiedProgram, encode, load};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::host::Attributes;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::vm::{Destination, Machine, MeshView, Peer, Snapshot, Value};

use super::Builder;
use crate::expression::cel::TypedExpr;
use crate::expression::ir::{self, Ir, Node};

/// Largest list or map that is computed ahead, in elements, and longest text, in bytes. A larger one would make
/// the artifact longer than the code that makes it.
const MAX_ELEMENTS: usize = 1024;
const MAX_BYTES: usize = 4096;

/// Returns the typed tree of an expression, what is the same for every request computed ahead.
pub fn lower(expr: &TypedExpr) -> Ir {
    ir::lower(expr, evaluate)
}

/// Returns the typed tree of an expression with nothing computed ahead: for tests that compare the two.
pub fn lower_unfolded(expr: &TypedExpr) -> Ir {
    ir::lower(expr, |_| None)
}

/// What a node gives that reads nothing of a request; `None` for an error, and for what cannot be a constant.
fn evaluate(node: &Node) -> Option<Constant> {
    let mut builder = Builder::new();
    let program = builder.condition(&Ir { root: node.clone(), start: 0, end: 0 }).ok()?;
    let verified = verified(builder)?;
    run(&verified, program, constant)
}

/// The programs of a builder, loaded as the filter loads them.
fn verified(builder: Builder) -> Option<VerifiedProgram> {
    let (program, regexes) = builder.finish_as_it_is();
    let mesh = MeshTable::of_programs();
    load(&encode(&Tables { mesh, program, regexes, ..Tables::default() }).ok()?).ok()
}

struct Nothing;

impl Attributes for Nothing {
    fn attribute(&self, _: &[&str]) -> Option<Vec<u8>> {
        None
    }
}

fn run<R>(verified: &VerifiedProgram, program: ProgramIndex, read: impl FnOnce(Value<'_>) -> R) -> R {
    let (headers, context, peer) = (Headers::new(Vec::new()), Context::new(), Peer::default());
    let mesh = MeshView { service: "", domain: "", region: "", direction: "" };
    let snapshot = Snapshot {
        headers: &headers,
        context: &context,
        peer: &peer,
        mesh,
        destination: Destination::default(),
        attributes: &Nothing,
    };
    // The machine's arena, whose type is its own affair.
    let arena = Default::default();
    read(Machine::new(verified.code(), snapshot, &arena).run(program))
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
