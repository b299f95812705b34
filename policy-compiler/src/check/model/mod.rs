//! The checked model: what the documents mean together.
//!
//! [`check`] resolves every name and reports what does not fit. The content of a [`Model`] is valid in itself: indices
//! point to something, and lists are sorted and without duplicates. Rules that are wrong are not in it. Only their
//! expressions are kept, so that their CEL errors are reported in the same run.
//!
//! Who may name what:
//!
//! - the enterprise (a document without a domain) may name every workload, or all of them with `*`, and every field;
//! - a domain may name only its own workloads, and may declare fields, which it then owns;
//! - everybody may read any field: a condition only narrows what the own workload does;
//! - `redact` and `require` accept any declared field: they only narrow what the own workloads get;
//! - `set` accepts a field of the own domain. Setting a field of another domain, or of the enterprise, would forge a
//!   statement of its owner downstream;
//! - `caller` belongs to the mesh: it is a string, and no rule sets or redacts it.

mod default;
mod directory;
mod fields;
mod headers;
mod names;
mod parameters;
mod pattern;
mod policies;
mod policy_tests;
mod request;
pub(crate) mod requests;
mod routing;
mod rules;
mod schemas;
mod variables;

pub use default::DEFAULT_RULE;
pub(crate) use directory::ENTERPRISE;
pub use directory::{Directory, Owner, Service};
pub use fields::Field;
pub use pattern::Pattern;
pub use policies::{Policy, Unfinished, Workloads};
pub use policy_tests::{TestCase, other_causes};
pub use request::{DEFAULT_NOW_MS, DEFAULT_REQUEST_ID, Request};
pub use requests::World;
pub use rules::{Effect, Rule};
pub use schemas::SchemaVersion;
pub use variables::{Shared, Variable};

use crate::{
    read::document::{Documents, Metadata, Silence},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Sources, Span},
    },
};
use context_mesh_core::artifact::tables::MeshTable;
use std::collections::HashMap;

/// The checked content of all documents.
#[derive(Debug, Clone)]
pub struct Model {
    /// Settings of the mesh.
    pub mesh: MeshTable,
    /// Services and domains.
    pub directory: Directory,
    /// The declared fields and `caller`, sorted by name.
    pub fields: Vec<Field>,
    /// The schemas, each in all versions that the tree has, in the order of the documents.
    pub schemas: Vec<SchemaVersion>,
    /// The policies, in the order of the documents.
    pub policies: Vec<Policy>,
    /// The variables that documents share.
    pub shared: Shared,
    /// The tests with their cases, in the order of the documents.
    pub tests: Vec<TestCase>,
    /// Warnings that rules silence, in the order of the documents.
    pub silences: Vec<Silence>,
    /// Whether a document could not be read, so that what seems to be missing may be in there.
    pub incomplete: bool,
}

/// The note added to a diagnostic about something that an unread document may declare.
pub(crate) const INCOMPLETE_NOTE: &str = "a document that could not be read may declare it";

/// The context that all checks need.
struct Context<'a> {
    sources: &'a Sources,
    /// Whether something could not be read, so that what seems to be missing may be in there.
    incomplete: bool,
}

impl Context<'_> {
    /// Returns a diagnostic about something that is not declared.
    fn unknown(&self, code: &'static str, span: Span, message: String) -> Diagnostic {
        let problem = Diagnostic::error(code, span, message);
        if self.incomplete { problem.note(INCOMPLETE_NOTE) } else { problem }
    }
}

/// Checks the documents against each other. What is wrong is added to `diagnostics` and left out of the model.
pub fn check(documents: Documents, sources: &Sources, diagnostics: &mut Diagnostics) -> Model {
    let context = Context { sources, incomplete: documents.incomplete };
    report_empty_tree(&documents, &context, diagnostics);
    report_duplicates(&documents, diagnostics);
    let (mesh, directory) = directory::check(documents.meshes, &context, diagnostics);
    let (mut fields, schemas) =
        fields::check(documents.schemas, &directory, mesh.present_baggage, &context, diagnostics);
    routing::check(&directory.routed, &mut fields, &context, diagnostics);
    let mut rule_names = policy_tests::rule_names(&documents.policies);
    let silences = policies::silences(&documents.policies, diagnostics);
    let shared = Shared::collect(&documents.policies, &directory, &context, diagnostics);
    let mut policies = policies::check(documents.policies, &shared, &directory, &fields, &context, diagnostics);
    if !context.incomplete && !directory.is_unsure() {
        default::report_unguarded(&directory.defaults, &directory, &policies, diagnostics);
    }
    if let Some(closed) = default::policy(&directory.defaults, &directory, &policies) {
        policy_tests::add_names(&mut rule_names, &closed);
        policies.push(closed);
    }
    // Without a mesh, or with documents that could not be read, no name in a test can be called unknown.
    let tests = if documents.tests.is_empty() || context.incomplete || directory.is_unsure() {
        Vec::new()
    } else {
        let world = World::of_model(&mesh, &directory, &fields);
        policy_tests::check(&documents.tests, &rule_names, &world, diagnostics)
    };
    Model { mesh, directory, fields, schemas, policies, shared, tests, silences, incomplete: context.incomplete }
}

fn report_empty_tree(documents: &Documents, context: &Context<'_>, diagnostics: &mut Diagnostics) {
    let Documents { meshes, schemas, policies, tests, .. } = documents;
    let empty = meshes.is_empty() && schemas.is_empty() && policies.is_empty() && tests.is_empty();
    if empty && !context.incomplete {
        let message = format!("no policy documents found in `{}`", context.sources.origin());
        let help = "add a Mesh document in a file that ends in `.yaml` or `.yml`";
        diagnostics.push(Diagnostic::error(code::NO_DOCUMENTS, None, message).help(help));
    } else if meshes.is_empty() {
        let problem = Diagnostic::error(code::NO_MESH, None, "the tree has no Mesh document");
        let problem = problem.help("add a document with `kind: Mesh`, which lists the domains and services");
        let note = context.incomplete.then_some("a document that could not be read may be it");
        diagnostics.push(note.into_iter().fold(problem, Diagnostic::note));
    }
}

/// Reports two documents of one kind with the same name and domain. A schema may have several versions.
fn report_duplicates(documents: &Documents, diagnostics: &mut Diagnostics) {
    schemas::report_duplicates(&documents.schemas, diagnostics);
    let kinds: [(&str, Vec<&Metadata>); 2] = [
        ("ContextPolicy", documents.policies.iter().map(|policy| &policy.metadata).collect()),
        ("PolicyTest", documents.tests.iter().map(|test| &test.metadata).collect()),
    ];
    for (kind, heads) in kinds {
        let mut seen: HashMap<(&str, Option<&str>), Span> = HashMap::new();
        for head in heads {
            let Some(name) = &head.name else { continue };
            let domain = head.domain.as_ref().map(|domain| domain.value.as_str());
            match seen.get(&(name.value.as_str(), domain)) {
                None => {
                    seen.insert((&name.value, domain), name.span);
                }
                Some(first) => {
                    let owner = domain.map_or("the enterprise".to_owned(), |domain| format!("domain `{domain}`"));
                    let message = format!("{owner} has two documents {kind} `{}`", name.value);
                    let problem = Diagnostic::error(code::DUPLICATE_DOCUMENT, name.span, message);
                    diagnostics.push(problem.label(*first, "the first one").help("give one of them another name"));
                }
            }
        }
    }
}
