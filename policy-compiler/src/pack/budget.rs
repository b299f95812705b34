//! The worst-case cost of decisions, against the fuel that a decision has.

use context_mesh_core::index::{ProgramIndex, RuleIndex};
use std::collections::BTreeMap;

use context_mesh_core::{
    artifact::{VerifiedProgram, tables::Tables},
    decide::RuleSet,
    limits::MAX_FUEL,
};

use crate::{
    check::model::Model,
    expression::codegen::Costs,
    pack::slice::programs_of,
    read::document::Direction,
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::Span,
    },
};

/// Most services that a message names.
const NAMED: usize = 3;

/// The worst-case cost of a rule: its condition and the values that it sets, with the variables that they may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleCost {
    /// The rule, an index into [`Tables::rules`].
    pub rule: usize,
    /// Units of fuel.
    pub fuel: u64,
}

/// The worst-case cost of all rules of a workload and direction together, each variable counted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionCost {
    /// The services that have exactly these rules.
    pub services: Vec<String>,
    /// Inbound or outbound requests.
    pub direction: Direction,
    /// Number of rules.
    pub rules: usize,
    /// Units of fuel. A request has [`MAX_FUEL`] for everything.
    pub fuel: u64,
    /// The rules that run for every request, as indices into [`Tables::rules`]; the decision index finds the others.
    pub unindexed: Vec<RuleIndex>,
}

/// Returns the cost of every rule, the most expensive first. Rules of equal cost keep the order of the artifact.
pub fn rules(tables: &Tables, costs: &Costs) -> Vec<RuleCost> {
    let all = tables.rules.iter().enumerate();
    let mut all: Vec<RuleCost> =
        all.map(|(index, rule)| RuleCost { rule: index, fuel: costs.together(programs_of(rule)) }).collect();
    all.sort_by_key(|cost| std::cmp::Reverse(cost.fuel));
    all
}

/// Returns the cost of every kind of decision, the most expensive first. Workloads with the same rules are grouped;
/// those without rules are left out. `program` is the loaded artifact.
pub fn decisions(program: &VerifiedProgram, costs: &Costs) -> Vec<DecisionCost> {
    let tables = program.tables();
    let mut all: Vec<DecisionCost> = grouped(tables)
        .into_iter()
        .map(|((direction, rules), services)| DecisionCost {
            services: services.into_iter().map(str::to_owned).collect(),
            direction: if direction == 0 { Direction::Inbound } else { Direction::Outbound },
            rules: rules.len(),
            fuel: costs.together(programs(tables, rules)),
            unindexed: RuleSet::new(program, rules).unindexed().collect(),
        })
        .collect();
    all.sort_by(|a, b| b.fuel.cmp(&a.fuel).then_with(|| a.services.cmp(&b.services)));
    all
}

/// The services of each pair of direction (0 inbound, 1 outbound) and rules.
type Groups<'t> = BTreeMap<(u8, &'t [RuleIndex]), Vec<&'t str>>;

fn grouped(tables: &Tables) -> Groups<'_> {
    let mut groups = Groups::new();
    for service in &tables.services {
        let lists = [(0, &service.entry.inbound), (1, &service.entry.outbound)];
        for (direction, rules) in lists.into_iter().filter(|(_, rules)| !rules.is_empty()) {
            groups.entry((direction, rules.as_slice())).or_default().push(&service.name);
        }
    }
    groups
}

fn programs(tables: &Tables, rules: &[RuleIndex]) -> impl Iterator<Item = ProgramIndex> {
    let found = rules.iter().filter_map(|rule| rule.get(&tables.rules));
    found.flat_map(programs_of)
}

/// Warns of workloads whose rules can together take more fuel than a decision has.
pub(crate) fn warn(tables: &Tables, costs: &Costs, model: &Model, diagnostics: &mut Diagnostics) {
    for ((direction, list), services) in grouped(tables) {
        let fuel = costs.together(programs(tables, list));
        if fuel <= MAX_FUEL {
            continue;
        }
        let direction = if direction == 0 { "inbound" } else { "outbound" };
        let names: Vec<String> = services.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = services.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more services") } else { String::new() };
        let mut found = list.iter().filter_map(|rule| rule.get(&tables.rules));
        let mut expensive: Vec<_> =
            found.by_ref().map(|rule| (costs.together(programs_of(rule)), rule.name.as_str())).collect();
        expensive.sort_by_key(|(fuel, _)| std::cmp::Reverse(*fuel));
        let listed: Vec<String> =
            expensive.iter().take(NAMED).map(|(fuel, name)| format!("`{name}` ({fuel})")).collect();
        let message = format!(
            "the {} {direction} rules of {}{more} can together cost {fuel} units of fuel; a request has {MAX_FUEL}",
            list.len(),
            names.join(", "),
        );
        let span = expensive.first().and_then(|(_, name)| span_of(model, name));
        diagnostics.push(
            Diagnostic::warning(code::DECISION_COST, span, message)
                .note(format!("the most expensive are {}", listed.join(", ")))
                .note("a request for which the fuel does not suffice is refused (431)")
                .help("say how long the fields that they read can be (`maxBytes` in the schema), or loop over less"),
        );
    }
}

fn span_of(model: &Model, rule: &str) -> Option<Span> {
    model.policies.iter().flat_map(|policy| &policy.rules).find(|known| known.name == rule).map(|known| known.span)
}
