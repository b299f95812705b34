//! Data flow: which fields may travel between services.

use super::facts::{Facts, Knowledge, WORK_OF_A_GRAPH};
use super::reach::{Applies, Pairs};
use crate::check::model::{Effect, Model};
use crate::check::programs::Programs;
use crate::read::document::Direction;

/// When a field is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Never.
    Never,
    /// By these rules, depending on the request.
    Sometimes(Vec<String>),
    /// For every request, by these rules.
    Always(Vec<String>),
}

/// What happens to one field between two services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFlow {
    /// The calling service, as an index into [`crate::check::model::Directory::services`].
    pub from: usize,
    /// The called service.
    pub to: usize,
    /// The field, as an index into [`Model::fields`].
    pub field: usize,
    /// Whether its residency keeps it out of the region of the called service.
    pub kept_in_region: bool,
    /// When it is removed.
    pub redacted: Taken,
    /// When it is masked.
    pub masked: Taken,
}

impl FieldFlow {
    /// Whether a value may arrive unchanged.
    pub fn may_pass(&self) -> bool {
        !self.kept_in_region && !matches!(self.redacted, Taken::Always(_)) && !matches!(self.masked, Taken::Always(_))
    }
}

/// Returns what happens to every declared field between these pairs of services (caller, called service). It depends on
/// the outbound rules of the caller, the residency of the field, and the inbound rules of the called service. The
/// result is in the order of the pairs, then of the fields.
///
/// `model` and `programs` come from a tree without errors. [`super::reachability`] returns whether requests of a pair
/// pass at all.
pub fn field_flow(model: &Model, programs: &Programs, pairs: &[(usize, usize)]) -> Vec<FieldFlow> {
    let knowledge = Knowledge::new(model, programs, WORK_OF_A_GRAPH);
    let mut known = Pairs::new(&knowledge);
    let mut flows = Vec::with_capacity(pairs.len().saturating_mul(model.fields.len()));
    for (from, to) in pairs.iter().copied() {
        let mut rules = known.rules(Direction::Outbound, from, to);
        rules.extend(known.rules(Direction::Inbound, from, to));
        for field in 0..model.fields.len() {
            let redacted =
                |facts: &Facts<'_>| matches!(&facts.rule.effect, Effect::Redact(fields) if fields.contains(&field));
            let masked =
                |facts: &Facts<'_>| matches!(&facts.rule.effect, Effect::Mask(fields, _) if fields.contains(&field));
            flows.push(FieldFlow {
                from,
                to,
                field,
                kept_in_region: is_kept(model, field, to),
                redacted: taken(&rules, redacted),
                masked: taken(&rules, masked),
            });
        }
    }
    flows
}

fn is_kept(model: &Model, field: usize, to: usize) -> bool {
    let directory = &model.directory;
    let regions = directory.services.get(to).map_or(&[][..], |service| directory.regions_of(service));
    let residency = model.fields.get(field).map_or(&[][..], |field| &field.table.residency);
    let reaches_all = !regions.is_empty() && regions.iter().all(|region| residency.contains(region));
    !residency.is_empty() && !reaches_all
}

fn taken(rules: &[(&Facts<'_>, Applies)], wanted: impl Fn(&Facts<'_>) -> bool) -> Taken {
    let names = |when: Applies| -> Vec<String> {
        let found = rules.iter().filter(|(facts, applies)| *applies == when && wanted(facts));
        found.map(|(facts, _)| facts.rule.name.clone()).collect()
    };
    let (always, sometimes) = (names(Applies::Always), names(Applies::Sometimes));
    match (always.is_empty(), sometimes.is_empty()) {
        (false, _) => Taken::Always(always),
        (true, false) => Taken::Sometimes(sometimes),
        (true, true) => Taken::Never,
    }
}
