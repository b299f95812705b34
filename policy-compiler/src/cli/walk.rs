//! The files of a folder, also those that links lead to, as in a mounted ConfigMap of Kubernetes.
//!
//! What stands in the folder itself comes first, then what links lead to, in the order of their paths. A file or folder
//! that was reached already is not read again, so a circle of links ends, and what is found depends on no order of the
//! file system.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::output::Failure;

/// Deepest nesting of folders.
const MAX_FOLDER_DEPTH: usize = 32;

/// Most files of one tree. Reading them all must be possible on a small machine.
const MAX_FILES: usize = 20_000;

/// Most entries of folders that are looked at. A link can lead to the root of the file system.
const MAX_ENTRIES: usize = 200_000;

/// Returns the files with one of these endings below a folder, as paths in it, sorted. Hidden files and folders are
/// skipped.
///
/// # Errors
/// A folder or a link that cannot be read, or too many folders, files or entries.
pub(super) fn files(root: &Path, endings: &'static [&'static str]) -> Result<Vec<PathBuf>, Failure> {
    let mut walk = Walk { root, endings, seen: BTreeSet::new(), links: VecDeque::new(), found: Vec::new(), entries: 0 };
    let real = root.canonicalize().map_err(|error| Failure::io("read", root, &error))?;
    walk.folder(Path::new(""), real)?;
    while let Some(link) = walk.links.pop_front() {
        walk.link(&link)?;
    }
    // By components, so that the order is the same on every platform.
    walk.found.sort();
    Ok(walk.found)
}

struct Walk<'r> {
    root: &'r Path,
    endings: &'static [&'static str],
    /// The files and folders that were reached, by their paths without links.
    seen: BTreeSet<PathBuf>,
    /// The links that have not been followed yet.
    links: VecDeque<PathBuf>,
    found: Vec<PathBuf>,
    entries: usize,
}

impl Walk<'_> {
    /// Adds the files of a folder. `real` is its path without links.
    fn folder(&mut self, below: &Path, real: PathBuf) -> Result<(), Failure> {
        let folder = self.root.join(below);
        if below.components().count() > MAX_FOLDER_DEPTH {
            let text = format!("`{}` is nested deeper than {MAX_FOLDER_DEPTH} folders", folder.display());
            return Err(Failure::Usage(text));
        }
        if !self.seen.insert(real.clone()) {
            return Ok(());
        }
        let failed = |error| Failure::io("read", &folder, &error);
        let mut links = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.count_entry()?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
            // Kubernetes keeps what it mounts in `..data` and `..2026_01_15_12_00_00.123`.
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let path = below.join(&name);
            if kind.is_symlink() {
                links.push(path);
            } else if kind.is_dir() {
                self.folder(&path, real.join(&name))?;
            } else if kind.is_file() {
                self.file(path, real.join(&name))?;
            }
        }
        links.sort();
        self.links.extend(links);
        Ok(())
    }

    fn file(&mut self, path: PathBuf, real: PathBuf) -> Result<(), Failure> {
        if self.is_wanted(&path) && self.seen.insert(real) {
            self.found.push(path);
        }
        if self.found.len() > MAX_FILES {
            return Err(Failure::Usage(format!("`{}` has more than {MAX_FILES} files", self.root.display())));
        }
        Ok(())
    }

    /// Follows a link. One that leads nowhere is an error only where it has the name of a document.
    fn link(&mut self, path: &Path) -> Result<(), Failure> {
        let whole = self.root.join(path);
        let target = whole.canonicalize().and_then(|real| Ok((fs::metadata(&real)?, real)));
        match target {
            Ok((metadata, real)) if metadata.is_dir() => self.folder(path, real),
            Ok((metadata, real)) if metadata.is_file() => self.file(path.to_owned(), real),
            Ok(_) => Ok(()),
            Err(error) if self.is_wanted(path) => Err(match error.kind() {
                ErrorKind::NotFound => {
                    Failure::Usage(format!("the link `{}` leads to a file that does not exist", whole.display()))
                }
                _ => Failure::io("read", &whole, &error),
            }),
            Err(_) => Ok(()),
        }
    }

    fn is_wanted(&self, path: &Path) -> bool {
        path.extension().is_some_and(|ending| self.endings.iter().any(|known| ending == *known))
    }

    fn count_entry(&mut self) -> Result<(), Failure> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            let text = format!(
                "`{}` has more than {MAX_ENTRIES} files and folders; does a link lead out of it?",
                self.root.display()
            );
            return Err(Failure::Usage(text));
        }
        Ok(())
    }
}
