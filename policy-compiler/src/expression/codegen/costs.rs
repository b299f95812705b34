//! The combined cost of several programs.

use context_mesh_core::index::{self, ProgramIndex, VariableIndex};
use std::collections::BTreeSet;

use super::cost::{Estimate, Sizes};

/// The worst-case costs of the programs of an artifact, in units of the machine's fuel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    /// For each program, the cost of its own instructions, and the variables that it may read.
    programs: Vec<(u64, BTreeSet<VariableIndex>)>,
    /// For each variable, the cost of its own instructions.
    variables: Vec<u64>,
}

impl Costs {
    pub(super) fn new(programs: &[Estimate], sizes: &Sizes) -> Self {
        Self {
            programs: programs.iter().map(|estimate| (estimate.fuel, estimate.variables.clone())).collect(),
            variables: sizes.variables.iter().map(|estimate| estimate.fuel).collect(),
        }
    }

    /// Returns the worst-case cost of these programs in one decision. A program counts each time that it is listed, a
    /// variable once, however many programs read it. Programs that do not exist cost nothing.
    pub fn together(&self, programs: impl IntoIterator<Item = ProgramIndex>) -> u64 {
        let mut fuel: u64 = 0;
        let mut read = vec![false; self.variables.len()];
        for program in programs {
            let Some((own, variables)) = program.get(&self.programs) else { continue };
            fuel = fuel.saturating_add(*own);
            for variable in variables {
                let Some(seen) = index::get_mut(&mut read, variable.0) else { continue };
                if !std::mem::replace(seen, true) {
                    fuel = fuel.saturating_add(variable.get(&self.variables).copied().unwrap_or(0));
                }
            }
        }
        fuel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_once_and_a_program_each_time() {
        let costs = Costs {
            programs: vec![
                (1, BTreeSet::from([VariableIndex(0)])),
                (10, BTreeSet::from([VariableIndex(0), VariableIndex(1)])),
                (100, BTreeSet::new()),
            ],
            variables: vec![1000, 20_000],
        };
        let cases: [(&[u32], u64); 6] =
            [(&[], 0), (&[0], 1001), (&[0, 0], 1002), (&[0, 1], 21_011), (&[2, 1, 2], 21_210), (&[7], 0)];
        for (programs, expected) in cases {
            assert_eq!(costs.together(programs.iter().copied().map(ProgramIndex)), expected, "{programs:?}");
        }
    }
}
