//! The commands, one file each.

mod build;
mod check;
mod emit;
mod files;
mod inspect;
mod output;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use policy_compiler::{Compiled, compile};

use output::Failure;

/// Checks context policies and compiles them for the Context Mesh filter.
#[derive(Debug, Parser)]
#[command(name = "policyc", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 the sources or the artifact are wrong, 2 the command cannot be carried out."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How diagnostics are written to standard error.
    #[arg(long, value_enum, global = true, default_value = "text", value_name = "FORMAT")]
    diagnostics: DiagnosticFormat,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DiagnosticFormat {
    /// For people, with the lines of the source.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a source tree and reports everything that is wrong with it.
    Check(check::Arguments),
    /// Compiles a source tree into an artifact.
    Build(build::Arguments),
    /// Shows what an artifact says.
    Inspect(inspect::Arguments),
    /// Prints configuration for Envoy or Istio with the compiled policies inside.
    #[command(subcommand)]
    Emit(emit::Command),
    /// Compares versions of schemas.
    #[command(subcommand)]
    Schema(schema::Command),
}

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    // clap itself ends with 2 on wrong arguments.
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Check(arguments) => check::run(&arguments, cli.diagnostics),
        Command::Build(arguments) => build::run(&arguments, cli.diagnostics),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Emit(command) => emit::run(&command, cli.diagnostics),
        Command::Schema(command) => schema::run(&command, cli.diagnostics),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Reads and compiles a folder; diagnostics are written here.
fn compile_folder(folder: &std::path::Path, format: DiagnosticFormat) -> Result<Compiled, Failure> {
    let sources = files::read_tree(folder)?;
    match compile(&sources) {
        Ok(compiled) => {
            output::diagnostics(&compiled.warnings, &sources, format);
            Ok(compiled)
        }
        Err(diagnostics) => {
            output::diagnostics(&diagnostics, &sources, format);
            Err(Failure::Diagnostics)
        }
    }
}
