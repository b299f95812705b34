//! `policyc inspect`

use std::{fs, path::PathBuf};

use context_mesh_core::artifact::load;
use policy_compiler::inspect;
use serde_json::{Value, json};

use super::output::{Failure, Outcome, Paint, Report};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  policyc inspect policy.cmx")]
pub(super) struct Arguments {
    /// The artifact.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

struct Inspected {
    text: String,
    digest: String,
    bytes: usize,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let bytes = fs::read(&arguments.file).map_err(|error| Failure::io("read", &arguments.file, &error))?;
    let wrong = |error| Failure::Artifact(format!("`{}`: {error}", arguments.file.display()));
    let text = inspect::text(&bytes).map_err(wrong)?;
    let digest = load(&bytes).map_err(wrong)?.digest().to_string();
    Ok(Box::new(Inspected { text, digest, bytes: bytes.len() }))
}

impl Report for Inspected {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        json!({"digest": self.digest, "bytes": self.bytes, "text": self.text})
    }
}
