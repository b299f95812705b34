//! `policyc build`

use std::path::PathBuf;

use super::{
    DiagnosticFormat, compile_folder, files,
    output::{self, Failure},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where the artifact goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, format: DiagnosticFormat) -> Result<(), Failure> {
    let compiled = compile_folder(&arguments.folder, format)?;
    files::replace(&arguments.output, &compiled.artifact)?;
    let (path, size) = (arguments.output.display(), compiled.artifact.len());
    output::result(&format!("{path}: {size} bytes, digest {}\n", compiled.digest))
}
