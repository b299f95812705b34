//! Counts the filter's own instructions for ordinary requests, and its host calls. `make bench-instructions` runs it.
//!
//! The numbers are the same on every machine. In Envoy's compiled code, 10 million instructions took a third of a
//! millisecond.

use std::process::ExitCode;

use context_mesh_benches::counted::Spent;
use context_mesh_benches::counted::ordinary::{filter, ordinary};
use context_mesh_e2e::error::Result;
use context_mesh_e2e::policy::{self, Policy};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-instructions: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let (wasm, policy) = (policy::filter()?, Policy::shop()?);
    let (with, without) = (ordinary(&wasm, &policy, true)?, ordinary(&wasm, &policy, false)?);
    println!("{:<44} {:>12} {:>10}", "the demo's checkout-service", "instructions", "host calls");
    let line = |name: &str, Spent { instructions, host_calls }: Spent| {
        println!("{name:<44} {instructions:>12} {host_calls:>10}");
    };
    line("inbound", with.inbound.spent);
    line("inbound, without tickets and memory", without.inbound.spent);
    line("outbound, recalled by ticket", with.by_ticket.spent);
    line("outbound, recalled by trace id", with.by_id.spent);
    line("outbound, nothing to recall", without.by_id.spent);
    line("taking over the policies, second plugin", filter(&wasm, &policy, "checkout-service")?.configured());
    Ok(())
}
