//! Soak: mixed requests, valid and invalid, while policies are swapped. No request fails, none gets the context of
//! another, and no memory grows.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Duration;

use context_mesh_e2e::client::{Request, Response};
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{Mesh, PushOutcome};
use context_mesh_e2e::policy::Policy;
use context_mesh_e2e::topology::Role;
use serde_json::Value;

use crate::support::*;

/// The size of a soak, in parts of which the first only warms up.
struct Soak {
    /// The number of the first request.
    first: usize,
    parts: usize,
    /// Numbers of requests and swaps of each part.
    requests: usize,
    swaps: usize,
    /// The pause between two swaps.
    pause: Duration,
    connections: usize,
}

/// A memory that is so small that expired records fill it within the first part.
const SETTINGS: &str = "  memory: {grace: 1s}\n";

/// Returns a rule with a different constant for every swap, so that every swap has another artifact.
fn tree(swap: usize) -> String {
    let mesh = MESH.replacen("  trustDomain: pair.example\n", &format!("  trustDomain: pair.example\n{SETTINGS}"), 1);
    let policy = format!(
        r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: swap, domain: all}}
spec:
  workloads: [front]
  rules:
    - {{name: blocked, when: "context.tenant_id == 'blocked' || context.tenant_id == 'swap{swap}'", deny: {{status: 403}}}}
"#
    );
    mesh + &policy
}

/// The headers that `front` forwards, and whether they distinguish the request from others of its trace.
const KINDS: [(&str, bool); 5] = [
    ("traceparent,tracestate,baggage", true),
    ("traceparent,tracestate", true),
    ("traceparent,baggage", true),
    ("traceparent", false),
    ("", false),
];

