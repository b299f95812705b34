//! The interpreter of the `cel` crate: every rule is parsed once, and all run one after the other.

use cel::Value;
use context_mesh_benches::native::theirs::Compiler;
use context_mesh_benches::rule_sets::{self, Condition};

use crate::engine::Decide;

pub fn prepare(conditions: &[Condition]) -> Result<Decide, String> {
    let compiler = Compiler::new()?;
    let programs: Result<Vec<_>, _> =
        conditions.iter().map(|condition| compiler.compile(&rule_sets::cel(condition))).collect();
    let (programs, variables) = (programs?, compiler.variables());
    Ok(Box::new(move || programs.iter().all(|program| program.execute(&variables) == Ok(Value::Bool(false)))))
}
