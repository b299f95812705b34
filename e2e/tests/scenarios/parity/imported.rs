//! The tree that the importer makes of a set.

use context_mesh_e2e::policy::Policy;
use policy_compiler::import::convert::{Reason, Verdict, convert};
use policy_compiler::import::{read, select};
use policy_compiler::report::source::Sources;

use super::sets::Set;

/// An imported set.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The tree.
    pub(crate) tree: Policy,
    /// The name that the tree has for the workload of the set.
    pub(crate) service: String,
    /// Why some of its policies are stricter than the source; empty if all are exact.
    pub(crate) stricter: Vec<String>,
    /// The text of the tree, for messages.
    pub(crate) text: String,
}

/// Imports a set, as `policyc import authorizationpolicy` does. The error is why the importer refuses it.
pub(crate) fn import(set: &Set) -> Result<Imported, String> {
    let mut sources = Sources::new("set");
    sources.add("set.yaml", set.text.as_str());
    let (resources, diagnostics) = read(&sources);
    if diagnostics.has_errors() {
        return Err(diagnostics.to_text(&sources));
    }
    let converted = convert(&resources, &select::groups(&resources));
    let texts = |reasons: &[Reason]| reasons.iter().map(|reason| reason.text.clone()).collect::<Vec<_>>();
    let mut stricter = Vec::new();
    for verdict in &converted.verdicts {
        match verdict {
            Verdict::Exact => {}
            Verdict::Stricter(reasons) => stricter.extend(texts(reasons)),
            Verdict::Refused(reasons) => return Err(texts(reasons).join("; ")),
        }
    }
    let files: Vec<_> = converted.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let tree = Policy::from_files(files.iter().copied()).unwrap_or_else(|error| panic!("{}: {error}", set.name));
    let own = &set.workload().name;
    let service = tree.tables.services.iter().map(|service| &service.name).find(|name| *name == own);
    let service = service.unwrap_or_else(|| panic!("{}: the tree has no service `{own}`", set.name)).clone();
    let text = files.iter().map(|(path, text)| format!("# {path}\n{text}")).collect();
    Ok(Imported { tree, service, stricter, text })
}
