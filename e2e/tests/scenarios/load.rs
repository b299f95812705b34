//! Many simultaneous requests: contexts of different traces never mix.

use std::time::Duration;

use context_mesh_e2e::client::Request;
use context_mesh_e2e::load::Load;

use crate::support::*;

#[test]
fn concurrent_requests_with_interleaved_traces_never_mix_contexts() {
    let mesh = pair_with(MESH, 2);
    let load = Load { requests: 10_000, connections: 64, limit: Duration::from_secs(240) };
    let request = |number: usize| {
        Request::get("/")
            .header("traceparent", format!("00-{:032x}-{:016x}-01", number + 1, number + 1))
            .header("x-mesh-context", format!(r#"{{"tenant_id":"t{number}","user_id":"u{number}","n":{number}}}"#))
    };
    let report = mesh
        .load(&peer(&mesh, "front"), load, request, |number, response| {
            for service in ["front", "back"] {
                let saw = response.hop(service).map_err(|error| error.to_string())?["saw"].clone();
                if saw["x-tenant-id"] != format!("t{number}") || saw["x-user-id"] != format!("u{number}") {
                    return Err(format!("request {number}: {service} saw {saw}"));
                }
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.statuses.get(&200), Some(&10_000), "{:?}", report.statuses);
    for name in ["recall_miss", "remember_failed"] {
        assert_eq!(counter(&mesh, "front", name), 0, "{name}");
    }
    assert_no_trap(&mesh);
}
