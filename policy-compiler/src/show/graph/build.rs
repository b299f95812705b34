//! Builds the graph from the model.

use std::collections::BTreeSet;

use context_mesh_core::context::CALLER;

use super::{Call, Domain, Fate, Field, Graph, Limit, Passage, Selection, Service};
use crate::{
    check::{
        analysis::{self, FieldFlow, Taken, Verdict},
        model::{ENTERPRISE, Model},
    },
    compile::Checked,
    report::near::UnknownName,
};

/// Most field flows that are held before they are condensed.
const FLOWS_AT_ONCE: usize = 1_000_000;

impl Graph {
    /// Builds the graph of a tree.
    ///
    /// # Errors
    /// The tree does not have what is selected. The message suggests a similar name.
    pub fn new(checked: &Checked, selection: Selection) -> Result<Self, UnknownName> {
        let model = &checked.model;
        let mut graph = empty(model, selection);
        let (selected, field) = graph.resolve()?;
        let calls = analysis::reachability(model, &checked.programs).into_iter().map(|reach| {
            let passage = match reach.verdict() {
                Verdict::Allowed => Passage::Always,
                Verdict::Conditional(rules) => Passage::OnCondition(rules),
                Verdict::Denied(rules) => Passage::Never(rules),
            };
            Call { from: reach.from, to: reach.to, passage, limits: Vec::new() }
        });
        graph.calls = calls.collect();
        graph.everywhere = graph.common_rules();
        if let Some(selected) = selected {
            graph.calls.retain(|call| selected.contains(&call.from) || selected.contains(&call.to));
        }
        if let Some(field) = field {
            graph.fields = graph.fields.drain(..).skip(field).take(1).collect();
        }
        graph.add_limits(checked);
        Ok(graph)
    }

    /// Returns the selected services and the selected field.
    fn resolve(&self) -> Result<(Option<BTreeSet<usize>>, Option<usize>), UnknownName> {
        let Selection { service, domain, field } = &self.selection;
        let mut selected = None;
        if let Some(name) = service {
            let found =
                find("the mesh has no service", name, self.services.iter().map(|service| service.name.as_str()))?;
            selected = Some(BTreeSet::from([found]));
        }
        if let Some(name) = domain {
            let found = find("the mesh has no domain", name, self.domains.iter().map(|domain| domain.name.as_str()))?;
            let of_domain = self.domains.get(found).into_iter().flat_map(|domain| domain.services.iter().copied());
            selected.get_or_insert_default().extend(of_domain);
        }
        let field = field
            .as_ref()
            .map(|name| find("no schema declares a field", name, self.fields.iter().map(|field| field.name.as_str())));
        Ok((selected, field.transpose()?))
    }

    /// Returns the rules that decide about every call that is not denied. Calls to gateways are ignored, because
    /// clients make them.
    fn common_rules(&self) -> Vec<String> {
        let mut calls = self.calls.iter().filter(|call| call.may_pass() && !self.is_gateway(call.to));
        let of = |call: &Call| match &call.passage {
            Passage::OnCondition(rules) => rules.clone(),
            _ => Vec::new(),
        };
        let Some(first) = calls.next() else { return Vec::new() };
        let mut common = of(first);
        let mut several = false;
        for call in calls {
            several = true;
            let rules = of(call);
            common.retain(|rule| rules.contains(rule));
        }
        let mut seen = BTreeSet::new();
        common.retain(|rule| several && seen.insert(rule.clone()));
        common
    }

    fn add_limits(&mut self, checked: &Checked) {
        let Self { calls, fields, .. } = self;
        let numbers: Vec<Option<usize>> = checked
            .model
            .fields
            .iter()
            .map(|field| fields.iter().position(|known| known.name == field.table.name))
            .collect();
        let mut passing: Vec<&mut Call> = calls.iter_mut().filter(|call| call.may_pass()).collect();
        for calls in passing.chunks_mut((FLOWS_AT_ONCE / numbers.len().max(1)).max(1)) {
            let pairs: Vec<(usize, usize)> = calls.iter().map(|call| (call.from, call.to)).collect();
            let flows = analysis::field_flow(&checked.model, &checked.programs, &pairs);
            for (call, flows) in calls.iter_mut().zip(flows.chunks(numbers.len().max(1))) {
                let limits = flows.iter().filter_map(|flow| limit(flow, (*numbers.get(flow.field)?)?));
                call.limits = limits.collect();
            }
        }
    }
}

fn empty(model: &Model, selection: Selection) -> Graph {
    let directory = &model.directory;
    let services: Vec<Service> = directory
        .services
        .iter()
        .map(|service| Service {
            name: service.name.clone(),
            domain: usize::from(service.domain),
            gateway: directory.gateways.contains(&service.name),
        })
        .collect();
    let domains = directory.domains.iter().enumerate().map(|(number, domain)| Domain {
        name: domain.name.clone(),
        region: domain.region.clone(),
        frameworks: domain.frameworks.clone(),
        services: (0..services.len()).filter(|at| services.get(*at).is_some_and(|s| s.domain == number)).collect(),
    });
    let fields = model.fields.iter().map(|field| &field.table).filter(|field| field.name != CALLER);
    let fields = fields.map(|field| Field {
        name: field.name.clone(),
        owner: field
            .owner
            .and_then(|owner| directory.domains.get(usize::from(owner)))
            .map_or(ENTERPRISE, |domain| &domain.name)
            .to_owned(),
        classification: field.classification,
        residency: field.residency.clone(),
    });
    let rules = model.policies.iter().flat_map(|policy| &policy.rules).filter(|rule| !rule.about.is_empty());
    let mut about: Vec<_> = rules.map(|rule| (rule.name.clone(), rule.about.clone())).collect();
    about.sort_by(|a, b| a.0.cmp(&b.0));
    Graph {
        mesh: model.mesh.name.clone(),
        domains: domains.collect(),
        fields: fields.collect(),
        services,
        calls: Vec::new(),
        everywhere: Vec::new(),
        about,
        selection,
    }
}

fn find<'c>(missing: &str, name: &str, known: impl Iterator<Item = &'c str> + Clone) -> Result<usize, UnknownName> {
    known.clone().position(|known| known == name).ok_or_else(|| UnknownName::new(missing, name, known))
}

/// Returns the limit on a field, if any.
fn limit(flow: &FieldFlow, field: usize) -> Option<Limit> {
    let mut rules: Vec<String> = Vec::new();
    let mut fate = if flow.kept_in_region { Fate::Kept } else { Fate::Passes };
    let taken = [
        (&flow.redacted, Fate::Redacted, Fate::SometimesRedacted),
        (&flow.masked, Fate::Masked, Fate::SometimesMasked),
    ];
    for (taken, always, sometimes) in taken {
        let (by, now) = match taken {
            Taken::Never => continue,
            Taken::Always(by) => (by, always),
            Taken::Sometimes(by) => (by, sometimes),
        };
        rules.extend(by.iter().cloned());
        fate = fate.max(now);
    }
    (fate != Fate::Passes).then_some(Limit { field, fate, rules })
}
