//! The commands, one file each, and what they have in common.
//!
//! A command takes its arguments and the [`Session`], and returns an [`Outcome`]: a [`Report`](output::Report) that can
//! be printed as text and as one JSON document, or the reason why there is none.

mod build;
mod check;
mod completions;
mod diff;
mod emit;
mod eval;
mod explain;
mod files;
mod fmt;
mod git;
mod graph;
mod import;
mod init;
mod inspect;
mod json_schema;
mod lock;
mod output;
mod progress;
mod revision;
mod schema;
mod session;
mod sizes;
mod status;
mod test;
mod walk;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use output::{Failure, Outcome};
use session::{Colour, Format, Messages, Session};

/// The meaning of the exit codes. Every help text of `policyc` itself ends with it.
const EXIT_CODES: &str = "\
Exit codes:
  0  all is well
  1  the sources, the artifact or a test are wrong, or a proxy runs something else
  2  the command cannot be carried out: wrong arguments, or a file that cannot be read or written
  3  a comparison found a difference that matters
  4  a comparison found none, but something could not be compared

Examples:
  policyc init my-policies
  policyc check policies
  policyc build policies -o policy.cmx";

/// The heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// Checks context policies and compiles them for the Context Mesh filter.
#[derive(Debug, Parser)]
#[command(name = "policyc", version, arg_required_else_help = true, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The format of results: text, one JSON document, or (check, build, test) the findings as SARIF or for GitHub.
    #[arg(long, value_enum, global = true, default_value = "text", value_name = "FORMAT", help_heading = GLOBAL)]
    format: Format,
    /// The format of diagnostics on standard error: text, or JSON, one object a line [default: as --format].
    #[arg(long, value_enum, global = true, value_name = "FORMAT", help_heading = GLOBAL)]
    diagnostics: Option<Messages>,
    /// The environment of the Mesh (`environments`) whose parameters count [default: those of `parameters`].
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    environment: Option<String>,
    /// Whether text is coloured; `auto` colours it on a terminal, unless NO_COLOR is set.
    #[arg(long, value_enum, global = true, default_value = "auto", value_name = "WHEN", help_heading = GLOBAL)]
    color: Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a small source tree to start from.
    Init(init::Arguments),
    /// Turns the policies of other systems into a source tree.
    #[command(subcommand)]
    Import(import::Command),
    /// Checks a source tree and reports everything that is wrong with it.
    Check(check::Arguments),
    /// Compiles a source tree into an artifact.
    Build(build::Arguments),
    /// Updates `context-mesh.lock`, which numbers the words of a source tree.
    Lock(lock::Arguments),
    /// Shows the content of an artifact.
    Inspect(inspect::Arguments),
    /// Runs the tests of a source tree.
    Test(test::Arguments),
    /// Puts the keys of documents in their order, and indents them alike.
    Fmt(fmt::Arguments),
    /// Shows what changed between two versions, and which recorded requests are decided differently.
    Diff(diff::Arguments),
    /// Shows the decision about a request, and why.
    Eval(eval::Arguments),
    /// Explains a diagnostic: what its code means, an example that causes it, and the repair.
    Explain(explain::Arguments),
    /// Shows who may call whom, and where fields may flow, as text or as a picture.
    Graph(graph::Arguments),
    /// Prints configuration for Envoy or Istio with the compiled policies inside.
    #[command(subcommand)]
    Emit(emit::Command),
    /// Shows which artifact each proxy runs, by revision and digest, and what it rejected.
    Status(status::Arguments),
    /// Compares versions of schemas.
    #[command(subcommand)]
    Schema(schema::Command),
    /// Prints the JSON Schema of the documents, for editors.
    #[command(after_help = json_schema::EXAMPLE)]
    JsonSchema(json_schema::Arguments),
    /// Prints a script that completes commands and options in a shell.
    Completions(completions::Arguments),
}

impl Command {
    /// Whether the findings in the sources can be the result.
    const fn reports_findings(&self) -> bool {
        matches!(self, Self::Check(_) | Self::Build(_) | Self::Test(_))
    }
}

/// The arguments that most commands begin with.
#[derive(Debug, clap::Args)]
struct Tree {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    if let Some(candidates) = completions::complete::asked(std::env::args_os()) {
        // A shell that is gone is no failure.
        let _ = output::print(&candidates);
        return ExitCode::SUCCESS;
    }
    let cli = parse();
    let session = Session::new(cli.format, cli.diagnostics, cli.color, cli.environment.clone());
    let outcome = if cli.format.is_findings() && !cli.command.reports_findings() {
        Err(Failure::Usage("`--format sarif` and `--format github` are for `check`, `build` and `test`".to_owned()))
    } else {
        run_command(&cli.command, &session)
    };
    session.finish(outcome)
}

/// Parses the arguments. clap itself exits with 2 if they are wrong. Its own messages respect `--color` too, which must
/// therefore be known before it reads anything.
fn parse() -> Cli {
    let colour = match session::colour_of(std::env::args_os()) {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    let matches = Cli::command().color(colour).get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn run_command(command: &Command, session: &Session) -> Outcome {
    match command {
        Command::Init(arguments) => init::run(arguments),
        Command::Import(command) => import::run(command, session),
        Command::Fmt(arguments) => fmt::run(arguments, session),
        Command::Test(arguments) => test::run(arguments, session),
        Command::Eval(arguments) => eval::run(arguments, session),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Diff(arguments) => diff::run(arguments, session),
        Command::Graph(arguments) => graph::run(arguments, session),
        Command::Check(arguments) => check::run(arguments, session),
        Command::Build(arguments) => build::run(arguments, session),
        Command::Lock(arguments) => lock::run(arguments, session),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Emit(command) => emit::run(command, session),
        Command::Status(arguments) => status::run(arguments),
        Command::Schema(command) => schema::run(command, session),
        Command::JsonSchema(arguments) => Ok(json_schema::run(arguments)),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
