//! A policy tree for the meshes of this crate: compiled, and passed to each filter as its plugin configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use context_mesh_core::artifact::tables::Tables;
use context_mesh_core::pipeline;
use context_mesh_core::plugin_config::PluginConfig;
use policy_compiler::check::lock;
use policy_compiler::report::source::Sources;
use policy_compiler::{Compiled, Slice};

use crate::error::{Context as _, Error, Result};
use crate::topology::{Role, Topology};

/// The variable with the path of the filter's .wasm; the Makefile sets it.
pub const FILTER_VARIABLE: &str = "CONTEXT_MESH_FILTER";
/// Deepest nesting of the folders of a tree.
const MAX_DEPTH: usize = 16;
/// Most files of a tree.
const MAX_FILES: usize = 10_000;

/// A compiled policy tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The tables of the artifact.
    pub tables: Tables,
    /// The bytes that the filter loads.
    pub artifact: Vec<u8>,
    /// The digest of the artifact, in hex.
    pub digest: String,
    /// The warnings of the compiler as text; empty if there are none.
    pub warnings: String,
    /// What the filters are told about the routes. The routes of the shipped bootstraps match no header that the filter
    /// changes.
    pub routing: pipeline::Routing,
    /// The input for slices.
    compiled: Arc<Compiled>,
}

impl Policy {
    /// Compiles the `.yaml` and `.yml` files of `folder` and its subfolders, in the order of their paths.
    ///
    /// # Errors
    /// A file cannot be read, or the sources are invalid. The error is the compiler's whole report.
    pub fn compile(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(folder, MAX_DEPTH, &mut files)?;
        files.sort();
        let mut sources = Sources::new(folder.to_string_lossy());
        for file in files {
            let text = std::fs::read(&file).context(format_args!("cannot read `{}`", file.display()))?;
            let name = file.strip_prefix(folder).unwrap_or(&file);
            sources.add(name.to_string_lossy(), text);
        }
        let lock = folder.join(lock::FILE_NAME);
        if lock.is_file() {
            let text = std::fs::read(&lock).context(format_args!("cannot read `{}`", lock.display()))?;
            sources.set_lock(lock::FILE_NAME, text);
        }
        Self::of(&sources)
    }

    /// Compiles a tree from one text, for tests that contain their policies.
    ///
    /// # Errors
    /// The source is invalid. The error is the compiler's whole report.
    pub fn from_text(text: &str) -> Result<Self> {
        let mut sources = Sources::new("policy");
        sources.add("policy.yaml", text);
        Self::of(&sources)
    }

    /// Compiles a tree from the paths and texts of its files.
    ///
    /// # Errors
    /// The same as for [`Policy::from_text`].
    pub fn from_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Self> {
        let mut sources = Sources::new("policy");
        for (path, text) in files {
            sources.add(path, text);
        }
        Self::of(&sources)
    }

    /// Compiles a tree like [`Policy::from_text`], with a lock file.
    ///
    /// # Errors
    /// The same as for [`Policy::from_text`].
    pub fn from_text_and_lock(text: &str, lock: &str) -> Result<Self> {
        let mut sources = Sources::new("policy");
        sources.add("policy.yaml", text);
        sources.set_lock(lock::FILE_NAME, lock);
        Self::of(&sources)
    }

    /// Compiles the tree of the demo, `examples/shop`.
    ///
    /// # Errors
    /// The same as for [`Policy::compile`].
    pub fn shop() -> Result<Self> {
        Self::compile(&shop_folder())
    }

    fn of(sources: &Sources) -> Result<Self> {
        match policy_compiler::compile(sources) {
            Ok(compiled) => Ok(Self {
                tables: compiled.tables.clone(),
                artifact: compiled.artifact.clone(),
                digest: compiled.digest.clone(),
                warnings: compiled.warnings.to_text(sources),
                routing: pipeline::Routing::Fixed,
                compiled: Arc::new(compiled),
            }),
            Err(diagnostics) => {
                let report = diagnostics.to_text(sources);
                Err(Error::new(format!("`{}` does not compile:\n{report}", sources.origin())))
            }
        }
    }

    /// Returns the same policies, for filters with this setting of the routes.
    #[must_use]
    pub fn with_routing(self, routing: pipeline::Routing) -> Self {
        Self { routing, ..self }
    }

    /// Returns the same policies with the artifact of one service, as `policyc build --service` writes it.
    ///
    /// # Errors
    /// The mesh has no such service.
    pub fn slice(&self, service: &str) -> Result<Self> {
        let Slice { tables, artifact, digest } =
            self.compiled.slice(service).map_err(|error| Error::new(error.to_string()))?;
        Ok(Self { tables, artifact, digest, ..self.clone() })
    }