/// Returns the request with this number: of one of many traces, with one of many contexts, sometimes malformed.
fn request(number: usize) -> Request {
    let (forward, _) = KINDS[number % KINDS.len()];
    // A tenth of the requests share one trace. Each of the others shares a trace with a few others.
    let trace = if number.is_multiple_of(10) { 1 } else { u32::try_from(number / 3 % 50_000).unwrap() + 2 };
    let mut context = format!(r#"{{"tenant_id":"{}","user_id":"u{number}""#, tenant(number));
    if number % 7 == 3 {
        write!(context, r#","note":"{}""#, "x".repeat(number % 3000)).unwrap();
    }
    context.push('}');
    let request = get_in(trace, &format!("/?forward.front={forward}")).header("x-mesh-context", context);
    match number % 23 {
        1 => request.header("baggage", "user_id=evil,,=,k=v"),
        2 => request.header("tracestate", "cmesh=1,a=b,A=b"),
        3 => request.header("b3", "0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1"),
        4 => request.header("b3", "broken"),
        5 => request.header("x_tenant_id", "evil"),
        6 => request.header("x-request-id", format!("r{}", number % 100)),
        _ => request,
    }
}

fn tenant(number: usize) -> String {
    if number % 31 == 7 { "blocked".to_owned() } else { format!("t{}", number % 997) }
}

fn check(number: usize, response: &Response) -> Result<(), String> {
    let tenant = tenant(number);
    let fail = |what: String| Err(format!("request {number} of {tenant}: {what}"));
    if tenant == "blocked" {
        return if response.status == 403 { Ok(()) } else { fail(format!("status {}", response.status)) };
    }
    let answer = response.json().map_err(|error| error.to_string())?;
    if response.status != 200 || answer["downstream_status"] != 200 {
        return fail(format!("status {}, downstream {}", response.status, answer["downstream_status"]));
    }
    if answer["saw"]["x-tenant-id"] != tenant || answer["saw"]["x-user-id"] != format!("u{number}") {
        return fail(format!("front saw {}", answer["saw"]));
    }
    let seen = &answer["downstream"]["saw"];
    let exact = KINDS[number % KINDS.len()].1;
    for (header, own) in [("x-tenant-id", tenant.clone()), ("x-user-id", format!("u{number}"))] {
        let found = &seen[header];
        let fine = if exact { *found == own } else { *found == Value::Null || *found == own };
        if !fine {
            return fail(format!("back saw {header} {found}"));
        }
    }
    Ok(())
}

/// Returns the resident memory of the Envoy of a service, in KB.
fn resident(mesh: &Mesh, service: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", mesh.envoy(service).unwrap().id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Swaps the policies of `front` this number of times.
fn swap(mesh: &Mesh, first: usize, swaps: usize, pause: Duration) {
    for count in 0..swaps {
        let policy = Policy::from_text(&tree(first + count)).unwrap();
        for role in [Role::Inbound, Role::Outbound] {
            let outcome = mesh.push_filter_config("front", role, &policy.configuration("front", role)).unwrap();
            assert_eq!(outcome, PushOutcome::Accepted, "{role}");
        }
        thread::sleep(pause);
    }
}

fn soak(soak: &Soak) {
    let mesh = pair_with(&tree(0), 2);
    let mut resident_after = Vec::new();
    for part in 0..soak.parts {
        let (first, swapped) = (soak.first + part * soak.requests, part * soak.swaps);
        thread::scope(|scope| {
            let swapping = scope.spawn(|| swap(&mesh, swapped, soak.swaps, soak.pause));
            let load =
                Load { requests: soak.requests, connections: soak.connections, limit: Duration::from_secs(1200) };
            let report = mesh.load(
                &peer(&mesh, "front"),
                load,
                move |number| request(first + number),
                move |number, response| check(first + number, response),
            );
            let report = report.unwrap();
            assert_eq!((report.answered(), report.failures), (soak.requests, Vec::new()), "part {part}");
            swapping.join().unwrap();
            let longest = report.latencies.last().copied().unwrap_or_default();
            eprintln!("part {part}: {} requests in {:.0?}, the slowest {longest:.0?}", soak.requests, report.took);
        });
        // Everything that is over has been forgotten by now.
        thread::sleep(Duration::from_secs(3));
        resident_after.push(resident(&mesh, "front"));
    }
    eprintln!("{} swaps; resident KB after each part: {resident_after:?}", soak.parts * soak.swaps);
    for name in ["ticket_conflict", "recall_dead", "recall_lost", "remember_failed"] {
        assert_eq!(counter(&mesh, "front", name), 0, "{name}");
    }
    assert_no_trap(&mesh);
    // In the first part everything grows to its size.
    if let [_, first, .., last] = resident_after.as_slice() {
        assert!(*last * 100 <= *first * 101, "memory grows: {resident_after:?}");
    }
}

#[test]
fn mixed_requests_with_swaps_fail_nowhere() {
    soak(&Soak { first: 0, parts: 1, requests: 4000, swaps: 6, pause: Duration::from_millis(300), connections: 32 });
}

/// A quarter of a million requests and 75 swaps.
fn quarter(number: usize) {
    soak(&Soak {
        first: number * 250_000,
        parts: 5,
        requests: 50_000,
        swaps: 15,
        pause: Duration::from_secs(1),
        connections: 64,
    });
}

#[test]
#[ignore = "takes minutes: `make prove` runs it"]
fn prove_a_million_mixed_requests_with_300_swaps_first_quarter() {
    quarter(0);
}

#[test]
#[ignore = "takes minutes: `make prove` runs it"]
fn prove_a_million_mixed_requests_with_300_swaps_second_quarter() {
    quarter(1);
}

#[test]
#[ignore = "takes minutes: `make prove` runs it"]
fn prove_a_million_mixed_requests_with_300_swaps_third_quarter() {
    quarter(2);
}

#[test]
#[ignore = "takes minutes: `make prove` runs it"]
fn prove_a_million_mixed_requests_with_300_swaps_last_quarter() {
    quarter(3);
}
