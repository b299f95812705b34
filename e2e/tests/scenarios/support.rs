//! Shared by the scenarios: meshes with the filter, and functions to read their logs and statistics.

use context_mesh_e2e::client::{Endpoint, Request, Response};
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use policy_compiler::check::lock;
use policy_compiler::report::source::Sources;
use policy_compiler::run::recorded::filter_report;
use serde_json::Value;

/// The trace of most requests.
pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Returns the demo mesh with the demo's policies.
pub(crate) fn shop() -> Mesh {
    let policy = Policy::shop().unwrap();
    MeshBuilder::shop().filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r)).start().unwrap()
}

/// Returns two services, `front` that calls `back`, with a policy tree that begins with [`MESH`].
pub(crate) fn pair(policies: &str) -> Mesh {
    pair_with(&format!("{MESH}{policies}"), 1)
}

/// Returns two services with a whole policy tree.
pub(crate) fn pair_with(tree: &str, workers: u32) -> Mesh {
    pair_built(tree, |mesh| mesh.concurrency(workers))
}

/// Returns the same, with the changes of `build`.
pub(crate) fn pair_built(tree: &str, build: impl FnOnce(MeshBuilder) -> MeshBuilder) -> Mesh {
    pair_of(Policy::from_text(tree).unwrap(), build)
}

/// Returns two services with compiled policies.
pub(crate) fn pair_of(policy: Policy, build: impl FnOnce(MeshBuilder) -> MeshBuilder) -> Mesh {
    let mesh = MeshBuilder::new("pair.example").service("front", &["back"]).service("back", &[]);
    build(mesh).filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r)).start().unwrap()
}

/// The mesh of [`pair`] and its fields.
pub(crate) const MESH: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: pair}
spec:
  trustDomain: pair.example
  identity: /ns/default/sa/{service}
  domains:
    all: {services: [front, back, client]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    caller: {type: string, header: x-caller}
    tenant_id: {type: string, pattern: "[a-z0-9_]+", immutable: true, header: x-tenant-id}
    user_id: {type: string, classification: pii, header: x-user-id, baggage: true}
    feature_flags: {type: list<string>, merge: union}
"#;

/// A date in a lock file that is before any window.
pub(crate) const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Returns the lock file that `policyc lock` makes from `before` for a tree. Words without a date get `date`.
pub(crate) fn locked(tree: &str, before: &str, date: &str) -> String {
    let mut sources = Sources::new("policy");
    sources.add("policy.yaml", tree);
    let (_, model) =
        policy_compiler::compile_with_model(&sources).unwrap_or_else(|d| panic!("{}", d.to_text(&sources)));
    let (mut lock, _) = lock::parse(before).unwrap().updated(&lock::words(&model)).unwrap();
    lock.release_at(date).unwrap();
    lock.to_string()
}

/// Returns a peer of the service, with the certificate of `client`.
pub(crate) fn peer(mesh: &Mesh, service: &str) -> Endpoint {
    mesh.inbound(service, As::Service("client")).unwrap()
}

/// Returns a request of a separate trace for each number.
pub(crate) fn get_in(trace: u32, path: &str) -> Request {
    Request::get(path).header("traceparent", format!("00-4bf92f3577b34da6a3ce929d{trace:08x}-00f067aa0ba902b7-01"))
}

/// Returns a GET with the usual trace id.
pub(crate) fn get(path: &str) -> Request {
    Request::get(path).header("traceparent", TRACE)
}

/// Returns what the application of a service saw of a header; `null` if it did not see the header.
pub(crate) fn saw(response: &Response, service: &str, header: &str) -> Value {
    response.hop(service).unwrap()["saw"][header].clone()
}

/// Returns the filter's report on the only (or first) request that a service logged in this role.
pub(crate) fn report(mesh: &Mesh, service: &str, role: &str) -> Value {
    let find = |lines: &[Value]| lines.iter().find(|line| line["listener"] == role).cloned();
    let lines = mesh.access_log_when(service, |lines| find(lines).is_some()).unwrap();
    report_of(&find(&lines).unwrap())
}

/// Returns the filter's report in a line of the access log.
pub(crate) fn report_of(line: &Value) -> Value {
    let text = line["context_mesh"].as_str().expect("the access log has the filter's report");
    Value::Object(filter_report::read(text).expect("the report has the documented form"))
}

/// Returns a counter of the filter.
pub(crate) fn counter(mesh: &Mesh, service: &str, name: &str) -> u64 {
    mesh.stats(service).unwrap().get(&format!("wasmcustom.context_mesh.{name}"))
}

/// Checks that no virtual machine of the mesh trapped.
pub(crate) fn assert_no_trap(mesh: &Mesh) {
    for envoy in mesh.envoys() {
        let stats = envoy.stats().unwrap();
        for (name, value) in stats.containing("vm_reload") {
            assert_eq!(value, 0, "{}: {name}", envoy.name());
        }
        let log = envoy.log().unwrap();
        assert!(!log.contains("panicked") && !log.contains("Uncaught"), "{}: {log}", envoy.name());
    }
}
