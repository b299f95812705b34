//! Tests the library itself with real Envoys, without a filter or with one that does nothing.

use std::path::PathBuf;
use std::time::Duration;

use context_mesh_e2e::client::Request;
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{As, MeshBuilder, PushOutcome};
use context_mesh_e2e::noop_filter;
use context_mesh_e2e::topology::Role;
use serde_json::json;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn runs(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Returns the smallest mesh: one service, no gateway.
fn alone() -> MeshBuilder {
    MeshBuilder::new("alone.example").service("alone", &[])
}

/// Returns a filter that does nothing, in a folder that is removed with the first value.
fn noop() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("noop.wasm");
    noop_filter::write(&file).unwrap();
    (folder, file)
}

#[test]
fn a_request_travels_through_the_gateway_and_four_sidecars() {
    let mesh = MeshBuilder::shop().start().unwrap();
    let request = Request::get("/cart?a=1").header("traceparent", TRACE).header("x-tenant-id", "t");
    let response = mesh.send(&mesh.gateway(), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.hop("web-frontend").unwrap()["saw"]["x-tenant-id"], "t");
    let ledger = response.hop("ledger").unwrap();
    assert_eq!(ledger["saw"]["traceparent"], TRACE);
    assert_eq!(ledger["saw"].get("x-tenant-id"), None);

    let lines = mesh.access_log_when("payment-service", |lines| lines.len() == 2).unwrap();
    let inbound = lines.iter().find(|line| line["listener"] == "inbound").unwrap();
    assert_eq!(inbound["peer"], "spiffe://shop.example/ns/default/sa/checkout-service");
    assert_eq!(inbound["path"], "/cart?a=1");
    assert_eq!(inbound["status"], 200);
    assert_eq!(inbound["traceparent"], TRACE);
    let outbound = lines.iter().find(|line| line["listener"] == "outbound").unwrap();
    assert_eq!(outbound["upstream_cluster"], "ledger");
}

#[test]
fn http2_stays_http2_through_all_sidecars() {
    let mesh = MeshBuilder::shop().start().unwrap();
    let response = mesh.send(&mesh.gateway().http2(), Request::grpc("/shop.Cart/Get")).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let lines = mesh.access_log_when("ledger", |lines| !lines.is_empty()).unwrap();
    assert_eq!(lines[0]["protocol"], "HTTP/2");
    assert_eq!(lines[0]["method"], "POST");
}

#[test]
fn an_application_can_be_made_to_send_more() {
    let mesh = MeshBuilder::shop().start().unwrap();
    let response = mesh.get("/cart?send.checkout-service=x-tenant-id:evil").unwrap();
    assert_eq!(response.hop("payment-service").unwrap()["saw"]["x-tenant-id"], "evil");
    assert_eq!(response.hop("ledger").unwrap()["saw"].get("x-tenant-id"), None);
}

#[test]
fn a_token_is_checked_where_there_is_one() {
    let mesh = MeshBuilder::shop().start().unwrap();
    let token = mesh.signer().token(&json!({"sub": "user-1"}));
    let ask = |token: &str| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        mesh.send(&mesh.gateway(), request).unwrap().status
    };
    assert_eq!(mesh.get("/").unwrap().status, 200);
    assert_eq!(ask(&token), 200);
    assert_eq!(ask(&token.replace('.', ".x")), 401);
    assert_eq!(ask(&mesh.signer().token(&json!({"iss": "https://elsewhere.example"}))), 401);
}

#[test]
fn a_peer_needs_a_certificate_of_the_mesh() {
    let mesh = alone().start().unwrap();
    let ask = |peer| mesh.send(&mesh.inbound("alone", peer).unwrap(), Request::get("/"));
    assert_eq!(ask(As::Service("friend")).unwrap().status, 200);
    for refused in [As::Nobody, As::Stranger("friend"), As::Id("spiffe://elsewhere.example/ns/default/sa/friend")] {
        assert!(ask(refused).is_err(), "{refused:?}");
    }
    let stats = mesh.stats("alone").unwrap();
    assert_eq!(stats.get("http.inbound.downstream_rq_total"), 1);
}

#[test]
fn a_call_ends_only_at_the_service_that_it_names() {
    let mesh = MeshBuilder::new("two.example").service("one", &["two"]).service("two", &[]).start().unwrap();
    let call = |destination| mesh.send(&mesh.outbound("one", destination).unwrap(), Request::get("/")).unwrap();
    assert_eq!(call("two").json().unwrap()["service"], "two");
    assert_eq!(call("two:80").json().unwrap()["service"], "two");
    assert_eq!(call("three").status, 503);
    // The request of an application that uses the sidecar as its HTTP proxy.
    let as_proxy = Request::get("http://two/x").authority("two");
    let response = mesh.send(&mesh.outbound("one", "one").unwrap(), as_proxy).unwrap();
    assert_eq!(response.json().unwrap()["service"], "two");
}

