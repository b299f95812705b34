//! `policyc inspect`

use std::{fs, path::PathBuf};

use policy_compiler::show::inspect;
use serde_json::Value;

use super::output::{Failure, Outcome, Paint, Report};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  policyc inspect policy.cmx\n  policyc inspect policy.cmx --format json")]
pub(super) struct Arguments {
    /// The artifact.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

struct Inspected {
    text: String,
    json: Value,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let bytes = fs::read(&arguments.file).map_err(|error| Failure::io("read", &arguments.file, &error))?;
    let wrong = |error| Failure::Artifact(format!("`{}`: {error}", arguments.file.display()));
    let (text, json) = (inspect::text(&bytes).map_err(wrong)?, inspect::json(&bytes).map_err(wrong)?);
    Ok(Box::new(Inspected { text, json }))
}

impl Report for Inspected {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        self.json.clone()
    }
}
