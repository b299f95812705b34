//! A matrix of callers by called services, which is drawn where there would be too many arrows.
//!
//! A row and a column represent one service, or several of a domain that call alike and are called alike. If there are
//! still too many, they represent domains, and cells show how many calls may pass.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Graph,
    picture::{Look, MAX_SERVICES},
};

/// Most services of a row that are listed below the matrix.
const MAX_NAMED: usize = 40;

/// Most rows whose services are listed.
const MAX_LISTED: usize = 20;

/// The matrix. Its rows and columns are the same services.
pub(super) struct Matrix {
    pub(super) groups: Vec<Group>,
    /// By row, then by column. `None` for pairs that were not selected, and for a service and itself.
    pub(super) cells: Vec<Vec<Option<Cell>>>,
    /// Whether groups are domains, whose calls may differ.
    pub(super) by_domain: bool,
}

/// The services of a row.
pub(super) struct Group {
    pub(super) domain: usize,
    pub(super) services: Vec<usize>,
}

/// The calls from the services of a row to those of a column.
pub(super) struct Cell {
    /// The look of the calls that may pass; meaningless if there are none.
    pub(super) look: Look,
    /// Number of calls that may pass, of all pairs, and of calls that pass on a condition.
    pub(super) calls: usize,
    pub(super) pairs: usize,
    pub(super) conditional: usize,
}

impl Matrix {
    /// Creates the matrix of these services. `fields` includes the fates of fields.
    pub(super) fn new(graph: &Graph, shown: &BTreeSet<usize>, fields: bool) -> Self {
        let relation = Relation::new(graph, fields);
        let mut groups: Vec<Group> = Vec::new();
        for (domain, services) in graph.domains.iter().enumerate().map(|(at, domain)| (at, &domain.services)) {
            let first = groups.len();
            for service in services.iter().copied().filter(|service| shown.contains(service)) {
                let own = groups.iter_mut().skip(first);
                let alike = |group: &&mut Group| {
                    group.services.first().is_some_and(|known| {
                        graph.is_gateway(*known) == graph.is_gateway(service)
                            && relation.are_alike(*known, service, shown)
                    })
                };
                match own.into_iter().find(alike) {
                    Some(group) => group.services.push(service),
                    None => groups.push(Group { domain, services: vec![service] }),
                }
            }
        }
        let by_domain = groups.len() > MAX_SERVICES;
        if by_domain {
            let mut domains: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            groups.into_iter().for_each(|group| domains.entry(group.domain).or_default().extend(group.services));
            groups = domains.into_iter().map(|(domain, services)| Group { domain, services }).collect();
        }
        let row = |from: &Group| groups.iter().map(|to| relation.cell(from, to)).collect();
        let cells = groups.iter().map(row).collect();
        Self { groups, cells, by_domain }
    }

    /// Returns the name of a row.
    pub(super) fn name(&self, graph: &Graph, group: &Group) -> String {
        let domain = graph.domain_name(group.domain);
        match (self.by_domain, group.services.as_slice()) {
            (false, [one]) => graph.service_name(*one).to_owned(),
            (false, [one, .., last])
                if group.services.len() < graph.domains.get(group.domain).map_or(0, |d| d.services.len()) =>
            {
                format!(
                    "{} of {domain}: {} ... {}",
                    group.services.len(),
                    graph.service_name(*one),
                    graph.service_name(*last)
                )
            }
            (_, services) => format!("{domain}: all {}", services.len()),
        }
    }

    /// Returns the notes below the matrix: how to read it, and the services of the rows that represent several.
    pub(super) fn notes(&self, graph: &Graph) -> Vec<String> {
        let mut notes = vec![match self.by_domain {
            true => "Rows call columns. They are domains; a cell says how many of the calls between their services may pass. Narrow it with --service NAME or --domain NAME.".to_owned(),
            false => "Rows call columns. An empty cell is a call that is always denied; a grey one is not a call. Where a row stands for several services, all of them call alike and are called alike.".to_owned(),
        }];
        let parts = self.groups.iter().filter(|group| !self.by_domain && self.name(graph, group).contains(" ... "));
        for group in parts.take(MAX_LISTED) {
            let named: Vec<&str> = group.services.iter().take(MAX_NAMED).map(|at| graph.service_name(*at)).collect();
            let more = group.services.len().saturating_sub(MAX_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            notes.push(format!("{}: {}{more}.", self.name(graph, group), named.join(", ")));
        }
        notes
    }

    /// Returns all sets of rules that decide about cells, each once, in the order of the cells.
    pub(super) fn rules(&self) -> Vec<&[String]> {
        let mut known: Vec<&[String]> = Vec::new();
        let mut seen: BTreeSet<&[String]> = BTreeSet::new();
        for cell in self.cells.iter().flatten().flatten() {
            if cell.look.conditional && seen.insert(&cell.look.rules) {
                known.push(&cell.look.rules);
            }
        }
        known
    }
}

/// The look of each pair; none for a denied one.
struct Relation {
    looks: Vec<Option<Look>>,
    /// For each pair, an index into the looks.
    pairs: Vec<Option<usize>>,
    services: usize,
}

impl Relation {
    fn new(graph: &Graph, fields: bool) -> Self {
        let services = graph.services.len();
        let mut pairs = vec![None; services * services];
        let mut numbers: BTreeMap<Option<Look>, usize> = BTreeMap::new();
        for call in &graph.calls {
            let look = call.may_pass().then(|| Look::new(graph, call, fields));
            let next = numbers.len();
            let number = *numbers.entry(look).or_insert(next);
            if let Some(pair) = pairs.get_mut(call.from * services + call.to) {
                *pair = Some(number);
            }
        }
        let mut looks: Vec<(usize, Option<Look>)> = numbers.into_iter().map(|(look, number)| (number, look)).collect();
        looks.sort();
        Self { looks: looks.into_iter().map(|(_, look)| look).collect(), pairs, services }
    }

    fn of(&self, from: usize, to: usize) -> Option<usize> {
        self.pairs.get(from * self.services + to).copied().flatten()
    }

    /// Whether two services call alike and are called alike, including by each other. The relation is transitive.
    fn are_alike(&self, one: usize, other: usize, shown: &BTreeSet<usize>) -> bool {
        self.of(one, other) == self.of(other, one)
            && shown.iter().filter(|third| **third != one && **third != other).all(|third| {
                self.of(one, *third) == self.of(other, *third) && self.of(*third, one) == self.of(*third, other)
            })
    }

    fn cell(&self, from: &Group, to: &Group) -> Option<Cell> {
        let all = from.services.iter().flat_map(|from| to.services.iter().filter_map(|to| self.of(*from, *to)));
        let known: Vec<usize> = all.collect();
        let looks = || known.iter().filter_map(|look| self.looks.get(*look)?.clone());
        let (look, conditional) = Look::of_all(looks());
        (!known.is_empty()).then(|| Cell { look, calls: looks().count(), pairs: known.len(), conditional })
    }
}
