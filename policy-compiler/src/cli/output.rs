//! Standard output, standard error and exit codes.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use policy_compiler::{
    diagnostic::{Diagnostics, json, text},
    source::Sources,
};

use super::DiagnosticFormat;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The sources are wrong, and that has been said.
    Diagnostics,
    /// The artifact is wrong.
    Artifact(String),
    /// The command cannot be carried out.
    Usage(String),
    /// A comparison found what must not be, and that has been said.
    Different,
}

impl Failure {
    /// A failure of a file operation: what was tried, on which path, and why it did not work.
    pub(super) fn io(tried: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::Usage(format!("cannot {tried} `{}`: {error}", path.display()))
    }

    /// Says what has not been said yet, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::Diagnostics => ExitCode::from(1),
            Self::Different => ExitCode::from(3),
            Self::Artifact(message) => {
                error_line(message);
                ExitCode::from(1)
            }
            Self::Usage(message) => {
                error_line(message);
                ExitCode::from(2)
            }
        }
    }
}

fn error_line(message: impl Display) {
    // Nothing can be done for a reader that is gone.
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// Writes a result. A reader that closed the pipe, such as `head`, is no failure.
pub(super) fn result(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes diagnostics, in colour on a terminal unless `NO_COLOR` is set.
pub(super) fn diagnostics(diagnostics: &Diagnostics, sources: &Sources, format: DiagnosticFormat) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let rendered = match format {
        DiagnosticFormat::Json => json::render(diagnostics, sources),
        DiagnosticFormat::Text if colour => text::render(diagnostics, sources, text::Style::Coloured),
        DiagnosticFormat::Text => text::render(diagnostics, sources, text::Style::Plain),
    };
    let _ = io::stderr().write_all(rendered.as_bytes());
}
