//! Reading a source tree and the configuration of proxies, and writing an artifact.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use policy_compiler::{
    check::lock::FILE_NAME,
    report::source::{MAX_FILE_BYTES, MAX_PROXY_FILE_BYTES, Sources},
    routes::{Format, Input},
};

use super::{output::Failure, progress::Display, walk};

/// File extensions of policy documents.
pub(super) const DOCUMENTS: &[&str] = &["yaml", "yml"];

/// File extensions of proxy configuration.
const CONFIGURATION: &[&str] = &["yaml", "yml", "json"];

/// Reads all `.yaml` and `.yml` files below the folder, sorted by path, each once. Links are followed; hidden files
/// and folders are skipped.
pub(super) fn read_tree(folder: &Path, progress: &mut Display) -> Result<Sources, Failure> {
    let metadata = fs::metadata(folder).map_err(|error| Failure::io("read", folder, &error))?;
    if !metadata.is_dir() {
        return Err(Failure::Usage(format!("`{}` is not a folder", folder.display())));
    }
    let paths = walk::files(folder, DOCUMENTS)?;
    let mut sources = Sources::new(folder.display().to_string());
    let total = paths.len();
    for (done, path) in paths.into_iter().enumerate() {
        progress.show("reading files", done, total);
        let bytes = read(&folder.join(&path), MAX_FILE_BYTES)?;
        let names: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        sources.add(names.join("/"), bytes);
    }
    if let Some(bytes) = read_lock(&folder.join(FILE_NAME))? {
        sources.set_lock(FILE_NAME, bytes);
    }
    Ok(sources)
}

/// Reads the lock file, if there is one.
pub(super) fn read_lock(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => read(path, MAX_FILE_BYTES).map(Some),
        Ok(_) => Err(Failure::Usage(format!("`{}` is not a file", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

/// Adds a file with the configuration of a proxy, or all files of a folder that may be one, with their expected
/// content.
pub(super) fn read_proxies(
    path: &Path,
    format: Format,
    sources: &mut Sources,
    inputs: &mut Vec<Input>,
) -> Result<(), Failure> {
    let (paths, found) = configuration(path)?;
    for path in paths {
        let bytes = read(&path, MAX_PROXY_FILE_BYTES)?;
        let file = sources.add_limited(path.display().to_string(), bytes, MAX_PROXY_FILE_BYTES);
        inputs.push(Input { file, format, found });
    }
    Ok(())
}

/// Returns a file, or all files of a folder that may be configuration, and whether it is a folder.
fn configuration(path: &Path) -> Result<(Vec<PathBuf>, bool), Failure> {
    let metadata = fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
    if !metadata.is_dir() {
        return Ok((vec![path.to_owned()], false));
    }
    Ok((walk::files(path, CONFIGURATION)?.iter().map(|below| path.join(below)).collect(), true))
}

/// Manifests of Kubernetes. A file that is reached several times is read once.
#[derive(Default)]
pub(super) struct Manifests {
    pub(super) sources: Sources,
    /// The paths without links; an empty one is standard input.
    seen: BTreeSet<PathBuf>,
}

impl Manifests {
    /// Adds a file, all files of a folder that may be manifests, or standard input for `-`.
    pub(super) fn add(&mut self, path: &Path) -> Result<(), Failure> {
        if path == Path::new("-") {
            if self.seen.insert(PathBuf::new()) {
                let bytes = read_limited(io::stdin(), MAX_PROXY_FILE_BYTES);
                let bytes = bytes.map_err(|error| Failure::Usage(format!("cannot read standard input: {error}")))?;
                self.sources.add_limited("standard input", bytes, MAX_PROXY_FILE_BYTES);
            }
            return Ok(());
        }
        for path in configuration(path)?.0 {
            let real = path.canonicalize().map_err(|error| Failure::io("read", &path, &error))?;
            if self.seen.insert(real) {
                let bytes = read(&path, MAX_PROXY_FILE_BYTES)?;
                self.sources.add_limited(path.display().to_string(), bytes, MAX_PROXY_FILE_BYTES);
            }
        }
        Ok(())
    }
}

/// Reads at most one byte more than the compiler accepts, so that the compiler can report a file that is too large.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    fs::File::open(path).and_then(|file| read_limited(file, limit)).map_err(|error| Failure::io("read", path, &error))
}

fn read_limited(from: impl io::Read, limit: usize) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file atomically: a reader sees the old content or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::io("write", path, &error);
    let name = path.file_name().ok_or_else(|| Failure::Usage(format!("`{}` is not a file name", path.display())))?;
    let mut temporary = name.to_os_string();
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It may not even exist; only the first error matters.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}
