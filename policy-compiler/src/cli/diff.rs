//! `policyc diff`

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy_compiler::{
    report::style::Paint,
    show::diff::{self, Change, Impact, Version, changes, impact},
};
use serde_json::Value;

use super::{
    eval,
    output::{Exit, Failure, Outcome, Report},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc diff old policies
  policyc diff policy.cmx policies --requests access.log

Ends with 3 when a recorded request is decided differently: refused or not, by another rule or with
another answer, or going on with another context or other headers. Changed rules alone end with 0.

An access log holds no values. What is known decides what it can; a request that depends on the rest
is unknown, and one that OLD does not decide as it was recorded cannot be replayed. If there are such
requests, and none is decided differently, it ends with 4.")]
pub(super) struct Arguments {
    /// The old version: a folder, or an artifact.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new version: a folder, or an artifact.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Recorded requests, one JSON object a line: as for `policyc eval`, or from an access log; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
}

struct Compared {
    changes: Vec<Change>,
    impact: Option<Impact>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let (old, new) = (version(&arguments.old, session)?, version(&arguments.new, session)?);
    let impact = match &arguments.requests {
        None => None,
        Some(path) => {
            let requests = eval::requests(path, &old.world(&new), session)?;
            Some(impact(&old, &new, &requests).map_err(Failure::artifact)?)
        }
    };
    Ok(Box::new(Compared { changes: changes(&old, &new), impact }))
}

fn version(path: &Path, session: &Session) -> Result<Version, Failure> {
    if path.is_dir() {
        let tree = session.compile_tree(path)?;
        return Ok(Version::of_tree(tree.compiled, &tree.model));
    }
    let bytes = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    Version::of_artifact(bytes).map_err(|error| Failure::Artifact(format!("`{}`: {error}", path.display())))
}

impl Report for Compared {
    fn text(&self, paint: Paint) -> String {
        diff::text::render(&self.changes, self.impact.as_ref(), paint)
    }

    fn json(&self) -> Value {
        diff::json::document(&self.changes, self.impact.as_ref())
    }

    fn exit(&self) -> Exit {
        match &self.impact {
            Some(impact) if !impact.differences.is_empty() => Exit::Different,
            Some(impact) if !impact.undecided.is_empty() => Exit::Undecided,
            _ => Exit::Well,
        }
    }
}
