//! Measures Context Mesh beside what people use today, and writes `report.json`, `report.txt` and `report.html`.
//! `make bench` builds what it needs and runs it.
//!
//! `bench [--out DIR] [--rounds N] [--requests N] [--only WORD]`: only the chains whose names contain WORD are run (and
//! those without a filter). The figures that another program has written to `DIR/native.json` are included.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use context_mesh_benches::envoy::authz::{self, Service};
use context_mesh_benches::envoy::chains::{ALL, Chain, Proxy};
use context_mesh_benches::envoy::proxies::Proxies;
use context_mesh_benches::envoy::run::{Plan, Run};
use context_mesh_benches::envoy::{counters, recall};
use context_mesh_benches::figures::Figures;
use context_mesh_benches::machine;
use context_mesh_benches::report::{Report, html, text};
use context_mesh_benches::single;
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::error::{Error, Result};

const USAGE: &str = "usage: bench [--out DIR] [--rounds N] [--requests N] [--only WORD]";

/// The arguments of the command line.
struct Arguments {
    out: PathBuf,
    rounds: usize,
    requests: usize,
    only: String,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.as_slice() {
        [word, address] if word == authz::ARGUMENT => authz::serve(address),
        _ => arguments(&words).and_then(|arguments| run(&arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(words: &[String]) -> Result<Arguments> {
    let mut arguments =
        Arguments { out: PathBuf::from("target/bench"), rounds: 5, requests: 3000, only: String::new() };
    for pair in words.chunks(2) {
        let [word, value] = pair else { return Err(Error::new(USAGE)) };
        let number = || value.parse().map_err(|_| Error::new(format!("`{word}` is a number, not `{value}`")));
        match word.as_str() {
            "--out" => arguments.out = PathBuf::from(value),
            "--rounds" => arguments.rounds = number()?,
            "--requests" => arguments.requests = number()?,
            "--only" => arguments.only.clone_from(value),
            _ => return Err(Error::new(USAGE)),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let plan = Plan {
        rounds: arguments.rounds,
        requests: arguments.requests,
        connections: 16,
        alone: arguments.requests,
        limit: Duration::from_secs(2),
        counters: counters::available(),
    };
    let mut report = Report { about: machine::about(), ..Report::default() };
    let tell = |what: &str| eprintln!("{:>4.0} s  {what}", started.elapsed().as_secs_f64());
    tell("artifacts, contexts, the filter alone");
    single::measure(&mut report.figures)?;
    match std::fs::read_to_string(arguments.out.join("native.json")) {
        Ok(text) => report.figures.extend(Figures::from_json(&text).map_err(Error::new)?),
        Err(_) => report.notes.push("Other engines were not measured outside of Envoy: run `make bench`.".to_owned()),
    }
    report.about.push(("plan".to_owned(), about(plan)));
    if !plan.counters {
        report.notes.push(
            "This machine has no hardware counters, as many virtual machines: CPU time counts, which other work on the \
             machine changes. The filter's own WebAssembly instructions are exact."
                .to_owned(),
        );
    }
    in_envoy(arguments, plan, &tell, &mut report)?;
    tell("a mesh of two services");
    match recall::measure(Duration::from_secs(20)) {
        Ok(percent) => report.figures.set("cache.hit_percent", percent),
        Err(problem) => report.notes.push(format!("Recalls were not measured: {problem}")),
    }
    for name in ["p50", "p99", "p999"] {
        if let Some(value) = report.figures.get(&format!("envoy.{name}_in_envoy_us.rules100")) {
            report.figures.set(format!("decision.envoy_{name}_us"), value);
        }
    }
    report.about.push(("took".to_owned(), format!("{:.0} s", started.elapsed().as_secs_f64())));
    print!("{}", text::render(&report));
    write(&report, &arguments.out)
}

fn in_envoy(arguments: &Arguments, plan: Plan, tell: &impl Fn(&str), report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|problem| Error::new(format!("no folder for the Envoys: {problem}")))?;
    let program = std::env::current_exe().map_err(|problem| Error::new(format!("no decision service: {problem}")))?;
    let chosen = |chain: &Chain| chain.name.contains(&arguments.only) || chain.proxy == Proxy::Bare;
    let chains: Vec<Chain> = ALL.iter().filter(|chain| chosen(chain)).copied().collect();
    tell("starting the Envoys");
    let proxies = Proxies::prepare(folder.path(), &envoy_binary::find()?, Service::start(&program)?)?;
    let mut run = Run::start(proxies, &chains)?;
    run.run(plan, |round| match round {
        0 => tell("warming up"),
        _ => tell(&format!("round {round} of {}", plan.rounds)),
    })?;
    run.figures(&mut report.figures);
    report.notes.append(&mut run.notes);
    Ok(())
}

fn about(plan: Plan) -> String {
    let Plan { rounds, requests, connections, counters, .. } = plan;
    let counted = if counters { ", counted by perf" } else { "" };
    format!(
        "{rounds} rounds of {requests} requests a chain over {connections} connections, taking turns{counted}; medians"
    )
}

fn write(report: &Report, folder: &Path) -> Result<()> {
    let files = [
        ("report.json", report.figures.to_json()),
        ("report.txt", text::render(report)),
        ("report.html", html::render(report)),
    ];
    let wrap = |problem: std::io::Error| Error::new(format!("cannot write to `{}`: {problem}", folder.display()));
    std::fs::create_dir_all(folder).map_err(wrap)?;
    for (name, text) in files {
        std::fs::write(folder.join(name), text).map_err(wrap)?;
    }
    println!("\nin {}: report.html, report.json, report.txt", folder.display());
    Ok(())
}