#[test]
fn headers_are_carried_as_bytes() {
    let mesh = alone().start().unwrap();
    let endpoint = mesh.inbound("alone", As::Service("friend")).unwrap();
    let request = Request::get("/")
        .header("x-odd", b"a\xff")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("x-large", "a".repeat(60 * 1024));
    let saw = mesh.send(&endpoint, request).unwrap().json().unwrap()["saw"].clone();
    assert_eq!(saw["x-odd"], "(not UTF-8) a\u{fffd}");
    assert_eq!(saw["x-twice"], json!(["1", "2"]));
    assert_eq!(saw["x-large"].as_str().unwrap().len(), 60 * 1024);
}

#[test]
fn all_processes_end_with_the_mesh() {
    let mesh = alone().start().unwrap();
    let (pids, folder) = (mesh.process_ids(), mesh.folder().to_owned());
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| runs(*pid)));
    drop(mesh);
    assert!(!pids.into_iter().any(runs));
    assert!(!folder.exists());
}

#[test]
fn all_processes_end_with_a_failing_test() {
    let (report, pids) = std::sync::mpsc::channel();
    let failing = std::thread::spawn(move || {
        let mesh = alone().start().unwrap();
        report.send(mesh.process_ids()).unwrap();
        panic!("as a failing test does");
    });
    assert!(failing.join().is_err());
    assert!(!pids.recv().unwrap().into_iter().any(runs));
}

#[test]
fn an_envoy_that_does_not_start_says_why() {
    let error = MeshBuilder::new("x.example").service("x", &[]).concurrency(0).envoy("/bin/false").start().unwrap_err();
    assert!(error.to_string().contains("the Envoy of `x` ended"), "{error}");
}

#[test]
fn a_filter_configuration_is_pushed_and_a_refused_one_changes_nothing() {
    let (_folder, wasm) = noop();
    let mesh = alone().filter(wasm, |service, role| format!("{service} {role}")).start().unwrap();
    assert_eq!(mesh.push_filter_config("alone", Role::Inbound, "the next one").unwrap(), PushOutcome::Accepted);
    assert_eq!(
        mesh.push_filter_config("alone", Role::Inbound, noop_filter::REFUSED_CONFIGURATION).unwrap(),
        PushOutcome::Rejected
    );
    assert_eq!(mesh.push_filter_document("alone", Role::Outbound, "{").unwrap(), PushOutcome::Rejected);
    let rejected =
        mesh.stats("alone").unwrap().get("extension_config_discovery.http_filter.context_mesh.update_rejected");
    assert_eq!(rejected, 1);
    let peer = mesh.inbound("alone", As::Service("friend")).unwrap();
    assert_eq!(mesh.send(&peer, Request::get("/")).unwrap().status, 200);
    assert_eq!(mesh.push_filter_config("alone", Role::Inbound, "a good one").unwrap(), PushOutcome::Accepted);
    assert!(
        mesh.push_filter_config("alone", Role::Gateway, "x").unwrap_err().to_string().contains("no gateway filter")
    );
}

#[test]
fn a_mesh_whose_filter_is_refused_does_not_start() {
    let (_folder, wasm) = noop();
    let error = alone().filter(wasm, |_, _| noop_filter::REFUSED_CONFIGURATION.to_owned()).start().unwrap_err();
    assert!(error.to_string().contains("refused a configuration"), "{error}");
    let error = alone().filter("/no/such.wasm", |_, _| String::new()).start().unwrap_err();
    assert!(error.to_string().contains("`/no/such.wasm` is not there"), "{error}");
}

#[test]
fn a_load_reports_every_answer() {
    let (_folder, wasm) = noop();
    let mesh = alone().filter(wasm, |_, _| String::new()).concurrency(2).start().unwrap();
    let endpoint = mesh.inbound("alone", As::Service("friend")).unwrap();
    let load = Load { requests: 2_000, connections: 16, limit: Duration::from_secs(60) };
    let before = mesh.envoy("alone").unwrap().cpu_time().unwrap();
    let report = mesh
        .load(
            &endpoint,
            load,
            |number| Request::get(&format!("/{number}")).header("x-number", number.to_string()),
            |number, response| {
                let saw = response.json().map_err(|error| error.to_string())?["saw"]["x-number"].clone();
                if saw == json!(number.to_string()) { Ok(()) } else { Err(format!("saw {saw}")) }
            },
        )
        .unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.statuses.get(&200), Some(&2_000));
    assert!(mesh.envoy("alone").unwrap().cpu_time().unwrap() > before);
    mesh.stop().unwrap();
}
