//! Measures the processor time of Envoy for requests that cause as much work as they can. `make bench-hostile` runs it.
//!
//! `bench-hostile [--requests N]`: each case is sent that many times to a sidecar without a filter and to one with
//! ours, in both directions.

use std::process::ExitCode;
use std::time::Duration;

use context_mesh_benches::hostile::{cases, tree};
use context_mesh_e2e::client::{Endpoint, Request};
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};

/// Number of the most expensive cases that are shown.
const SHOWN: usize = 12;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let requests = match words.as_slice() {
        [] => Some(200),
        [option, value] if option == "--requests" => value.parse().ok(),
        _ => None,
    };
    let Some(requests) = requests else {
        eprintln!("usage: bench-hostile [--requests N]");
        return ExitCode::FAILURE;
    };
    match run(requests) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-hostile: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// One case in one direction: the processor time of a request without a filter and with ours, in microseconds, and the
/// status of most answers.
struct Line {
    name: String,
    without: f64,
    with: f64,
    status: u16,
}

fn run(requests: usize) -> Result<()> {
    let policy = Policy::from_text(&tree())?;
    let pair = || MeshBuilder::new("pair.example").service("front", &[]).service("back", &[]);
    let bare = pair().start()?;
    let ours = pair().filter(policy::filter()?, move |service, role| policy.configuration(service, role)).start()?;
    let mut lines = Vec::new();
    let ordinary = ("ordinary".to_owned(), vec![("x-mesh-context".to_owned(), "{\"text\":\"a\"}".to_owned())]);
    for (name, headers) in [ordinary].into_iter().chain(cases()) {
        for (direction, endpoint) in [("inbound", inbound as fn(&Mesh) -> Result<Endpoint>), ("outbound", outbound)] {
            // Run once before, so that work that is only done once is not measured.
            measure(&ours, &endpoint(&ours)?, 10, &headers)?;
            let (without, _) = measure(&bare, &endpoint(&bare)?, requests, &headers)?;
            let (with, status) = measure(&ours, &endpoint(&ours)?, requests, &headers)?;
            lines.push(Line { name: format!("{direction} {name}"), without, with, status });
        }
    }
    let (first, rest) = lines.split_at(2);
    let mut rest: Vec<&Line> = rest.iter().collect();
    rest.sort_by(|a, b| (b.with - b.without).total_cmp(&(a.with - a.without)));
    println!("{:<64}{:>10}{:>10}{:>12}  status", "CPU us of Envoy for each request", "without", "with", "difference");
    for line in first.iter().chain(rest.into_iter().take(SHOWN)) {
        let Line { name, without, with, status } = line;
        println!("{name:<64}{without:>10.0}{with:>10.0}{:>+12.0}  {status}", with - without);
    }
    Ok(())
}

fn inbound(mesh: &Mesh) -> Result<Endpoint> {
    mesh.inbound("front", As::Service("client"))
}

fn outbound(mesh: &Mesh) -> Result<Endpoint> {
    mesh.outbound("front", "back")
}

fn measure(mesh: &Mesh, endpoint: &Endpoint, requests: usize, headers: &[(String, String)]) -> Result<(f64, u16)> {
    let load = Load { requests, connections: 1, limit: Duration::from_secs(60) };
    let headers = headers.to_vec();
    let before = mesh.envoy("front")?.cpu_time()?;
    let report = mesh.load(
        endpoint,
        load,
        move |_| headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(name, value.as_str())),
        |_, _| Ok(()),
    )?;
    let spent = mesh.envoy("front")?.cpu_time()?.saturating_sub(before);
    let most = report.statuses.iter().max_by_key(|(_, count)| **count).map(|(status, _)| *status);
    let status = most.ok_or_else(|| Error::new(format!("no answer: {:?}", report.failures)))?;
    Ok((spent.as_secs_f64() * 1e6 / requests as f64, status))
}
