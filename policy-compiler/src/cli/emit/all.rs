//! `policyc emit FORM --all`: the files of every service, and a list of their digests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use context_mesh_core::artifact::Revision;
use policy_compiler::{
    Compiled,
    pack::emit::Role,
    status::expected::{self, Entry},
};
use serde_json::{Value, json};

use super::Stamped;
use crate::cli::{
    files,
    output::{Failure, Outcome, Paint, Report, plural},
    session::Session,
};

/// Name of the list of digests.
const LIST: &str = "digests.json";

#[derive(Debug, clap::Args)]
pub(super) struct AllOption {
    /// Writes the files of every service into the folder of `--output`, and `digests.json`, a list of them.
    #[arg(long, requires = "output")]
    all: bool,
    /// The folder for the files of `--all`. It is made if it does not exist.
    #[arg(short, long, value_name = "DIR", requires = "all")]
    output: Option<PathBuf>,
}

impl AllOption {
    /// Returns the folder of the files, if there are several.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.output.as_deref().filter(|_| self.all)
    }
}

/// One service, with the slice that its files hold.
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    pub(super) is_gateway: bool,
    pub(super) slice: Stamped,
}

impl Service<'_> {
    /// Returns the roles of its filters: those of a gateway or of a sidecar, and the one after the router if it is used.
    pub(super) fn roles(&self, upstream: bool) -> Vec<Role> {
        let mut roles = if self.is_gateway { vec![Role::Gateway] } else { vec![Role::Inbound, Role::Outbound] };
        roles.extend(upstream.then_some(Role::Upstream));
        roles
    }
}

/// A file, with the roles of the filters that it configures.
pub(super) struct File {
    /// The path below the folder, with `/`.
    pub(super) path: String,
    pub(super) roles: Vec<Role>,
    pub(super) text: String,
}

/// What was written.
struct Written {
    folder: PathBuf,
    services: usize,
    revision: Option<String>,
    entries: Vec<Entry>,
    stale: Vec<String>,
}

/// Writes the files that `files` makes of each service, and then the list. Each is replaced as a whole.
pub(super) fn write(
    folder: &Path,
    compiled: &Compiled,
    revision: Option<&Revision>,
    session: &Session,
    mut files_of: impl FnMut(&Service<'_>) -> Result<Vec<File>, Failure>,
) -> Outcome {
    let names: Vec<&str> = compiled.tables.services.iter().map(|service| service.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| name.starts_with('.') || **name == LIST) {
        return Err(Failure::Usage(format!("the service `{name}` cannot be the name of a file; leave `--all` out")));
    }
    let before = listed(&folder.join(LIST));
    let mut entries = Vec::new();
    for name in &names {
        let slice = Stamped::slice(compiled, name, revision)?;
        let is_gateway = compiled.gateways.iter().any(|gateway| gateway == name);
        let service = Service { name, is_gateway, slice };
        for File { path, roles, text } in files_of(&service)? {
            let target = folder.join(&path);
            let parent = target.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(|error| Failure::io("make", parent, &error))?;
            files::replace(&target, text.as_bytes())?;
            entries.extend(roles.into_iter().map(|role| Entry {
                service: (*name).to_owned(),
                role: role.as_str().to_owned(),
                file: Some(path.clone()),
                digest: service.slice.digest.clone(),
                revision: revision.map(|revision| revision.as_str().to_owned()),
            }));
        }
    }
    fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder, &error))?;
    let list = expected::to_json(&mut entries);
    files::replace(&folder.join(LIST), format!("{list:#}\n").as_bytes())?;
    let mut stale: Vec<String> =
        before.into_iter().filter(|path| !entries.iter().any(|entry| entry.file.as_ref() == Some(path))).collect();
    stale.sort();
    stale.dedup();
    for path in &stale {
        session.warn(&format!(
            "`{}` is of an earlier run, and no service needs it now; remove it",
            folder.join(path).display()
        ));
    }
    let revision = revision.map(|revision| revision.as_str().to_owned());
    Ok(Box::new(Written { folder: folder.to_owned(), services: names.len(), revision, entries, stale }))
}

/// Returns the files that an earlier run listed and that are still there.
fn listed(list: &Path) -> Vec<String> {
    let entries = fs::read(list).ok().and_then(|bytes| expected::parse(&bytes).ok()).unwrap_or_default();
    let folder = list.parent().unwrap_or(list);
    entries.into_iter().filter_map(|entry| entry.file).filter(|path| folder.join(path).is_file()).collect()
}

impl Report for Written {
    fn text(&self, _: Paint) -> String {
        let mut paths: Vec<&String> = self.entries.iter().filter_map(|entry| entry.file.as_ref()).collect();
        paths.dedup();
        let revision =
            self.revision.as_deref().map_or_else(|| "no revision".to_owned(), |name| format!("revision {name}"));
        let (files, services) = (plural(paths.len(), "file"), plural(self.services, "service"));
        format!("{}: {files} for {services}, {revision}\n", self.folder.join(LIST).display())
    }

    fn json(&self) -> Value {
        json!({
            "folder": self.folder.display().to_string(),
            "list": self.folder.join(LIST).display().to_string(),
            "revision": self.revision,
            "files": expected::to_json(&mut self.entries.clone()),
            "stale": self.stale,
        })
    }
}
