//! Results, failures and exit codes.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

pub(super) use policy_compiler::report::style::Paint;
use policy_compiler::report::{diagnostic::Diagnostics, source::Sources};
use serde_json::Value;

/// The result of a command.
pub(super) trait Report {
    /// For people: whole lines.
    fn text(&self, paint: Paint) -> String;

    /// For programs: one document. `docs/policyc.md` says what each command gives.
    fn json(&self) -> Value;

    /// What the result finds beside the diagnostics that were written: for `--format sarif` and `github`.
    fn findings(&self) -> Option<(Diagnostics, &Sources)> {
        None
    }

    /// What the result means for the exit code.
    fn exit(&self) -> Exit {
        Exit::Well
    }
}

/// What a command gives: a result, or the reason why there is none.
pub(super) type Outcome = Result<Box<dyn Report>, Failure>;

/// The exit codes of `policyc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All is well.
    Well,
    /// The sources, the artifact or a test are wrong.
    Wrong,
    /// The command cannot be carried out.
    Usage,
    /// A comparison found a difference that matters.
    Different,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Well => 0,
            Exit::Wrong => 1,
            Exit::Usage => 2,
            Exit::Different => 3,
        })
    }
}

/// Why a command has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The sources are wrong, and that has been said.
    Diagnostics,
    /// The artifact is wrong.
    Artifact(String),
    /// The command cannot be carried out.
    Usage(String),
}

impl Failure {
    /// A failure of a file operation: what was tried, on which path, and why it did not work.
    pub(super) fn io(tried: &str, path: &Path, error: &io::Error) -> Self {
        Self::Usage(format!("cannot {tried} `{}`: {error}", path.display()))
    }

    /// A failure of the artifact.
    pub(super) fn artifact(error: impl std::error::Error) -> Self {
        Self::Artifact(error.to_string())
    }

    /// A failure of what the user asked for.
    pub(super) fn usage(error: impl std::error::Error) -> Self {
        Self::Usage(error.to_string())
    }

    /// What has not been said yet.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Diagnostics => None,
            Self::Artifact(message) | Self::Usage(message) => Some(message),
        }
    }

    /// The exit code that fits.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Diagnostics | Self::Artifact(_) => Exit::Wrong,
            Self::Usage(_) => Exit::Usage,
        }
    }
}

/// Writes a result. A reader that closed the pipe, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}

/// So many of something, such as `1 rule` or `2 rules`.
pub(super) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
