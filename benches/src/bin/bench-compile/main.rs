//! Measures the time and memory of the compiler for a large tree, the time for loading the artifact, and the time for
//! importing AuthorizationPolicies. `make bench-compile` runs it.
//!
//! `bench-compile [--rules N] [--rounds N] [--write DIR]`: with `--write` the tree is written to that folder, for
//! `policyc`.

use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, path::Path};

use context_mesh_core::artifact;
use policy_compiler::{compile, report::source::Sources};

mod import;
#[path = "../../../../policy-compiler/tests/it/support/many_policies.rs"]
mod many_policies;
mod tree;

const USAGE: &str = "usage: bench-compile [--rules N] [--rounds N] [--write DIR]";

/// The arguments of the command line.
struct Arguments {
    rules: usize,
    rounds: usize,
    write: Option<String>,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-compile: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { rules: 10_000, rounds: 5, write: None };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(USAGE)?;
        let number = || value.parse::<usize>().map_err(|problem| format!("{word} {value}: {problem}"));
        match word.as_str() {
            "--rules" => arguments.rules = number()?,
            "--rounds" => arguments.rounds = number()?,
            "--write" => arguments.write = Some(value),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let size = tree::Size { domains: 50, services: 500, rules: arguments.rules };
    let files = tree::files(size);
    if let Some(folder) = &arguments.write {
        return write(Path::new(folder), &files);
    }
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    println!("{} rules of {} services in {} domains: {bytes} bytes of YAML", size.rules, size.services, size.domains);
    for round in 1..=arguments.rounds {
        let mut sources = Sources::new("large");
        for (path, text) in &files {
            sources.add(path.as_str(), text.as_str());
        }
        let started = Instant::now();
        let compiled = compile(&sources).map_err(|problems| problems.to_text(&sources))?;
        let (time, artifact) = (started.elapsed(), compiled.artifact.len());
        let warnings = compiled.warnings.len();
        let started = Instant::now();
        artifact::load(&compiled.artifact).map_err(|error| error.to_string())?;
        let load = started.elapsed();
        println!("round {round}: {time:.3?}, artifact of {artifact} bytes, {warnings} warnings; loaded in {load:.3?}");
    }
    import::measure(arguments.rounds)?;
    if let Some(peak) = peak_memory() {
        println!("peak memory of the process: {} MB", peak / 1024);
    }
    Ok(())
}

fn write(folder: &Path, files: &[(String, String)]) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    for (path, text) in files {
        fs::write(folder.join(path), text).map_err(|problem| format!("{path}: {problem}"))?;
    }
    println!("{} files in {}", files.len(), folder.display());
    Ok(())
}

/// Returns the peak of the memory of this process in KB, if the system provides it.
fn peak_memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
