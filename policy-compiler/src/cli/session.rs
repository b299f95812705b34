//! Settings of one run of `policyc`: formats and colours.

use std::{
    cell::RefCell,
    ffi::OsString,
    io::{self, IsTerminal, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::ValueEnum;
use jiff::civil::Date;
use policy_compiler::{
    Checked, Compiled,
    check::{
        lock::{self, Lock},
        model::Model,
    },
    check_watched, compile_watched,
    report::{
        diagnostic::{Diagnostics, github, json, text},
        sarif,
        source::Sources,
    },
};

use super::{
    files,
    output::{self, Failure, Outcome, Paint},
    progress::Display,
};

/// The format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // Without doc comments, because the help of every command would show them.
    Text,
    Json,
    Sarif,
    Github,
}

impl Format {
    /// Whether the findings are the result, which only some commands support.
    pub(super) const fn is_findings(self) -> bool {
        matches!(self, Self::Sarif | Self::Github)
    }
}

/// The format of diagnostics on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Messages {
    Text,
    Json,
    /// Not written: they are the result.
    #[value(skip)]
    None,
}

impl From<Format> for Messages {
    fn from(format: Format) -> Self {
        match format {
            // The document goes to a file, and people read along.
            Format::Text | Format::Sarif => Self::Text,
            Format::Json => Self::Json,
            Format::Github => Self::None,
        }
    }
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

impl Colour {
    /// Whether output to this stream is coloured.
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

/// Whether the terminal supports only plain text.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// Returns the value of `--color` in arguments that have not been parsed yet.
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
    diagnostics: Messages,
    /// The environment whose parameters count.
    environment: Option<String>,
    /// The findings, if they are the result.
    found: RefCell<Vec<(Diagnostics, Sources)>>,
    /// Colours of standard output.
    results: Paint,
    /// Colours of standard error.
    messages: Paint,
    /// Whether standard error is a terminal.
    watched: bool,
}

/// A compiled tree, with its sources and its model.
pub(super) struct CompiledTree {
    pub(super) sources: Sources,
    pub(super) compiled: Compiled,
    pub(super) model: Model,
    /// The numbered words.
    pub(super) lock: Lock,
}

impl Session {
    /// Creates a run with these options. Without `diagnostics`, their format follows `format`.
    pub(super) fn new(
        format: Format,
        diagnostics: Option<Messages>,
        colour: Colour,
        environment: Option<String>,
    ) -> Self {
        let diagnostics = diagnostics.unwrap_or_else(|| format.into());
        Self {
            format,
            diagnostics,
            environment,
            found: RefCell::default(),
            watched: diagnostics == Messages::Text && io::stderr().is_terminal() && !is_dumb(),
            results: Paint::new(colour.on(&io::stdout())),
            messages: Paint::new(colour.on(&io::stderr())),
        }
    }

    /// Returns the colours of results.
    pub(super) fn paint(&self) -> Paint {
        self.results
    }

    /// Whether results are printed as text.
    pub(super) fn prints_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Returns a progress line, which is shown only on a terminal.
    pub(super) fn progress(&self) -> Display {
        Display::new(self.watched)
    }

    /// Reads the policy documents of a folder.
    pub(super) fn read(&self, folder: &Path) -> Result<Sources, Failure> {
        let mut sources = files::read_tree(folder, &mut self.progress())?;
        if let Some(environment) = &self.environment {
            sources.set_environment(environment);
        }
        Ok(sources)
    }

    /// Reads and compiles a folder. The diagnostics are written.
    pub(super) fn compile(&self, folder: &Path) -> Result<Compiled, Failure> {
        self.compile_tree(folder).map(|tree| tree.compiled)
    }

    /// Like [`Session::compile`], with the lock file at this path instead of the folder's own.
    pub(super) fn compile_with_lock(&self, folder: &Path, lock: &Path) -> Result<Compiled, Failure> {
        let mut sources = self.read(folder)?;
        let missing = || Failure::Usage(format!("the lock file `{}` does not exist", lock.display()));
        sources.set_lock(lock.display().to_string(), files::read_lock(lock)?.ok_or_else(missing)?);
        self.compile_sources(sources).map(|tree| tree.compiled)
    }

