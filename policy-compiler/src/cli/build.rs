//! `policyc build`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    Tree, files,
    output::{Outcome, Paint, Report},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  policyc build policies -o policy.cmx")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// Where the artifact goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

struct Built {
    file: String,
    bytes: usize,
    digest: String,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let compiled = session.compile(&arguments.tree.folder)?;
    files::replace(&arguments.output, &compiled.artifact)?;
    let file = arguments.output.display().to_string();
    Ok(Box::new(Built { file, bytes: compiled.artifact.len(), digest: compiled.digest }))
}

impl Report for Built {
    fn text(&self, _: Paint) -> String {
        format!("{}: {} bytes, digest {}\n", self.file, self.bytes, self.digest)
    }

    fn json(&self) -> Value {
        json!({"file": self.file, "bytes": self.bytes, "digest": self.digest})
    }
}
