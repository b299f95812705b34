//! The folder of an imported tree. All files are written, or none.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use policy_compiler::import::convert::File;

use crate::cli::output::Failure;

/// A folder into which a tree may be written.
pub(super) struct Target<'a> {
    folder: &'a Path,
}

/// The names of the files.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) new: Vec<String>,
    /// Files that were there with the same text.
    pub(super) kept: Vec<String>,
}

impl<'a> Target<'a> {
    /// Returns the folder if it is empty, does not exist, or `force` is set. Nothing is created yet.
    pub(super) fn new(folder: &'a Path, force: bool) -> Result<Self, Failure> {
        let used = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Failure::io("read", folder, &error)),
        };
        if used && !force {
            let text = format!(
                "`{}` is not empty; name a new folder, and compare both with `policyc diff`, or add what is missing \
                 there with `--force`",
                folder.display()
            );
            return Err(Failure::Usage(text));
        }
        Ok(Self { folder })
    }

    /// Writes the files. If one exists with another text, or cannot be written, there is none of them afterwards.
    pub(super) fn write(&self, files: &[File]) -> Result<Written, Failure> {
        let mut written = Written::default();
        for file in files {
            match fs::read(self.folder.join(&file.path)) {
                Ok(bytes) if bytes == file.text.as_bytes() => written.kept.push(file.path.clone()),
                Ok(_) => return Err(self.taken(&file.path)),
                Err(_) => written.new.push(file.path.clone()),
            }
        }
        let mut made: Vec<PathBuf> = Vec::new();
        for file in files.iter().filter(|file| written.new.contains(&file.path)) {
            let path = self.folder.join(&file.path);
            if let Err(failure) = self.write_new(file, &path, &mut made) {
                for path in made {
                    // Only the first failure matters.
                    let _ = fs::remove_file(path);
                }
                return Err(failure);
            }
        }
        Ok(written)
    }

    fn write_new(&self, file: &File, path: &Path, made: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let parent = path.parent().unwrap_or(self.folder);
        fs::create_dir_all(parent).map_err(|error| Failure::io("make", parent, &error))?;
        let created = fs::OpenOptions::new().write(true).create_new(true).open(path);
        let mut created = created.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.taken(&file.path),
            _ => Failure::io("write", path, &error),
        })?;
        made.push(path.to_owned());
        created.write_all(file.text.as_bytes()).map_err(|error| Failure::io("write", path, &error))
    }

    fn taken(&self, path: &str) -> Failure {
        let path = self.folder.join(path);
        Failure::Usage(format!("`{}` exists with another text; nothing is written", path.display()))
    }
}
