//! Istio: the `AuthorizationPolicy` resources that decide as the tree does, for proxies without the filter.
//!
//! All or nothing: what Envoy's RBAC cannot say is refused with its place, and then nothing is emitted for the service. A
//! request that both decide differently is a [`Difference`], which the user has to accept by name.
//!
//! - `formula` turns the condition of a rule into `clause`s, of which one must hold; `atom` translates the test of one
//!   attribute, `peer` those of the caller, `network` those of addresses, with the patterns of `pattern`.
//! - `rules` combines the rules of a workload: denials, the allow rules of both layers, audits.
//! - `resource` writes the YAML.

mod atom;
mod clause;
mod formula;
mod network;
mod pattern;
mod peer;
mod place;
mod refusal;
mod resource;
mod rules;

use std::collections::BTreeSet;

use context_mesh_core::artifact::tables::Tables;
use serde_json::Value;

use crate::{
    check::{model::Model, programs::Conditions},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::Span,
    },
};

use peer::Callers;
pub use refusal::Difference;
use refusal::Refusal;

/// A tree, and the differences that its user accepts.
#[derive(Debug)]
pub struct Authorization<'t> {
    model: &'t Model,
    conditions: &'t Conditions,
    tables: &'t Tables,
    callers: Callers<'t>,
    accepted: BTreeSet<Difference>,
}

/// Where the resources of a service go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Their namespace.
    pub namespace: &'a str,
    /// The labels of the pods.
    pub labels: &'a [(String, String)],
    /// The artifact of the tree, whose digest the resources name.
    pub artifact: &'a [u8],
}

/// The resources of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Emitted {
    /// The resources; none if every request passes.
    pub resources: Vec<Value>,
    /// Names of the policies that also hold for workloads that the mesh does not list.
    pub also_unlisted: Vec<String>,
}

impl<'t> Authorization<'t> {
    /// Prepares a tree. All arguments must come from the same sources.
    pub fn new(
        model: &'t Model,
        conditions: &'t Conditions,
        tables: &'t Tables,
        accepted: impl IntoIterator<Item = Difference>,
    ) -> Self {
        Self { model, conditions, tables, callers: Callers::new(tables), accepted: accepted.into_iter().collect() }
    }

    /// Returns the resources of a service.
    ///
    /// # Errors
    /// What cannot be said, with the rule and its place. An unknown service has no rules.
    pub fn emit(&self, service: &str, target: Target<'_>) -> Result<Emitted, Diagnostics> {
        let decisions = rules::of(self, service)?;
        let resources = resource::all(service, target, &decisions);
        Ok(Emitted { resources, also_unlisted: decisions.also_unlisted })
    }

    /// Whether any rule holds for the service.
    pub fn has_rules(&self, service: &str) -> bool {
        let index = self.model.directory.service(service);
        let here = |index| {
            self.model.policies.iter().any(|policy| policy.workloads.contains(index) && !policy.rules.is_empty())
        };
        index.is_some_and(here)
    }

    fn require(&self, difference: Difference) -> Result<(), Refusal> {
        if self.accepted.contains(&difference) { Ok(()) } else { Err(Refusal::difference(difference)) }
    }
}

/// Reports that something cannot be said.
fn refused(what: &str, span: Option<Span>, refusal: Refusal) -> Diagnostic {
    let message = format!("{what} cannot be said in an AuthorizationPolicy: {}", refusal.text);
    Diagnostic::error(code::NOT_IN_RBAC, span, message).help(refusal.help)
}
