//! Common subexpression elimination. What several rules compute, or one computes twice, becomes a variable of the
//! machine, which runs at most once a decision and only when it is read.

use context_mesh_core::index::VariableIndex;
use std::collections::HashMap;

use context_mesh_core::limits::MAX_VARIABLE_DEPTH;

use super::builder::Builder;
use super::emit;
use crate::expression::ir::{Ir, Node};

/// A subexpression that occurs more than once.
struct Candidate<'n> {
    node: &'n Node,
    /// Length of its code. A part is always shorter than the whole.
    length: usize,
    count: usize,
}

/// The subexpressions of some programs. Equal ones have the same number.
#[derive(Default)]
struct Occurrences<'n> {
    candidates: Vec<Candidate<'n>>,
    by_code: HashMap<Vec<u32>, usize>,
    /// The number of the subexpression at a place.
    by_place: HashMap<*const Node, usize>,
}

/// The result: the new variables in order, and the programs that use them.
pub(super) struct Shared {
    pub(super) definitions: Vec<Node>,
    pub(super) programs: Vec<Node>,
}

/// Finds the subexpressions that are worth sharing. `fixed` marks the programs that stay unchanged: variables, which
/// cannot read the new ones after them. The new variables are numbered from `first`. Returns `None` if nothing is worth
/// sharing.
pub(super) fn share(builder: &mut Builder, programs: &[Node], fixed: &[bool], first: u32) -> Option<Shared> {
    let mut occurrences = Occurrences::default();
    let free = || programs.iter().zip(fixed).filter(|(_, fixed)| !**fixed).map(|(node, _)| node);
    for node in free() {
        occurrences.collect(builder, node);
    }
    let mut chosen: Vec<usize> = (0..occurrences.candidates.len()).filter(|id| occurrences.count(*id) > 1).collect();
    chosen.sort_by_key(|id| occurrences.candidates.get(*id).map(|candidate| candidate.length));
    // A candidate with only one use left is part of another one that is shared.
    loop {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        let numbers = numbers(&chosen, first);
        for node in free() {
            occurrences.rewrite(node, None, &numbers, &mut uses);
        }
        for id in &chosen {
            occurrences.definition(*id, &numbers, &mut uses);
        }
        let before = chosen.len();
        chosen.retain(|id| uses.get(id).copied().unwrap_or(0) > 1);
        if chosen.len() == before {
            break;
        }
    }
    if chosen.is_empty() {
        return None;
    }
    let (numbers, mut uses) = (numbers(&chosen, first), HashMap::new());
    let definitions = chosen.iter().filter_map(|id| occurrences.definition(*id, &numbers, &mut uses)).collect();
    let programs = programs
        .iter()
        .zip(fixed)
        .map(|(node, fixed)| if *fixed { node.clone() } else { occurrences.rewrite(node, None, &numbers, &mut uses) });
    let programs = programs.collect();
    Some(Shared { definitions, programs })
}

/// Returns the numbers of the variables for the chosen subexpressions.
fn numbers(chosen: &[usize], first: u32) -> HashMap<usize, VariableIndex> {
    chosen.iter().copied().zip((first..).map(VariableIndex)).collect()
}

impl<'n> Occurrences<'n> {
    fn collect(&mut self, builder: &mut Builder, node: &'n Node) {
        if is_worth_it(node) && node.is_self_contained() {
            let ir = Ir { root: node.clone(), start: 0, end: 0 };
            if let Ok(code) = emit::program(builder, &ir) {
                self.note(code, node);
            }
        }
        node.children().into_iter().for_each(|child| self.collect(builder, child));
    }

    fn note(&mut self, code: Vec<u32>, node: &'n Node) {
        let length = code.len();
        let id = *self.by_code.entry(code).or_insert(self.candidates.len());
        self.by_place.insert(std::ptr::from_ref(node), id);
        match self.candidates.get_mut(id) {
            Some(candidate) => candidate.count += 1,
            None => self.candidates.push(Candidate { node, length, count: 1 }),
        }
    }

    fn count(&self, id: usize) -> usize {
        self.candidates.get(id).map_or(0, |candidate| candidate.count)
    }

    /// Returns a node with shared subexpressions replaced by variables, except for itself.
    fn rewrite(
        &self,
        node: &Node,
        own: Option<usize>,
        numbers: &HashMap<usize, VariableIndex>,
        uses: &mut HashMap<usize, usize>,
    ) -> Node {
        let place = std::ptr::from_ref(node);
        let id = self.by_place.get(&place).filter(|id| own != Some(**id));
        if let Some((id, number)) = id.and_then(|id| Some((id, numbers.get(id)?))) {
            *uses.entry(*id).or_default() += 1;
            return Node::Variable(*number);
        }
        node.with_children(&mut |child| self.rewrite(child, None, numbers, uses))
    }

    fn definition(
        &self,
        id: usize,
        numbers: &HashMap<usize, VariableIndex>,
        uses: &mut HashMap<usize, usize>,
    ) -> Option<Node> {
        self.candidates.get(id).map(|candidate| self.rewrite(candidate.node, Some(id), numbers, uses))
    }
}

/// Whether a node costs more than reading a variable: it reads text, makes a value or loops.
fn is_worth_it(node: &Node) -> bool {
    match node {
        Node::Matches(..)
        | Node::Text(..)
        | Node::Call(..)
        | Node::Arithmetic(..)
        | Node::Member(..)
        | Node::OptionalMember(..)
        | Node::HasMember(..)
        | Node::Index(_)
        | Node::OptionalIndex(_)
        | Node::In(_)
        | Node::Loop(_)
        | Node::WithOptional(_) => true,
        Node::Constant(_)
        | Node::Attribute(_)
        | Node::Has(_)
        | Node::OptionalAttribute(_)
        | Node::Variable(_)
        | Node::Local(_)
        | Node::Fail => false,
        parts => parts.children().into_iter().any(is_worth_it),
    }
}

/// Whether chains of variables that read variables are within the machine's limit.
pub(super) fn is_shallow(depths: &[usize]) -> bool {
    depths.iter().all(|depth| *depth <= MAX_VARIABLE_DEPTH)
}
