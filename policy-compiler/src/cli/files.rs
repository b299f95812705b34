//! Reading a source tree and the configuration of proxies, and writing an artifact.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    path::Path,
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
    let metadata = fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
    let found = metadata.is_dir();
    let paths = if found {
        walk::files(path, CONFIGURATION)?.iter().map(|below| path.join(below)).collect()
    } else {
        vec![path.to_owned()]
    };
    for path in paths {
        let bytes = read(&path, MAX_PROXY_FILE_BYTES)?;
        let file = sources.add_limited(path.display().to_string(), bytes, MAX_PROXY_FILE_BYTES);
        inputs.push(Input { file, format, found });
    }
    Ok(())
}

/// Reads at most one byte more than the compiler accepts, so that the compiler can report a file that is too large.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io("read", path, &error);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
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
