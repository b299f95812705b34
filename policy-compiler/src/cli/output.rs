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
    /// Returns the result as text, in whole lines.
    fn text(&self, paint: Paint) -> String;

    /// Returns the result as one JSON document. `docs/policyc.md` describes it for each command.
    fn json(&self) -> Value;

    /// Returns the findings of the result, besides the diagnostics that were written: for `--format sarif` and
    /// `github`.
    fn findings(&self) -> Option<(Diagnostics, &Sources)> {
        None
    }

    /// Returns the exit code of the result.
    fn exit(&self) -> Exit {
        Exit::Well
    }
}

/// The outcome of a command: a result, or the reason why there is none.
pub(super) type Outcome = Result<Box<dyn Report>, Failure>;

/// The exit codes of `policyc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Success.
    Well,
    /// The sources, the artifact or a test are wrong, or a proxy runs something else.
    Wrong,
    /// The command cannot be carried out.
    Usage,
    /// A comparison found a difference that matters.
    Different,
    /// A comparison found no difference, but could not compare everything.
    Undecided,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Well => 0,
            Exit::Wrong => 1,
            Exit::Usage => 2,
            Exit::Different => 3,
            Exit::Undecided => 4,
        })
    }
}

/// Why a command has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The sources are wrong, which has already been reported.
    Diagnostics,
    /// The artifact is wrong.
    Artifact(String),
    /// The command cannot be carried out.
    Usage(String),
}

impl Failure {
    /// Creates the failure of a file operation: the operation, the path, and the reason.
    pub(super) fn io(tried: &str, path: &Path, error: &io::Error) -> Self {
        Self::Usage(format!("cannot {tried} `{}`: {error}", path.display()))
    }

    /// Creates the failure for a wrong artifact.
    pub(super) fn artifact(error: impl std::error::Error) -> Self {
        Self::Artifact(error.to_string())
    }

    /// Creates the failure for a wrong request of the user.
    pub(super) fn usage(error: impl std::error::Error) -> Self {
        Self::Usage(error.to_string())
    }

    /// Returns the message, unless it has already been reported.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Diagnostics => None,
            Self::Artifact(message) | Self::Usage(message) => Some(message),
        }
    }

    /// Returns the exit code.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Diagnostics | Self::Artifact(_) => Exit::Wrong,
            Self::Usage(_) => Exit::Usage,
        }
    }
}

/// Writes a result. A reader that closed the pipe, such as `head`, is not an error.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}

/// Formats a count, such as `1 rule` or `2 rules`.
pub(super) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
