//! `policyc`: the command line of the policy compiler.
//!
//! Results go to standard output, diagnostics to standard error. The exit code is 0 on success, 1 when the sources, the
//! artifact or a test are wrong, 2 when the command cannot be carried out (wrong arguments, or a file that cannot be
//! read or written), and 3 when a comparison found a difference that matters.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
