//! Measures how long requests wait while a sidecar loads a large artifact. `make bench-swap` runs it.
//!
//! `bench-swap [--rules N] [--rounds N]`: one worker serves requests one after the other; the slowest of them waited
//! for a swap.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use context_mesh_e2e::client::Request;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{As, MeshBuilder, PushOutcome};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Role;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (mut rules, mut rounds) = (10_000, 6);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next().and_then(|value| value.parse().ok())) {
            ("--rules", Some(value)) => rules = value,
            ("--rounds", Some(value)) => rounds = value,
            _ => {
                eprintln!("usage: bench-swap [--rules N] [--rounds N]");
                return ExitCode::FAILURE;
            }
        }
    }
    match run(rules, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-swap: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns a mesh of two services, whose rules also apply to many others.
fn tree(rules: usize, round: usize) -> String {
    let services: Vec<String> = (0..500).map(|n| format!("s{n}")).collect();
    let mut tree = format!(
        "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: pair}}\nspec:\n  trustDomain: pair.example\n  \
         identity: /ns/default/sa/{{service}}\n  domains:\n    all: {{services: [front, back, client, {}]}}\n---\n\
         apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: fields, domain: all}}\nspec:\n  fields:\n    \
         tenant_id: {{type: string, header: x-tenant-id}}\n    plan: {{type: string}}\n",
        services.join(", ")
    );
    for (number, service) in services.iter().enumerate() {
        tree.push_str(&format!(
            "---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: p{number}, domain: all}}\nspec:\n  \
             workloads: [{service}]\n  rules:\n"
        ));
        for rule in 0..rules.div_ceil(services.len()) {
            tree.push_str(&format!(
                "    - {{name: r{rule}, when: \"context.tenant_id == 't{number}_{rule}_{round}' && request.url_path.startsWith('/v{rule}/') \
                 && context.plan != 'gold'\", deny: {{status: 403}}}}\n"
            ));
        }
    }
    tree
}

fn run(rules: usize, rounds: usize) -> Result<()> {
    let first = Policy::from_text(&tree(rules, 0))?;
    println!("{rules} rules, artifact of {} bytes", first.artifact.len());
    let mesh = MeshBuilder::new("pair.example")
        .service("front", &[])
        .service("back", &[])
        .filter(policy::filter()?, move |service, role| first.configuration(service, role))
        .start()?;
    let endpoint = mesh.inbound("front", As::Service("client"))?;
    for round in 1..=rounds {
        let next = Policy::from_text(&tree(rules, round))?;
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let pushing = scope.spawn(|| -> Result<Duration> {
                thread::sleep(Duration::from_millis(300));
                let started = Instant::now();
                for role in [Role::Inbound, Role::Outbound] {
                    let outcome = mesh.push_filter_config("front", role, &next.configuration("front", role))?;
                    if outcome != PushOutcome::Accepted {
                        return Err(Error::new("the Envoy refused the configuration"));
                    }
                }
                let took = started.elapsed();
                thread::sleep(Duration::from_millis(300));
                done.store(true, Ordering::Relaxed);
                Ok(took)
            });
            let mut latencies = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let load = Load { requests: 100, connections: 1, limit: Duration::from_secs(30) };
                latencies.extend(mesh.load(&endpoint, load, |_| Request::get("/"), |_, _| Ok(()))?.latencies);
            }
            latencies.sort_unstable();
            let median = latencies.get(latencies.len() / 2).copied().unwrap_or_default();
            let slowest = latencies.last().copied().unwrap_or_default();
            let pushed = pushing.join().map_err(|_| Error::new("the thread that pushes ended"))??;
            println!(
                "round {round}: both plugins in {pushed:.0?}; of {} requests the median took {median:.1?}, the slowest {slowest:.1?}",
                latencies.len()
            );
            Ok(())
        })?;
    }
    Ok(())
}
