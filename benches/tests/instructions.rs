//! Checks the number of WebAssembly instructions of the filter: for ordinary requests, and the maximum for any request.

use context_mesh_benches::counted::Spent;
use context_mesh_benches::counted::ordinary::{context, filter, ordinary, sent, trace};
use context_mesh_benches::hostile::{cases, tree};
use context_mesh_e2e::lists::list;
use context_mesh_e2e::policy::{self, Policy};

/// The most instructions of a request, whatever it contains. In Envoy's compiled code, 10 million instructions took a
/// third of a millisecond.
const MOST: u64 = 16_000_000;

/// The most host calls of a request: enough to read everything that a gateway with many rules needs, and to write what
/// is remembered.
const MOST_CALLS: u64 = 64;

const PEER: &str = "spiffe://pair.example/ns/default/sa/client";

/// The cost of ordinary requests of the demo. The limits are a quarter above the values that were measured when they
/// were set. A change that exceeds them has made the data path more expensive.
#[test]
fn ordinary_requests_take_so_much_and_no_more() {
    let (wasm, policy) = (policy::filter().unwrap(), Policy::shop().unwrap());
    let (with, without) = (ordinary(&wasm, &policy, true).unwrap(), ordinary(&wasm, &policy, false).unwrap());
    for (outcome, by) in [(&with.by_ticket, "ticket"), (&with.by_id, "traceparent")] {
        assert!(outcome.report.contains(&format!(" recalledBy={by} ")), "{}", outcome.report);
    }
    let limits = [
        ("inbound", with.inbound.spent, 190_000, 19),
        ("outbound by ticket", with.by_ticket.spent, 185_000, 8),
        ("outbound by id", with.by_id.spent, 160_000, 9),
    ];
    for (name, Spent { instructions, host_calls }, most, most_calls) in limits {
        let fine = instructions <= most && host_calls <= most_calls;
        assert!(fine, "{name}: {instructions} instructions, {host_calls} host calls");
    }
    let tickets = with.inbound.spent.instructions - without.inbound.spent.instructions;
    assert!(tickets <= 32_000, "tickets and memory take {tickets} instructions");
}

/// Whatever a request contains, it does not exceed its budget.
#[test]
fn no_request_takes_more_than_its_budget() {
    let policy = Policy::from_text(&tree()).unwrap();
    let mut filter = filter(&policy::filter().unwrap(), &policy, "front").unwrap();
    let mut refused = 0;
    let mut worst = (0, String::new());
    for (name, headers) in cases() {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers = &sent(&headers);
        for inbound in [true, false] {
            if !inbound {
                // The call also recalls and merges the context of a request of its trace.
                let mut remembered = sent(&[("x-mesh-context", &context(&[("joined", &list(1200, "\"r\""))]))]);
                remembered.push((b"traceparent".to_vec(), trace(1).into_bytes()));
                filter.inbound(PEER, &remembered).unwrap();
            }
            let outcome = if inbound { filter.inbound(PEER, headers) } else { filter.outbound(headers) };
            let outcome = outcome.unwrap_or_else(|problem| panic!("{name}: {problem}"));
            let direction = if inbound { "inbound" } else { "outbound" };
            let Spent { instructions, host_calls } = outcome.spent;
            let status = outcome.refused.map_or("goes on".to_owned(), |status| status.to_string());
            eprintln!("{instructions:>9} instructions, {host_calls:>3} calls, {status}: {direction} {name}");
            worst = worst.max((instructions, format!("{direction} {name}")));
            assert!(host_calls <= MOST_CALLS, "{direction} {name}: {host_calls} calls");
            refused += usize::from(outcome.refused == Some(431));
        }
    }
    assert!(refused >= 10, "the cases ask for too much: {refused} were refused");
    assert!(worst.0 <= MOST, "{worst:?}");
}
