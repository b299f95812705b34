//! `policyc emit authorizationpolicy`: the emitted policies decide as the tree does.

mod cli;
mod evaluator;
mod random;
mod table;

use policy_compiler::{
    Compiled,
    check::model::Model,
    check_watched,
    pack::emit::{
        authorization::{Authorization, Difference, Target},
        to_yaml,
    },
    report::source::Sources,
};
use serde_json::Value;

use crate::support;

/// A mesh for trees of these tests. `ledger` decides.
const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: small}
spec:
  trustDomain: acme.corp
  default: allow
  domains:
    shop: {namespaces: [shop], region: us, services: [front, cart]}
    bank:
      namespaces: [bank]
      region: eu
      services: [ledger, {name: audit, identities: [aud, other/aud, 'spiffe://acme.corp/ns/old/sa/audit']}]
  claims: {source: istio, types: {role: string, age: int, groups: {type: list<string>, path: [realm, groups]}}}
";

/// Everything that the tests need of a tree.
struct Tree {
    sources: Sources,
    compiled: Compiled,
    model: Model,
}

impl Tree {
    /// Creates the tree of the mesh with these documents.
    fn new(documents: &str) -> Self {
        Self::in_mesh(MESH, documents)
    }

    /// Creates the tree of another mesh.
    fn in_mesh(mesh: &str, documents: &str) -> Self {
        let sources = support::tree(format!("{mesh}---\n{documents}"));
        let (compiled, model) = support::compiled(&sources);
        Self { sources, compiled, model }
    }

    /// Returns the resources for `ledger`, or the text of what cannot be said.
    fn emit(&self, accepted: &[Difference]) -> Result<Vec<Value>, String> {
        let checked = check_watched(&self.sources, &mut |_| {}).unwrap();
        let conditions = &checked.programs.conditions;
        let authorization =
            Authorization::new(&self.model, conditions, &self.compiled.tables, accepted.iter().copied());
        let labels = [("app".to_owned(), "ledger".to_owned())];
        let target = Target { namespace: "bank", labels: &labels, artifact: &self.compiled.artifact };
        let emitted = authorization.emit("ledger", target);
        // The text is read again, because that is what a cluster gets.
        let read = |resource: &Value| support::read_yaml(&to_yaml(resource));
        let resources = emitted.map(|emitted| emitted.resources.iter().map(read).collect());
        resources.map_err(|found| found.to_text(&self.sources))
    }
}

/// Returns a policy with these rules, each a flow mapping, for the `ledger`.
fn policy(domain: Option<&str>, rules: &[String]) -> String {
    let domain = domain.map(|domain| format!(", domain: {domain}")).unwrap_or_default();
    let rules: String = rules.iter().map(|rule| format!("    - {rule}\n")).collect();
    format!(
        "apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: guard{domain}}}\nspec:\n  workloads: [ledger]\n  rules:\n{rules}"
    )
}

/// Returns a condition as a YAML string.
fn quoted(condition: &str) -> String {
    Value::from(condition).to_string()
}
