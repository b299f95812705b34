//! Measures what AuthorizationPolicies cost in Envoy: its own RBAC filter beside the filter with the tree that is imported
//! from the same policies. `make bench-policies` builds what it needs and runs it, in about two minutes.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use context_mesh_benches::chain::Chain;
use context_mesh_benches::load;
use context_mesh_benches::rounds::{Plan, Samples};
use context_mesh_benches::table::{self, Group};
use context_mesh_e2e::authorization::filters::filters;
use context_mesh_e2e::authorization::policy::{self as istio, Resources};
use context_mesh_e2e::authorization::select::policies_of;
use context_mesh_e2e::certs::Authority;
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Role;
use policy_compiler::import::{convert, read, select};
use policy_compiler::pack::emit::http_filter;
use policy_compiler::report::source::Sources;
use serde_json::Value;

/// How many policies hold for the workload.
const SIZES: [usize; 3] = [10, 100, 1000];
/// The workload, and the service of its client.
const WORKLOAD: &str = "cart";
const CALLER: &str = "front";
/// The load of a variant.
const PLAN: Plan = Plan { rounds: 5, requests: 12_000, connections: 16 };

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-policies: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The chains with a number of policies, and what they cost.
struct Measured {
    size: usize,
    /// The names of the chains that started, and their samples.
    chains: Vec<(&'static str, Chain, Samples)>,
}

fn run() -> Result<()> {
    let started = Instant::now();
    let folder = tempfile::tempdir().map_err(|problem| Error::new(format!("no folder for the Envoys: {problem}")))?;
    let authority = Authority::new("cluster.local")?;
    let mut all = Vec::new();
    for size in SIZES {
        all.push(start(&folder.path().join(size.to_string()), &authority, size)?);
        eprintln!("{size} policies ({:.0} s)", started.elapsed().as_secs_f64());
    }
    for round in 0..=PLAN.rounds {
        for measured in &mut all {
            let size = measured.size;
            for (_, chain, samples) in &mut measured.chains {
                let before = chain.cpu_time()?;
                let answered = load::run(chain.endpoint(), PLAN.connections, PLAN.requests, |at| request(at % size))?;
                if round > 0 {
                    samples.add(chain.cpu_time()?.saturating_sub(before), answered);
                }
            }
        }
        eprintln!("round {round} of {} ({:.0} s)", PLAN.rounds, started.elapsed().as_secs_f64());
    }
    let groups: Vec<_> = all
        .into_iter()
        .map(|measured| Group {
            name: format!("{} policies", measured.size),
            lines: measured.chains.into_iter().map(|(name, _, samples)| (name.to_owned(), samples)).collect(),
        })
        .collect();
    println!(
        "A listener with mutual TLS, one worker, answering itself. Each request matches one of the policies, each in turn.\n\
         CPU µs for each request, medians of {} rounds of {} requests{}",
        PLAN.rounds,
        PLAN.requests,
        table::render(&groups)
    );
    Ok(())
}

fn start(folder: &Path, authority: &Authority, size: usize) -> Result<Measured> {
    let text = resources(size);
    let read = istio::read("policies", &text)?;
    let mut variants = vec![("no filter", Vec::new()), ("RBAC", rbac(&read)?)];
    match imported(&text) {
        Ok(filter) => variants.push(("Context Mesh, imported", vec![filter])),
        Err(why) => println!("{size} policies are not imported: {why}"),
    }
    let binary = envoy_binary::find()?;
    let mut chains = Vec::new();
    for (at, (name, filters)) in variants.into_iter().enumerate() {
        let folder = folder.join(at.to_string());
        let chain = Chain::start(&folder, &binary, authority, WORKLOAD, CALLER, &filters)?;
        chains.push((name, chain, Samples::default()));
    }
    Ok(Measured { size, chains })
}

/// Returns policies of one workload: each lets a caller use a part of its API.
fn resources(size: usize) -> String {
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {WORKLOAD}, namespace: default}}\nspec:\n  template:\n    \
         metadata: {{labels: {{app: {WORKLOAD}}}}}\n    spec: {{serviceAccountName: {WORKLOAD}, containers: [{{name: c, image: c}}]}}\n"
    );
    for number in 0..size {
        text += &format!(
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p{number}, namespace: default}}\n\
             spec:\n  selector: {{matchLabels: {{app: {WORKLOAD}}}}}\n  rules:\n    - from: [{{source: {{principals: \
             [cluster.local/ns/default/sa/{CALLER}, cluster.local/ns/team-{number}/sa/worker]}}}}]\n      to: [{{operation: {{methods: \
             [GET, HEAD], paths: [/api/v{number}/*]}}}}]\n"
        );
    }
    text
}

/// Returns a request that one policy matches.
fn request(policy: usize) -> Vec<u8> {
    format!("GET /api/v{policy}/items?page=2 HTTP/1.1\r\nhost: {WORKLOAD}\r\nuser-agent: shop/1.0\r\naccept: application/json\r\n\r\n")
        .into_bytes()
}

fn rbac(resources: &Resources) -> Result<Vec<Value>> {
    let workload = resources.workloads.first().ok_or_else(|| Error::new("there is no workload"))?;
    Ok(filters(&policies_of(resources, workload), &resources.mesh))
}

/// Returns the filter with the tree of the policies.
fn imported(text: &str) -> Result<Value> {
    let mut sources = Sources::new("policies");
    sources.add_limited("policies.yaml", text, usize::MAX);
    let (resources, diagnostics) = read(&sources);
    if diagnostics.has_errors() {
        return Err(Error::new(diagnostics.to_text(&sources)));
    }
    let converted = convert::convert(&resources, &select::groups(&resources));
    for verdict in &converted.verdicts {
        if let convert::Verdict::Refused(reasons) = verdict {
            return Err(Error::new(reasons.first().map(|reason| reason.text.clone()).unwrap_or_default()));
        }
    }
    let tree = Policy::from_files(converted.files.iter().map(|file| (file.path.as_str(), file.text.as_str())))?;
    let configuration = tree.configuration(WORKLOAD, Role::Inbound);
    Ok(http_filter(&policy::filter()?.to_string_lossy(), &configuration))
}