    /// Returns the plugin configuration of the filter of `service` in `role`.
    pub fn configuration(&self, service: &str, role: Role) -> String {
        let role = match role {
            Role::Inbound => pipeline::Role::Inbound,
            Role::Outbound => pipeline::Role::Outbound,
            Role::Gateway => pipeline::Role::Gateway,
            Role::Egress => pipeline::Role::Egress,
            Role::Upstream => pipeline::Role::Upstream,
        };
        let (artifact, service, routing) = (self.artifact.clone(), Some(service.to_owned()), self.routing);
        PluginConfig { artifact, service, role: Some(role), routing }.to_json()
    }
}

impl Policy {
    /// Writes the plugin configuration of every filter of `topology` into `folder`, as `<service>.<role>.json`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_configurations(&self, topology: &Topology, folder: &Path) -> Result<()> {
        let services = topology.services.iter().map(|service| service.name.as_str());
        let edges = topology.gateway.iter().map(|gateway| gateway.name.as_str());
        let edges = edges.chain(topology.egress.iter().map(|egress| egress.name.as_str()));
        for service in services.chain(edges) {
            for role in topology.roles(service) {
                let file = folder.join(format!("{service}.{role}.json"));
                std::fs::write(&file, self.configuration(service, *role))
                    .context(format_args!("cannot write `{}`", file.display()))?;
            }
        }
        Ok(())
    }
}

/// Returns the folder of the demo's policies and requests.
pub fn shop_folder() -> PathBuf {
    workspace().join("examples/shop")
}

/// Returns the path of the filter's .wasm: `$CONTEXT_MESH_FILTER`, otherwise the output of `make filter`.
///
/// # Errors
/// There is no such file.
pub fn filter() -> Result<PathBuf> {
    let built = || workspace().join("target/wasm32-wasip1/filter/context_mesh_filter.wasm");
    let file = std::env::var_os(FILTER_VARIABLE).map_or_else(built, PathBuf::from);
    if file.is_file() {
        Ok(file)
    } else {
        let advice = format!("build it with `make filter`, or set `${FILTER_VARIABLE}`");
        Err(Error::new(format!("the filter `{}` is not there; {advice}", file.display())))
    }
}

/// Returns the folder of this checkout without `..`, for paths that people read.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let what = format!("cannot read the folder `{}`", folder.display());
    if depth == 0 {
        return Err(Error::new(format!("{what}: it lies more than {MAX_DEPTH} folders deep")));
    }
    for entry in std::fs::read_dir(folder).context(&what)? {
        let entry = entry.context(&what)?;
        let (path, kind) = (entry.path(), entry.file_type().context(&what)?);
        if kind.is_dir() {
            collect(&path, depth.saturating_sub(1), files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(Error::new(format!("{what}: there are more than {MAX_FILES} policy files")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_compiles_and_its_configuration_reads_back() {
        let policy = Policy::shop().unwrap();
        assert_eq!(policy.digest.len(), 64);
        let configuration = policy.configuration("ledger", Role::Outbound);
        let read = PluginConfig::parse(configuration.as_bytes()).unwrap();
        assert_eq!(read.artifact, policy.artifact);
        assert_eq!((read.service.as_deref(), read.role), (Some("ledger"), Some(pipeline::Role::Outbound)));
    }

    #[test]
    fn a_slice_says_whose_it_is() {
        let policy = Policy::shop().unwrap();
        assert_eq!(policy.slice("ledger").unwrap().tables.mesh.slice, "ledger");
        let error = policy.slice("ledgr").unwrap_err().to_string();
        assert!(error.contains("the mesh has no service `ledgr`"), "{error}");
    }

    #[test]
    fn each_filter_of_a_mesh_gets_its_file() {
        let folder = tempfile::tempdir().unwrap();
        Policy::shop().unwrap().write_configurations(&Topology::shop(), folder.path()).unwrap();
        let file = std::fs::read(folder.path().join("shop-gateway.gateway.json")).unwrap();
        assert_eq!(PluginConfig::parse(&file).unwrap().service.as_deref(), Some("shop-gateway"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 9, "two for each of four services, and one");
    }

    #[test]
    fn what_is_wrong_with_a_tree_is_said_in_full() {
        let error = Policy::from_text("kind: [").unwrap_err().to_string();
        assert!(error.starts_with("`policy` does not compile:\n") && error.contains("policy.yaml"), "{error}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Policy::compile(Path::new("/no/such/tree")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the folder `/no/such/tree`"), "{error}");
    }
}
