//! A decision over many rules in our virtual machine, as the filter makes it.

use bumpalo::Bump;
use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_core::decide::{RuleSet, decide_reusing};
use context_mesh_core::fuel::Fuel;
use context_mesh_core::testing::Request;
use context_mesh_core::vm::Scratch;
use policy_compiler::report::source::Sources;

use super::request::{self, MESH};

/// Enough for any number of rules. In Envoy, a request has [`context_mesh_core::limits::MAX_FUEL`].
const FUEL: u64 = 1 << 40;

/// The rules of a workload, and the memory that is reused from one decision to the next.
pub struct Decision {
    program: VerifiedProgram,
    rules: RuleSet,
    request: Request<'static>,
    arena: Bump,
    scratch: Scratch<'static>,
}

impl Decision {
    /// Loads an artifact for decisions about inbound requests of the service of [`request::MESH`].
    ///
    /// # Errors
    /// The artifact does not load.
    pub fn load(artifact: &[u8]) -> Result<Self, String> {
        let program = artifact::load(artifact).map_err(|error| error.to_string())?;
        let service = program.tables().services.iter().find(|service| service.name == MESH.service);
        let rules = service.map(|service| service.entry.inbound.as_slice()).unwrap_or_default();
        let rules = RuleSet::new(&program, rules);
        Ok(Self { program, rules, request: request::request(), arena: Bump::new(), scratch: Scratch::new() })
    }

    /// Returns the number of rules.
    pub fn rules(&self) -> usize {
        self.rules.rules().len()
    }

    /// Decides about the request of [`request::request`], and returns whether no rule matched and none failed.
    pub fn decide(&mut self) -> bool {
        self.arena.reset();
        let snapshot = self.request.snapshot(&request::attribute);
        let fuel = Fuel::new(FUEL);
        let decision = decide_reusing(&self.program, &self.rules, snapshot, &self.arena, &mut self.scratch, &fuel);
        decision.denial.is_none() && decision.errors.is_empty()
    }
}

/// Compiles rules for the service of [`request::MESH`] to an artifact.
///
/// # Errors
/// The compiler rejects them.
pub fn compile(tree: &str) -> Result<Vec<u8>, String> {
    let mut sources = Sources::new("many");
    sources.add("policy.yaml", tree);
    match policy_compiler::compile(&sources) {
        Ok(compiled) => Ok(compiled.artifact),
        Err(problems) => Err(problems.to_text(&sources)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_sets::{SETS, tree};

    #[test]
    fn no_rule_of_any_set_matches() {
        for set in SETS {
            let artifact = compile(&tree(&set.conditions(100))).unwrap();
            let mut decision = Decision::load(&artifact).unwrap();
            assert_eq!(decision.rules(), 100);
            assert!(decision.decide() && decision.decide(), "{set:?}");
        }
    }
}
