//! `policyc completions`

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::{Value, json};

use super::{
    Cli,
    output::{Outcome, Paint, Report},
};

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
    let mut bytes = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "policyc", &mut bytes);
    Ok(Box::new(Script { shell: arguments.shell, text: String::from_utf8_lossy(&bytes).into_owned() }))
}

impl Report for Script {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        json!({"shell": self.shell.to_string(), "script": self.text})
    }
}
