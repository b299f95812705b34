//! What holds for one run of `policyc`: how it prints, and where.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::ValueEnum;
use policy_compiler::{
    Checked, Compiled,
    check::{
        lock::{self, Lock},
        model::Model,
    },
    check_watched, compile_watched,
    report::{
        diagnostic::{Diagnostics, json, text},
        source::Sources,
    },
};

use super::{
    files,
    output::{self, Failure, Outcome, Paint},
    progress::Display,
};

/// How something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // Without doc comments, which the help of every command would show.
    Text,
    Json,
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

impl Colour {
    /// Whether what goes to this stream is coloured.
    fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                stream.is_terminal() && !refused && !is_dumb()
            }
        }
    }
}

/// Whether the terminal cannot do more than print text.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// What `--color` says among arguments that nobody has read yet.
pub(super) fn colour_of(arguments: impl Iterator<Item = OsString>) -> Colour {
    let mut colour = Colour::Auto;
    let mut follows = false;
    for argument in arguments.skip(1).map_while(|argument| argument.into_string().ok()).take_while(|text| text != "--")
    {
        let value = if follows { Some(argument.as_str()) } else { argument.strip_prefix("--color=") };
        colour = value.and_then(|value| Colour::from_str(value, false).ok()).unwrap_or(colour);
        follows = argument == "--color";
    }
    colour
}

/// One run.
#[derive(Debug)]
pub(super) struct Session {
    format: Format,
    diagnostics: Format,
    /// For standard output.
    results: Paint,
    /// For standard error.
    messages: Paint,
    /// Whether somebody watches standard error.
    watched: bool,
}

/// A tree with everything that was made of it.
pub(super) struct CompiledTree {
    pub(super) sources: Sources,
    pub(super) compiled: Compiled,
    pub(super) model: Model,
    /// The words that have numbers.
    pub(super) lock: Lock,
}

impl Session {
    /// A run with these options; without `diagnostics`, these keep to `format`.
    pub(super) fn new(format: Format, diagnostics: Option<Format>, colour: Colour) -> Self {
        let diagnostics = diagnostics.unwrap_or(format);
        Self {
            format,
            diagnostics,
            watched: diagnostics == Format::Text && io::stderr().is_terminal() && !is_dumb(),
            results: Paint::new(colour.on(&io::stdout())),
            messages: Paint::new(colour.on(&io::stderr())),
        }
    }

    /// A line that says how far the command is, for who watches.
    pub(super) fn progress(&self) -> Display {
        Display::new(self.watched)
    }

    /// Reads the policy documents of a folder.
    pub(super) fn read(&self, folder: &Path) -> Result<Sources, Failure> {
        files::read_tree(folder, &mut self.progress())
    }

    /// Reads and compiles a folder; the diagnostics are written.
    pub(super) fn compile(&self, folder: &Path) -> Result<Compiled, Failure> {
        self.compile_tree(folder).map(|tree| tree.compiled)
    }

    /// As [`Session::compile`], with the lock file at this path in place of the folder's own.
    pub(super) fn compile_with_lock(&self, folder: &Path, lock: &Path) -> Result<Compiled, Failure> {
        let mut sources = self.read(folder)?;
        let missing = || Failure::Usage(format!("the lock file `{}` does not exist", lock.display()));
        sources.set_lock(lock.display().to_string(), files::read_lock(lock)?.ok_or_else(missing)?);
        self.compile_sources(sources).map(|tree| tree.compiled)
    }

    /// As [`Session::compile`], with what the artifact was made from.
    pub(super) fn compile_tree(&self, folder: &Path) -> Result<CompiledTree, Failure> {
        self.compile_sources(self.read(folder)?)
    }

    fn compile_sources(&self, sources: Sources) -> Result<CompiledTree, Failure> {
        let mut display = self.progress();
        let compiled = compile_watched(&sources, &mut |now| display.show(now.stage.as_str(), now.done, now.total));
        drop(display);
        match compiled {
            Ok((compiled, model)) => {
                self.write_diagnostics(&compiled.warnings, &sources);
                let lock = sources.lock().and_then(|(_, file)| lock::parse(file.text()).ok()).unwrap_or_default();
                Ok(CompiledTree { sources, compiled, model, lock })
            }
            Err(diagnostics) => {
                self.write_diagnostics(&diagnostics, &sources);
                Err(Failure::Diagnostics)
            }
        }
    }

    /// Reads and checks a folder without making an artifact of it; the diagnostics are written.
    pub(super) fn check(&self, folder: &Path) -> Result<Checked, Failure> {
        self.check_sources(&self.read(folder)?)
    }

    /// As [`Session::check`], without the lock file, which may be what is wrong.
    pub(super) fn check_unlocked(&self, folder: &Path) -> Result<Checked, Failure> {
        self.check_sources(&self.read(folder)?.without_lock())
    }

    fn check_sources(&self, sources: &Sources) -> Result<Checked, Failure> {
        let mut display = self.progress();
        let checked = check_watched(sources, &mut |now| display.show(now.stage.as_str(), now.done, now.total));
        drop(display);
        let found = checked.as_ref().map_or_else(|diagnostics| diagnostics, |checked| &checked.warnings);
        self.write_diagnostics(found, sources);
        checked.map_err(|_| Failure::Diagnostics)
    }

    /// Writes diagnostics to standard error.
    pub(super) fn write_diagnostics(&self, diagnostics: &Diagnostics, sources: &Sources) {
        let rendered = match self.diagnostics {
            Format::Json => json::render(diagnostics, sources),
            Format::Text if self.messages.is_on() => text::render(diagnostics, sources, text::Style::Coloured),
            Format::Text => text::render(diagnostics, sources, text::Style::Plain),
        };
        // Nothing can be done for a reader that is gone.
        let _ = io::stderr().write_all(rendered.as_bytes());
    }

    /// Prints what a command gave, and ends with its exit code.
    pub(super) fn finish(&self, outcome: Outcome) -> ExitCode {
        let printed = outcome.and_then(|report| {
            let text = match self.format {
                Format::Text => report.text(self.results),
                Format::Json => format!("{:#}\n", report.json()),
            };
            output::print(&text).map(|()| report.exit())
        });
        match printed {
            Ok(exit) => exit.into(),
            Err(failure) => {
                self.say(&failure);
                failure.exit().into()
            }
        }
    }

    /// Says what has not been said yet.
    fn say(&self, failure: &Failure) {
        let Some(message) = failure.message() else { return };
        let line = match self.diagnostics {
            Format::Json => serde_json::json!({"severity": "error", "message": message}).to_string(),
            Format::Text => format!("{}: {message}", self.messages.bad("error")),
        };
        let _ = writeln!(io::stderr(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_found_among_the_arguments() {
        let cases: [(&[&str], Colour); 6] = [
            (&[], Colour::Auto),
            (&["--color", "never", "check"], Colour::Never),
            (&["check", "--color=always"], Colour::Always),
            (&["check", "--color=sometimes"], Colour::Auto),
            (&["check", "--color"], Colour::Auto),
            (&["--", "--color=always"], Colour::Auto),
        ];
        for (arguments, expected) in cases {
            let all = ["policyc"].iter().chain(arguments).map(OsString::from);
            assert_eq!(colour_of(all), expected, "{arguments:?}");
        }
    }
}
