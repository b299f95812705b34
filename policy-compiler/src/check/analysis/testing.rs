//! A small mesh for the tests of this module.

use super::facts::{Knowledge, WORK_OF_A_CHECK};
use crate::check::model::Model;
use crate::check::programs::{self, Programs};
use crate::report::diagnostic::Diagnostics;
use crate::report::source::Sources;
use crate::{check::model, read::document};

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: small}
spec:
  trustDomain: small.example
  identity: /ns/default/sa/{service}
  default: allow
  domains:
    shop:     {services: [front, cart, gate], region: us}
    payments: {services: [ledger], region: eu, frameworks: [gdpr]}
  gateways: [gate]
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, version: 1.0.0}
spec:
  fields:
    tier:  {type: string, enum: [gold, silver]}
    name:  {type: string}
    id:    {type: string, pattern: 'tenant_[a-z]+'}
    n:     {type: int}
    d:     {type: double}
    flags: {type: list<string>, maxBytes: 64}
    modes: {type: list<string>, enum: [on, off], maxBytes: 64}
    beta:  {type: bool}
    j:     {type: json, maxBytes: 64}
";

/// A tree with these policies.
pub(super) struct Tree {
    pub(super) model: Model,
    pub(super) programs: Programs,
    pub(super) sources: Sources,
    pub(super) diagnostics: Diagnostics,
}

impl Tree {
    /// Creates the tree. Panics if the policies have errors of their own.
    pub(super) fn new(policies: &str) -> Self {
        let mut sources = Sources::new("small");
        sources.add("mesh.yaml", MESH);
        sources.add("policies.yaml", policies);
        let mut diagnostics = Diagnostics::new();
        let documents = document::read(&sources, &mut diagnostics, &mut crate::report::progress::nobody);
        let model = model::check(documents, &sources, &mut diagnostics);
        let programs = programs::compile(&model, &mut diagnostics, &mut crate::report::progress::nobody);
        assert!(!diagnostics.has_errors(), "{policies}\n{}", diagnostics.to_text(&sources));
        Self { model, programs, sources, diagnostics }
    }

    pub(super) fn knowledge(&self) -> Knowledge<'_> {
        Knowledge::new(&self.model, &self.programs, WORK_OF_A_CHECK)
    }

    /// Returns everything that the analysis finds.
    pub(super) fn findings(mut self) -> (Diagnostics, Sources) {
        super::check(&self.model, &self.programs, &mut self.diagnostics);
        self.diagnostics.sort();
        (self.diagnostics, self.sources)
    }
}

/// Returns a policy of a domain, or of the enterprise, with these rules, each a flow mapping.
pub(super) fn policy(name: &str, domain: Option<&str>, workloads: &str, rules: &[String]) -> String {
    let domain = domain.map(|domain| format!(", domain: {domain}")).unwrap_or_default();
    let rules: String = rules.iter().map(|rule| format!("    - {rule}\n")).collect();
    format!(
        "---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: {name}{domain}}}\nspec:\n  workloads: {workloads}\n  rules:\n{rules}"
    )
}

/// Returns a condition as a YAML string.
pub(super) fn quoted(condition: &str) -> String {
    serde_json::Value::from(condition).to_string()
}
