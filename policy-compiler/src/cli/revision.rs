//! The revision of a build: what `--revision` says, or else the commit of the tree.

use std::path::Path;

use context_mesh_core::artifact::{Revision, with_revision};

use super::{git, output::Failure, session::Session};

#[derive(Debug, clap::Args)]
pub(super) struct RevisionOption {
    /// The version of the sources, which filters report with the artifact. Default: the git commit of DIR, with
    /// `-dirty` if files in DIR differ from it.
    #[arg(long, value_name = "REV", value_parser = parse)]
    revision: Option<Revision>,
    /// Builds without a revision, even if DIR has a git commit.
    #[arg(long, conflicts_with = "revision")]
    no_revision: bool,
}

fn parse(text: &str) -> Result<Revision, String> {
    Revision::parse(text).map_err(|error| error.to_string())
}

impl RevisionOption {
    /// Returns the revision of a tree. If git fails, this is reported, and there is no revision.
    pub(super) fn of(&self, folder: &Path, session: &Session) -> Option<Revision> {
        if self.revision.is_some() || self.no_revision {
            return self.revision.clone();
        }
        let commit = match git::commit(folder) {
            Ok(commit) => commit?,
            Err(reason) => {
                let folder = folder.display();
                session.warn(&format!("`{folder}` gets no revision: {reason}; name one with `--revision`"));
                return None;
            }
        };
        let dirty = if commit.dirty { "-dirty" } else { "" };
        Revision::parse(&format!("{}{dirty}", commit.name)).ok()
    }
}

/// Returns the artifact with this revision.
pub(super) fn stamped(artifact: &[u8], revision: Option<&Revision>) -> Result<Vec<u8>, Failure> {
    with_revision(artifact, revision).map_err(Failure::artifact)
}
