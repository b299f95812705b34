//! The policies of the proxies with Context Mesh.

use std::path::Path;

use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::{Policy, shop_folder};

use super::chains::Proxy;
use super::proxies::TENANT_HEADER;
use crate::rule_sets::{self, Condition, Read, Set};

/// A memory that is soon full, because a request is remembered for a while after its end. Afterwards, the next round
/// finds it empty.
const SMALL_MEMORY: &str = "  memory: {slots: 1024, grace: 8s}\n";
/// Number of requests that certainly fill it.
pub const FILLS_MEMORY: usize = 1500;

/// Returns the policies of a proxy with Context Mesh, or `None` for other proxies.
///
/// # Errors
/// They do not compile, or the files of the demo cannot be copied to `folder`.
pub fn of(proxy: Proxy, folder: &Path) -> Result<Option<Policy>> {
    let rules = |conditions: &[Condition]| Policy::from_text(&rule_sets::tree(conditions));
    Ok(Some(match proxy {
        Proxy::Propagate => rules(&[])?,
        Proxy::Shop => Policy::shop()?,
        Proxy::ShopFull => {
            copy_with_small_memory(&shop_folder(), folder)?;
            Policy::compile(folder)?
        }
        Proxy::Enforce(count) => {
            let tenant = Read::Header(TENANT_HEADER);
            let conditions = (0..count).map(|number| rule_sets::tenant_and_path(tenant, number));
            rules(&conditions.collect::<Vec<_>>())?
        }
        Proxy::Rules(set, count) => rules(&set.conditions(count))?,
        Proxy::RulesFull(count) => {
            let tree = rule_sets::tree(&Set::Uniform.conditions(count));
            Policy::from_text(&with_small_memory(&tree))?
        }
        _ => return Ok(None),
    }))
}

/// Returns the program of the policies, whose words contexts are written with.
///
/// # Errors
/// The artifact does not load, which would be a bug.
pub fn program(policy: &Policy) -> Result<VerifiedProgram> {
    artifact::load(&policy.artifact).map_err(|error| Error::new(error.to_string()))
}

/// Returns a tree whose mesh has a small memory.
fn with_small_memory(tree: &str) -> String {
    let spec = "kind: Mesh\n";
    match tree.split_once(spec).and_then(|(head, rest)| Some((head, rest.split_once("spec:\n")?))) {
        Some((head, (between, rest))) => format!("{head}{spec}{between}spec:\n{SMALL_MEMORY}{rest}"),
        None => tree.to_owned(),
    }
}

/// Copies a tree, and gives its mesh a small memory.
fn copy_with_small_memory(from: &Path, to: &Path) -> Result<()> {
    let wrap = |problem: std::io::Error| Error::new(format!("cannot copy `{}`: {problem}", from.display()));
    std::fs::create_dir_all(to).map_err(wrap)?;
    for entry in std::fs::read_dir(from).map_err(wrap)? {
        let (from, name) = entry.map(|entry| (entry.path(), entry.file_name())).map_err(wrap)?;
        if from.is_dir() {
            copy_with_small_memory(&from, &to.join(name))?;
        } else if from.extension().is_some_and(|extension| extension == "yaml" || extension == "lock") {
            let text = std::fs::read_to_string(&from).map_err(wrap)?;
            std::fs::write(to.join(name), with_small_memory(&text)).map_err(wrap)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_compiles() {
        let folder = tempfile::tempdir().unwrap();
        let full = of(Proxy::ShopFull, folder.path()).unwrap().unwrap();
        assert_ne!(full.digest, Policy::shop().unwrap().digest);
        for proxy in [Proxy::Propagate, Proxy::Enforce(10), Proxy::RulesFull(10), Proxy::Rules(Set::Mixed, 10)] {
            let policy = of(proxy, folder.path()).unwrap().unwrap();
            assert_eq!(policy.warnings, "", "{proxy:?}");
            program(&policy).unwrap();
        }
        assert_eq!(of(Proxy::Bare, folder.path()).unwrap(), None);
    }
}
