//! The input of the machine: the tables of a verified artifact with its steps and patterns.

use regex_automata::dfa::sparse;

use super::fuse::Step;
use crate::index::{PatternIndex, ProgramIndex};
use crate::tables::Tables;

/// Verified programs with their tables.
///
/// INVARIANT (verified): only the verifier makes one ([`crate::artifact::VerifiedProgram`]), and nothing changes
/// afterwards. So every index in the tables is valid, and every program ends, stays within its stack and leaves one
/// value.
#[derive(Debug, Clone)]
pub struct Program {
    tables: Tables,
    programs: Vec<Box<[Step]>>,
    regexes: Vec<sparse::DFA<Vec<u8>>>,
}

impl Program {
    /// Returns a program from the results of the verifier.
    pub(crate) fn new(tables: Tables, programs: Vec<Box<[Step]>>, regexes: Vec<sparse::DFA<Vec<u8>>>) -> Self {
        Self { tables, programs, regexes }
    }

    /// Returns the tables, as verified. They no longer contain the bytecode, the patterns and the words.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Returns the steps of a program; none for an index that verification would reject.
    pub(super) fn steps(&self, program: ProgramIndex) -> &[Step] {
        program.get(&self.programs).map(AsRef::as_ref).unwrap_or_default()
    }

    /// Returns bytes with which every text begins that the pattern matches, at most `most`.
    pub(crate) fn literal_prefix(&self, pattern: PatternIndex, most: usize) -> Vec<u8> {
        use regex_automata::{Anchored, Input, dfa::Automaton as _};
        let mut prefix = Vec::new();
        let Some(dfa) = pattern.get(&self.regexes) else { return prefix };
        let Ok(mut state) = dfa.start_state_forward(&Input::new("").anchored(Anchored::Yes)) else { return prefix };
        while prefix.len() < most && !dfa.is_match_state(dfa.next_eoi_state(state)) {
            let mut alive = (0..=u8::MAX).filter(|byte| !dfa.is_dead_state(dfa.next_state(state, *byte)));
            let (Some(only), None) = (alive.next(), alive.next()) else { break };
            prefix.push(only);
            state = dfa.next_state(state, only);
        }
        prefix
    }

    /// Returns whether the pattern matches the whole of `text`.
    pub(crate) fn regex_matches(&self, pattern: PatternIndex, text: &str) -> bool {
        use regex_automata::{Anchored, Input, dfa::Automaton as _};
        pattern.get(&self.regexes).is_some_and(|dfa| {
            let input = Input::new(text).anchored(Anchored::Yes);
            matches!(dfa.try_search_fwd(&input), Ok(Some(end)) if end.offset() == text.len())
        })
    }
}