    /// Like [`Session::compile`], but also returns the sources and the model.
    pub(super) fn compile_tree(&self, folder: &Path) -> Result<CompiledTree, Failure> {
        self.compile_sources(self.read(folder)?)
    }

    /// Like [`Session::compile_tree`], with findings about rules that have expired on this day.
    pub(super) fn compile_tree_on(&self, folder: &Path, today: Date) -> Result<CompiledTree, Failure> {
        let mut sources = self.read(folder)?;
        sources.set_today(today);
        self.compile_sources(sources)
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

    /// Reads and checks a folder without building an artifact. The diagnostics are written.
    pub(super) fn check(&self, folder: &Path) -> Result<Checked, Failure> {
        self.check_sources(&self.read(folder)?)
    }

    /// Like [`Session::check`], without the lock file, which may have errors.
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
        if self.format.is_findings() {
            self.found.borrow_mut().push((diagnostics.clone(), sources.clone()));
        }
        let rendered = match self.diagnostics {
            Messages::None => return,
            Messages::Json => json::render(diagnostics, sources),
            Messages::Text if self.messages.is_on() => text::render(diagnostics, sources, text::Style::Coloured),
            Messages::Text => text::render(diagnostics, sources, text::Style::Plain),
        };
        // Nothing can be done if the reader is gone.
        let _ = io::stderr().write_all(rendered.as_bytes());
    }

    /// Prints the outcome of a command, and returns its exit code.
    pub(super) fn finish(&self, outcome: Outcome) -> ExitCode {
        if self.format.is_findings() {
            return self.finish_with_findings(outcome);
        }
        let printed = outcome.and_then(|report| {
            let text = match self.format {
                Format::Sarif | Format::Github => String::new(),
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

    /// Prints the findings, and returns the exit code of the command.
    fn finish_with_findings(&self, outcome: Outcome) -> ExitCode {
        let mut found = self.found.borrow_mut();
        if let Some((findings, sources)) = outcome.as_ref().ok().and_then(|report| report.findings()) {
            found.push((findings, sources.clone()));
        }
        let pairs: Vec<(&Diagnostics, &Sources)> = found.iter().map(|(list, sources)| (list, sources)).collect();
        let mut text = match self.format {
            // If the command could not be carried out, an empty document would mean that there are no findings.
            Format::Sarif if matches!(outcome, Err(Failure::Usage(_))) => String::new(),
            Format::Sarif => format!("{:#}\n", sarif::document(&pairs)),
            _ => pairs.iter().map(|(list, sources)| github::render(list, sources)).collect(),
        };
        if self.format == Format::Github
            && let Some(message) = outcome.as_ref().err().and_then(Failure::message)
        {
            text.push_str(&github::error(message));
        }
        let exit = match &outcome {
            Ok(report) => report.exit(),
            Err(failure) => {
                self.say(failure);
                failure.exit()
            }
        };
        match output::print(&text) {
            Ok(()) => exit.into(),
            Err(failure) => {
                self.say(&failure);
                failure.exit().into()
            }
        }
    }

    /// Reports a failure that has not been reported yet.
    fn say(&self, failure: &Failure) {
        if let Some(message) = failure.message() {
            self.write_line("error", Paint::bad, message);
        }
    }

    /// Reports what does not keep the command from its result, and is in none of the sources.
    pub(super) fn warn(&self, message: &str) {
        self.write_line("warning", Paint::warn, message);
    }

    fn write_line(&self, severity: &'static str, paint: fn(Paint, &'static str) -> String, message: &str) {
        let line = match self.diagnostics {
            Messages::None => return,
            Messages::Json => serde_json::json!({"severity": severity, "message": message}).to_string(),
            Messages::Text => format!("{}: {message}", paint(self.messages, severity)),
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
