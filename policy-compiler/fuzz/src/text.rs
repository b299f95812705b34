//! Compiles arbitrary text: one CEL expression, or a tree of YAML documents.

use std::sync::LazyLock;

use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::testing::pools;
use context_mesh_core::vm::{EvalError, EvalErrorKind, Value};
use policy_compiler::expression::cel::{Environment, Expected, TypedExpr, check};
use policy_compiler::expression::codegen::Builder;
use policy_compiler::expression::codegen::{lower, lower_unfolded};
use policy_compiler::expression::ir::Ir;
use policy_compiler::report::diagnostic::{json, text};
use policy_compiler::report::source::Sources;
use policy_compiler::{compile, show::inspect};

use crate::{artifact, request};

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let fields = pools::FIELDS.iter().map(|(name, ty, _)| ((*name).to_owned(), *ty));
    Environment::new(fields)
});

/// A small mesh and its fields.
const MESH: &str = "\
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec:
  trustDomain: m.example
  identity: /ns/default/sa/{service}
  domains: {shop: {services: [web, ledger]}}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: s, domain: shop, version: 1.0.0}
spec:
  fields:
    tenant: {type: string, maxBytes: 64}
    n: {type: int}
    flags: {type: list<string>, maxBytes: 64}
";

/// One execution. The first byte chooses the meaning of the rest.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 8 {
        0..=2 => expression(&String::from_utf8_lossy(rest), Expected::Any),
        3 => expression(&String::from_utf8_lossy(rest), Expected::Bool),
        4 => expression(&String::from_utf8_lossy(rest), Expected::Field(FieldType::List(Scalar::Any))),
        5 => tree([("policy.yaml", &policy(rest)[..])], true),
        6 => tree([("any.yaml", rest)], true),
        _ => tree([("any.yaml", rest)], false),
    }
}

/// Returns a policy with this text as the condition of its rule.
fn policy(condition: &[u8]) -> Vec<u8> {
    let before = "apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: p, domain: shop}\nspec:\n  \
                  workloads: [ledger, web]\n  rules:\n    - name: r\n      deny: {status: 403}\n      when: ";
    [before.as_bytes(), condition].concat()
}

/// Checks an expression. It is rejected with problems inside of the text, or it becomes a program that loads, costs no
/// more than was estimated, and has the same result with and without constant folding.
fn expression(text: &str, expected: Expected) {
    let typed = match check(&ENVIRONMENT, text, expected) {
        Ok(typed) => typed,
        Err(problems) => {
            let length = text.chars().count();
            assert!(!problems.is_empty(), "refused without a problem");
            for problem in problems {
                assert!(problem.start <= problem.end && problem.end <= length, "{problem:?} of {length} characters");
            }
            return;
        }
    };
    let (folded, unfolded) = (outcome(&typed, lower), outcome(&typed, lower_unfolded));
    if let (Some(folded), Some(unfolded)) = (folded, unfolded) {
        assert_eq!(folded, unfolded, "{text}");
    }
}

/// Returns the value as text, or the name of the error, or nothing if a limit was reached, which may happen with or
/// without constant folding only.
fn outcome(typed: &TypedExpr, lower: fn(&TypedExpr) -> Ir) -> Option<String> {
    let mut builder = Builder::new();
    let program = builder.condition(&lower(typed)).ok()?;
    let cost = builder.cost(program).unwrap_or(0);
    let verified = artifact::loaded(builder);
    request::with_machine(&verified, |machine| {
        let value = machine.run(program);
        assert!(machine.used_fuel() <= cost, "used {}, estimated {cost}", machine.used_fuel());
        match value {
            Value::Error(EvalError { kind: EvalErrorKind::OutOfFuel | EvalErrorKind::OutOfMemory }) => None,
            Value::Error(error) => Some(error.kind.as_str().to_owned()),
            value => Some(value.to_json().unwrap_or_else(|| "no JSON".to_owned())),
        }
    })
}

/// Checks a tree of documents. It is rejected with diagnostics that can be shown, or becomes an artifact that loads.
fn tree<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>, with_mesh: bool) {
    let mut sources = Sources::new("fuzz");
    if with_mesh {
        sources.add("mesh.yaml", MESH);
    }
    for (path, bytes) in files {
        sources.add(path, bytes);
    }
    let diagnostics = match compile(&sources) {
        Ok(compiled) => {
            assert!(inspect::text(&compiled.artifact).is_ok(), "what was compiled does not load");
            compiled.warnings
        }
        Err(diagnostics) => {
            assert!(diagnostics.has_errors(), "refused without an error");
            diagnostics
        }
    };
    let shown = text::render(&diagnostics, &sources, text::Style::Plain);
    assert!(!shown.contains("does not load"), "{shown}");
    json::render(&diagnostics, &sources);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mesh_of_every_execution_compiles() {
        let mut sources = Sources::new("fuzz");
        sources.add("mesh.yaml", MESH);
        sources.add("policy.yaml", policy(b"context.tenant == 'a' && size(context.flags) > context.n"));
        let compiled = compile(&sources);
        assert!(compiled.is_ok(), "{}", compiled.unwrap_err().to_text(&sources));
    }

    #[test]
    fn the_seeds_pass() {
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/compile_text")).unwrap() {
            run(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
