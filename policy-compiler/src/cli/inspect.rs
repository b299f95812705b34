//! `policyc inspect`

use std::{fs, path::PathBuf};

use policy_compiler::inspect;

use super::output::{self, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The artifact.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bytes = fs::read(&arguments.file).map_err(|error| Failure::io("read", &arguments.file, &error))?;
    let text =
        inspect::text(&bytes).map_err(|error| Failure::Artifact(format!("`{}`: {error}", arguments.file.display())))?;
    output::result(&text)
}
