//! `policyc check`

use std::path::PathBuf;

use super::{
    DiagnosticFormat, compile_folder,
    output::{self, Failure},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, format: DiagnosticFormat) -> Result<(), Failure> {
    let tables = compile_folder(&arguments.folder, format)?.tables;
    output::result(&format!(
        "{}: {} services in {} domains, {} fields, {} rules, no errors\n",
        arguments.folder.display(),
        tables.services.len(),
        tables.domains.len(),
        tables.fields.len(),
        tables.rules.len(),
    ))
}
