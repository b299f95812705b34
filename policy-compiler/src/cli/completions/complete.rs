//! `policyc __complete`: what the word at the cursor may become. The scripts of `policyc completions` call it.
//!
//! It prints one candidate a line and ends with 0, whatever happens: a person who types needs no messages. A tree that
//! is large or broken has no candidates.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use policy_compiler::{
    read::document::{self, Documents},
    report::{
        diagnostic::{Diagnostics, code},
        source::Sources,
    },
};

use super::super::{Cli, files, walk};
use super::wanted::{self, Wanted};

/// Most files of a tree whose names are offered.
const MAX_FILES: usize = 2_000;

/// Most bytes of these files.
const MAX_BYTES: u64 = 8 << 20;

/// Most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 5_000;

/// Returns the candidates, one a line, if the arguments are `policyc __complete -- WORDS`. The words are those after
/// `policyc` up to the cursor; the last one is completed. No command of clap, which would suggest it to people.
pub(in crate::cli) fn asked(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut arguments = arguments.skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let asked = arguments.next().as_deref() == Some("__complete") && arguments.next().as_deref() == Some("--");
    asked.then(|| candidates(&arguments.collect::<Vec<_>>()))
}

fn candidates(words: &[String]) -> String {
    let mut command = Cli::command();
    command.build();
    let Some(wanted) = wanted::wanted(&command, words) else { return String::new() };
    let mut names = match wanted.what {
        Wanted::Folder => folders(&wanted.begun),
        Wanted::Code => code::TABLE.iter().map(|(id, _)| (*id).to_owned()).collect(),
        what => {
            documents(Path::new(wanted.tree.as_deref().unwrap_or("."))).map(|all| names(&all, what)).unwrap_or_default()
        }
    };
    names.retain(|name| name.starts_with(&wanted.begun) && !name.contains(char::is_control));
    names.sort();
    names.dedup();
    names.iter().map(|name| format!("{}{name}\n", wanted.prefix)).collect()
}

/// Returns the folders whose path begins like this.
fn folders(begun: &str) -> Vec<String> {
    let (parent, hidden) = match begun.rsplit_once('/') {
        Some((parent, name)) => (format!("{parent}/"), name.starts_with('.')),
        None => (String::new(), begun.starts_with('.')),
    };
    let from = if parent.is_empty() { Path::new(".") } else { Path::new(&parent) };
    let Ok(entries) = fs::read_dir(from) else { return Vec::new() };
    let folder = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let shown = (hidden || !name.starts_with('.')) && entry.path().is_dir();
        shown.then(|| format!("{parent}{name}/"))
    };
    entries.take(MAX_ENTRIES).filter_map(Result::ok).filter_map(folder).collect()
}

/// Reads the documents of a tree as far as they can be read.
fn documents(folder: &Path) -> Option<Documents> {
    let paths: Vec<PathBuf> = walk::files(folder, files::DOCUMENTS).ok()?;
    let mut left = MAX_BYTES;
    let mut sources = Sources::new("");
    if paths.len() > MAX_FILES {
        return None;
    }
    for path in paths {
        let whole = folder.join(&path);
        left = left.checked_sub(fs::metadata(&whole).ok()?.len())?;
        sources.add(path.display().to_string(), fs::read(&whole).ok()?);
    }
    Some(document::read(&sources, &mut Diagnostics::new(), &mut |_| {}))
}

fn names(documents: &Documents, what: Wanted) -> Vec<String> {
    let domains = || documents.meshes.iter().flat_map(|mesh| &mesh.domains);
    match what {
        Wanted::Service => domains().flat_map(|domain| &domain.services).map(|of| of.name.value.clone()).collect(),
        Wanted::Domain => domains().map(|domain| domain.name.value.clone()).collect(),
        Wanted::Field => {
            let fields = documents.schemas.iter().flat_map(|schema| &schema.fields);
            fields.map(|field| field.name.value.clone()).collect()
        }
        Wanted::Test => {
            let named =
                documents.tests.iter().filter_map(|document| Some((document.metadata.name.as_ref()?, document)));
            let tests = named.flat_map(|(document, all)| all.tests.iter().map(move |test| (document, test)));
            let name = |(document, test): (&policy_compiler::report::source::Spanned<String>, &document::Test)| {
                Some(format!("{}/{}", document.value, test.name.as_ref()?.value))
            };
            tests.filter_map(name).collect()
        }
        Wanted::Folder | Wanted::Code => Vec::new(),
    }
}
