//! Measures decisions over the same rules in our virtual machine and in engines that people use for policies, in one
//! process, in alternating batches.
//!
//! `context-mesh-peers FILE [--rounds N]` writes the figures to FILE as one flat JSON object. Every engine has the
//! request in its own form before anything is timed, and must answer that no rule matches. `make bench` runs it.

mod cedar;
mod cel;
mod engine;
mod rego;

use std::process::ExitCode;
use std::time::Duration;

use context_mesh_benches::rule_sets::{COUNTS, SETS, Set};
use serde_json::{Map, json};

use engine::{Engine, time};

/// Duration of a batch: shorter than the time slices of an operating system.
const BATCH: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (file, rounds) = match words.as_slice() {
        [file] => (file, Some(15)),
        [file, option, rounds] if option == "--rounds" => (file, rounds.parse().ok()),
        _ => {
            eprintln!("usage: context-mesh-peers FILE [--rounds N]");
            return ExitCode::FAILURE;
        }
    };
    let Some(rounds) = rounds else {
        eprintln!("context-mesh-peers: `--rounds` is a number");
        return ExitCode::FAILURE;
    };
    let mut figures = Map::new();
    for set in SETS {
        for count in COUNTS {
            measure(set, count, rounds, &mut figures);
        }
    }
    match std::fs::write(file, format!("{:#}\n", json!(figures))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("context-mesh-peers: cannot write `{file}`: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Adds the nanoseconds of a decision in each engine. One that cannot take the rules is reported and left out.
fn measure(set: Set, count: usize, rounds: usize, figures: &mut Map<String, serde_json::Value>) {
    let conditions = set.conditions(count);
    let mut engines: Vec<Engine> = Vec::new();
    for (name, prepare) in engine::ALL {
        match prepare(&conditions) {
            Ok(mut decide) => match decide() {
                true => engines.push(Engine { name, decide }),
                false => eprintln!("{name}, {count} {}: a rule matched or failed", set.name()),
            },
            Err(problem) => eprintln!("{name}, {count} {}: {problem:.300}", set.name()),
        }
    }
    let kind = if set == Set::Uniform { String::new() } else { format!("{}.", set.name()) };
    let spreads = time(&mut engines, rounds, BATCH);
    for (engine, spread) in engines.iter().zip(spreads) {
        let name = format!("native.ns_per_decision.{kind}{}.{count}", engine.name);
        eprintln!("{name:<56}{:>14.0} ns", spread.best);
        for (suffix, value) in [("", spread.best), (".low", spread.best), (".high", spread.worst)] {
            figures.insert(format!("{name}{suffix}"), json!(value));
        }
    }
}
