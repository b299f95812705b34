//! A folder with the layout of a mounted Kubernetes secret: all files are replaced in one step.
//!
//! ```text
//! cert.pem -> ..data/cert.pem
//! ..data   -> ..1f0c
//! ..1f0c/cert.pem
//! ```

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::error::{Context as _, Result};

/// Name of the link that is replaced.
const DATA: &str = "..data";

/// Replaces the files of `folder` by `files` (name and content). A reader sees only old files or only new ones.
///
/// # Errors
/// The folder cannot be written.
pub fn mount(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    let what = format!("cannot write `{}`", folder.display());
    fs::create_dir_all(folder).context(&what)?;
    let fresh = tempfile::Builder::new().prefix("..").tempdir_in(folder).context(&what)?.keep();
    for (name, content) in files {
        fs::write(fresh.join(name), content).context(&what)?;
    }
    let before = fs::read_link(folder.join(DATA)).ok();
    let link = folder.join("..data_tmp");
    symlink(fresh.file_name().unwrap_or_default(), &link).context(&what)?;
    fs::rename(&link, folder.join(DATA)).context(&what)?;
    for (name, _) in files {
        let file = folder.join(name);
        if fs::symlink_metadata(&file).is_err() {
            symlink(Path::new(DATA).join(name), &file).context(&what)?;
        }
    }
    match before {
        Some(before) => fs::remove_dir_all(folder.join(before)).context(what),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_replaced_by_one_link() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
        for content in ["one", "two", "three"] {
            mount(folder.path(), &[("a", content), ("b", content)]).unwrap();
            assert_eq!([read("a"), read("b")], [content, content]);
            // The folder behind the link, the link, and a link for each file.
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        }
    }
}
