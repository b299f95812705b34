//! `policyc completions`

pub(super) mod complete;
mod scripts;
mod wanted;

use clap_complete::Shell;
use serde_json::{Value, json};

use super::output::{Outcome, Paint, Report};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc completions bash > policyc.bash
  policyc completions zsh > _policyc")]
pub(super) struct Arguments {
    /// The shell that reads the script.
    #[arg(value_enum)]
    shell: Shell,
}

struct Script {
    shell: Shell,
    text: String,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    Ok(Box::new(Script { shell: arguments.shell, text: scripts::script(arguments.shell) }))
}

impl Report for Script {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        json!({"shell": self.shell.to_string(), "script": self.text})
    }
}
