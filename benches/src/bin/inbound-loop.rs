//! Repeats the processing of an inbound request in `core`, for a profiler. It is not part of any `make` command.
//!
//! ```sh
//! CARGO_PROFILE_FILTER_STRIP=none CARGO_PROFILE_FILTER_DEBUG=1 cargo build --profile filter \
//!     --package context-mesh-benches --no-default-features --bin inbound-loop
//! valgrind --tool=callgrind target/filter/inbound-loop 1000
//! ```
//!
//! The argument is the number of requests. The cost of one request is the difference between two runs divided by the
//! difference between their numbers.

use std::hint::black_box;
use std::process::ExitCode;

use context_mesh_benches::demo::{FIELDS, NOW_MS, PEER};
use context_mesh_core::artifact;
use context_mesh_core::carrier::mesh_header;
use context_mesh_core::headers::Headers;
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{self, Host, Routing, Workload};
use context_mesh_core::testing::{FakeHost, context};
use policy_compiler::report::source::Sources;

/// The demo's policies.
const FILES: [(&str, &str); 6] = [
    ("mesh.yaml", include_str!("../../../examples/shop/mesh.yaml")),
    ("enterprise/schema.yaml", include_str!("../../../examples/shop/enterprise/schema.yaml")),
    ("enterprise/guardrails.yaml", include_str!("../../../examples/shop/enterprise/guardrails.yaml")),
    ("shop/policies.yaml", include_str!("../../../examples/shop/shop/policies.yaml")),
    ("shop/schema.yaml", include_str!("../../../examples/shop/shop/schema.yaml")),
    ("payments/policies.yaml", include_str!("../../../examples/shop/payments/policies.yaml")),
];

fn main() -> ExitCode {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    match run(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("inbound-loop: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(count: usize) -> Result<(), String> {
    let mut sources = Sources::new("shop");
    for (path, text) in FILES {
        sources.add(path, text);
    }
    let compiled = policy_compiler::compile(&sources).map_err(|problems| format!("{problems:?}"))?;
    let program = artifact::load(&compiled.artifact).map_err(|error| error.to_string())?;
    let carried = mesh_header::encode(&context(&FIELDS), program.words().writer(NOW_MS), NOW_MS);
    let carried = carried.map_err(|error| error.as_str().to_owned())?;
    let workload = Workload::new(program, "checkout-service");
    let proxy = FakeHost::with_peer(PEER);
    let requests = Memory::new(workload.service());
    for number in 0..count {
        let trace = format!("00-{:032x}-00f067aa0ba902b7-01", number % 64 + 1);
        let headers = [
            (":authority", "checkout-service"),
            (":path", "/checkout/cart-4711?step=2"),
            (":method", "GET"),
            (":scheme", "https"),
            ("user-agent", "shop/1.0"),
            ("accept", "application/json"),
            ("accept-encoding", "gzip"),
            ("x-request-id", "0b7f4d5e-31b1-4a52-9f0e-6a5f2b9a4c11"),
            ("traceparent", trace.as_str()),
            ("x-mesh-context", carried.as_str()),
        ];
        let headers = Headers::new(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect());
        let host = Host {
            attributes: &proxy,
            memory: &proxy,
            requests: &requests,
            randomness: &proxy,
            routing: Routing::Fixed,
            now_ms: NOW_MS,
            observer: None,
        };
        let plan = pipeline::inbound(&workload, &headers, host);
        if plan.refusal.is_some() || !plan.counters.is_empty() {
            return Err(format!("the request was refused, or something was wrong: {}", plan.report.to_text()));
        }
        black_box(plan.report.to_text());
    }
    Ok(())
}
