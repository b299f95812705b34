//! The demo mesh: starts it, sends the requests of `examples/shop/requests.json`, and shows how the context travelled.
//!
//!     demo [--keep]
//!
//! Exits with 0 if everything happened as the requests expect, with 1 if not, and with 2 if the arguments are wrong.
//! With `--keep` the mesh runs until Ctrl-C.

use std::process::ExitCode;

use context_mesh_e2e::demo;

const USAGE: &str = "usage: demo [--keep]";

fn main() -> ExitCode {
    let mut keep = false;
    for argument in std::env::args().skip(1) {
        if argument != "--keep" {
            eprintln!("demo: `{argument}` is not an option\n{USAGE}");
            return ExitCode::from(2);
        }
        keep = true;
    }
    match demo::run(keep, demo::paint_of_stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("demo: {problem}");
            ExitCode::FAILURE
        }
    }
}
