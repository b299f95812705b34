//! What the commands with reports have in common: a result that prints as text or as one JSON document, and what its
//! exit code is.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    process::ExitCode,
};

use policy_compiler::{
    Compiled, compile_with_model, diagnostic::Diagnostics, model::Model, source::Sources, style::Paint,
};
use serde_json::Value;

use super::{
    DiagnosticFormat, files,
    output::{self, Failure},
};

/// The result of a command.
pub(super) trait Report {
    /// For people: whole lines.
    fn text(&self, paint: Paint) -> String;

    /// For programs: one document.
    fn json(&self) -> Value;

    /// What the result means for the exit code.
    fn exit(&self) -> Exit {
        Exit::Well
    }
}

/// What a command gives: a result, or the reason why there is none.
pub(super) type Outcome = Result<Box<dyn Report>, Failure>;

/// What a result means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All is well.
    Well,
    /// The sources, the artifact or a test are wrong.
    Wrong,
    /// A comparison found a difference that matters.
    Different,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    format: DiagnosticFormat,
    diagnostics: DiagnosticFormat,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct ResultFormat {
    /// How the result is printed: for people, or as one JSON document.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: DiagnosticFormat,
}

impl Session {
    /// A run that prints like this.
    pub(super) fn new(result: &ResultFormat, diagnostics: DiagnosticFormat) -> Self {
        Self { format: result.format, diagnostics }
    }

    /// Reads the policy documents of a folder.
    pub(super) fn read(&self, folder: &Path) -> Result<Sources, Failure> {
        files::read_tree(folder)
    }

    /// Writes diagnostics to standard error.
    pub(super) fn write_diagnostics(&self, diagnostics: &Diagnostics, sources: &Sources) {
        output::diagnostics(diagnostics, sources, self.diagnostics);
    }

    /// Prints what a command gave, and ends with its exit code.
    pub(super) fn finish(&self, outcome: Outcome) -> Result<ExitCode, Failure> {
        let report = outcome?;
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let text = match self.format {
            DiagnosticFormat::Text => report.text(if colour { Paint::Coloured } else { Paint::Plain }),
            DiagnosticFormat::Json => format!("{:#}\n", report.json()),
        };
        output::result(&text)?;
        Ok(ExitCode::from(match report.exit() {
            Exit::Well => 0,
            Exit::Wrong => 1,
            Exit::Different => 3,
        }))
    }
}

/// A tree with everything that was made of it.
pub(super) struct Tree {
    pub(super) sources: Sources,
    pub(super) compiled: Compiled,
    pub(super) model: Model,
}

/// Reads and compiles a folder; the diagnostics are written.
pub(super) fn compile(folder: &Path, session: &Session) -> Result<Tree, Failure> {
    let sources = session.read(folder)?;
    match compile_with_model(&sources) {
        Ok((compiled, model)) => {
            session.write_diagnostics(&compiled.warnings, &sources);
            Ok(Tree { sources, compiled, model })
        }
        Err(diagnostics) => {
            session.write_diagnostics(&diagnostics, &sources);
            Err(Failure::Diagnostics)
        }
    }
}
