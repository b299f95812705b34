//! Measures the cost of a filter in one sidecar, in about two minutes. `make bench-quick` builds what it needs and runs
//! it.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use context_mesh_benches::load;
use context_mesh_benches::requests;
use context_mesh_benches::rounds::{Plan, Samples};
use context_mesh_benches::sidecar::{CALLER, DESTINATION, Filter, SERVICE, Sidecar};
use context_mesh_benches::table::{self, Group};
use context_mesh_e2e::client::Endpoint;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::{envoy_binary, noop_filter};

/// The names of the variants; the last one is ours.
const VARIANTS: [&str; 3] = ["no filter", "a wasm filter that does nothing", "Context Mesh with the demo's policies"];
/// Number of traces of the application's calls. They are so few that no two of them need the same place in the filter's
/// memory. All are remembered before each round.
const TRACES: usize = 64;

fn main() -> ExitCode {
    match run(Plan::QUICK) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-quick: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: Plan) -> Result<()> {
    let started = Instant::now();
    let policy = Policy::shop()?;
    let folder = tempfile::tempdir().map_err(|problem| Error::new(format!("no folder for the Envoys: {problem}")))?;
    let sidecars = start(folder.path(), &policy)?;
    println!("{}", about(plan));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let context = requests::mesh_context(&policy, u64::try_from(now).unwrap_or_default())?;
    let mut inbound = vec![Samples::default(); VARIANTS.len()];
    let mut outbound = inbound.clone();
    for round in 0..=plan.rounds {
        let name = if round == 0 { "warming up".to_owned() } else { format!("round {round} of {}", plan.rounds) };
        eprintln!("{name} ({:.0} s)", started.elapsed().as_secs_f64());
        for (variant, sidecar) in sidecars.iter().enumerate() {
            let spent =
                measure(sidecar, sidecar.inbound(), plan, |number| requests::inbound(number, &context).to_wire())?;
            load::run(sidecar.inbound(), 1, TRACES, |number| requests::inbound(number, &context).to_wire())?;
            let called =
                measure(sidecar, sidecar.outbound(), plan, |number| requests::outbound(number % TRACES).to_wire())?;
            if round > 0 {
                inbound[variant].add(spent.0, spent.1);
                outbound[variant].add(called.0, called.1);
            }
        }
        check(&sidecars)?;
    }
    let group = |name: String, samples: Vec<Samples>| Group {
        name,
        lines: VARIANTS.iter().map(|name| (*name).to_owned()).zip(samples).collect(),
    };
    let groups = [
        group(format!("inbound: {CALLER} calls {SERVICE}"), inbound),
        group(format!("outbound: {SERVICE} calls {DESTINATION}"), outbound),
    ];
    let rounds = groups[0].lines[0].1.count();
    println!("CPU µs for each request, medians of {rounds} rounds{}", table::render(&groups));
    println!("took {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn start(folder: &std::path::Path, policy: &Policy) -> Result<Vec<Sidecar>> {
    let binary = envoy_binary::find()?;
    let noop = folder.join("noop.wasm");
    noop_filter::write(&noop)?;
    let wasm = policy::filter()?;
    let filters = [
        Filter::None,
        Filter::wasm(&noop, |_| String::new()),
        Filter::wasm(&wasm, |role| policy.configuration(SERVICE, role)),
    ];
    let place = |place: usize| folder.join(place.to_string());
    filters.iter().enumerate().map(|(n, filter)| Sidecar::start(&place(n), &binary, filter, 1)).collect()
}

/// Returns the CPU time of the sidecar for a load, and the number of its requests.
fn measure(
    sidecar: &Sidecar,
    endpoint: &Endpoint,
    plan: Plan,
    prepare: impl Fn(usize) -> Vec<u8>,
) -> Result<(Duration, usize)> {
    let before = sidecar.cpu_time()?;
    let answered = load::run(endpoint, plan.connections, plan.requests, prepare)?;
    Ok((sidecar.cpu_time()?.saturating_sub(before), answered))
}

/// Checks that the filter read the context and recalled it from its memory. Otherwise it did less work than it should,
/// and no figures are shown.
fn check(sidecars: &[Sidecar]) -> Result<()> {
    let Some(ours) = sidecars.last() else { return Ok(()) };
    for counter in ["context_missing", "recall_miss", "carrier_invalid", "denied"] {
        let count = ours.counted(counter)?;
        if count > 0 {
            return Err(Error::new(format!(
                "the filter counted `{counter}` {count} times: it was not measured at its work"
            )));
        }
    }
    Ok(())
}

fn about(plan: Plan) -> String {
    let Plan { requests, connections, .. } = plan;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "The sidecar of {SERVICE} as it is shipped (mutual TLS inbound, access log), one worker, answering itself.
Measured: user and system time of the Envoy process over the requests that it answered, on {cores} cores.
The variants run side by side and take turns: rounds of {requests} requests over {connections} kept connections each.
Inbound requests carry seven fields in x-mesh-context, each in a trace of its own; outbound ones only traceparent,
and the context is recalled.
"
    )
}
