//! Folds pairs of services for which the same holds into statements.
//!
//! A statement is computed from its pairs: each pair is in exactly one statement, and a statement has no other pairs.

use std::collections::{BTreeMap, BTreeSet};

/// A statement: the same holds for every caller with every called service. It never says that a service calls itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement<K> {
    /// What holds.
    pub(super) holds: K,
    /// The callers, as indices into [`super::Graph::services`].
    pub(super) from: BTreeSet<usize>,
    /// The called services.
    pub(super) to: BTreeSet<usize>,
}

impl<K> Statement<K> {
    /// Returns the number of its pairs.
    #[cfg(test)]
    fn pairs(&self) -> usize {
        self.from.iter().map(|from| self.to.iter().filter(|to| *to != from).count()).sum()
    }
}

/// Returns a small number of statements that are equivalent to these pairs, sorted. Services with the same callers are
/// grouped, or callers of the same services: whichever needs fewer statements.
pub(super) fn fold<K: Ord + Clone>(pairs: impl IntoIterator<Item = (usize, usize, K)>) -> Vec<Statement<K>> {
    let [mut callers, mut called] = [Sides::new(), Sides::new()];
    for (from, to, holds) in pairs {
        callers.entry((holds.clone(), from)).or_default().insert(to);
        called.entry((holds, to)).or_default().insert(from);
    }
    let [by_caller, by_called] = [callers, called].map(|sides| alike(&sides));
    let statement = |(holds, one, other): Group<K>, is_caller: bool| match is_caller {
        true => Statement { holds, from: one, to: other },
        false => Statement { holds, from: other, to: one },
    };
    let is_caller = by_caller.len() <= by_called.len();
    let groups = if is_caller { by_caller } else { by_called };
    let mut statements: Vec<Statement<K>> = groups.into_iter().map(|group| statement(group, is_caller)).collect();
    for Statement { from, to, .. } in &mut statements {
        // A service that is on both sides, and alone on one, forms no pair with itself.
        if let (1, Some(one)) = (from.len(), from.first()) {
            to.remove(one);
        } else if let (1, Some(one)) = (to.len(), to.first()) {
            from.remove(one);
        }
    }
    statements.sort();
    statements
}

/// The services on the other side, by what holds and a service.
type Sides<K> = BTreeMap<(K, usize), BTreeSet<usize>>;

/// What holds, services, and the services on their other side.
type Group<K> = (K, BTreeSet<usize>, BTreeSet<usize>);

/// Groups services with the same ones on the other side. A service itself may count as one of these, since no pair
/// contains a service twice.
fn alike<K: Ord + Clone>(sides: &Sides<K>) -> Vec<Group<K>> {
    let with = |service: usize, others: &BTreeSet<usize>| -> BTreeSet<usize> {
        others.iter().copied().chain([service]).collect()
    };
    let mut counts: BTreeMap<(&K, BTreeSet<usize>), usize> = BTreeMap::new();
    for ((holds, service), others) in sides {
        *counts.entry((holds, others.clone())).or_default() += 1;
        *counts.entry((holds, with(*service, others))).or_default() += 1;
    }
    let mut groups: BTreeMap<(K, BTreeSet<usize>), BTreeSet<usize>> = BTreeMap::new();
    for ((holds, service), others) in sides {
        let [without, with] = [others.clone(), with(*service, others)].map(|others| (holds, others));
        let others = if counts.get(&with) > counts.get(&without) { with.1 } else { without.1 };
        groups.entry((holds.clone(), others)).or_default().insert(*service);
    }
    groups.into_iter().map(|((holds, others), services)| (holds, services, others)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_said_once() {
        let holds = |from: usize, to: usize| (from * 7 + to * 3) % 5 / 2 + usize::from(to == 4);
        let pairs = (0..20).flat_map(|from| (0..20).map(move |to| (from, to))).filter(|(from, to)| from != to);
        let mut expected: Vec<(usize, usize, usize)> = pairs.map(|(from, to)| (from, to, holds(from, to))).collect();
        let mut said: Vec<(usize, usize, usize)> = Vec::new();
        for statement in fold(expected.clone()) {
            let before = said.len();
            for from in &statement.from {
                said.extend(statement.to.iter().filter(|to| *to != from).map(|to| (*from, *to, statement.holds)));
            }
            assert_eq!(said.len() - before, statement.pairs());
        }
        said.sort_unstable();
        expected.sort_unstable();
        assert_eq!(said, expected);
    }

    #[test]
    fn one_closed_service_makes_two_statements() {
        let pairs = (0..100).flat_map(|from| (0..100).map(move |to| (from, to, to != 9)));
        let found = fold(pairs.filter(|(from, to, _)| from != to));
        let sizes: Vec<_> = found.iter().map(|said| (said.holds, said.from.len(), said.to.len())).collect();
        assert_eq!(sizes, [(false, 99, 1), (true, 100, 99)]);
    }
}
