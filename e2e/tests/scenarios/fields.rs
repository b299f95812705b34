//! The schema of a field applies without any rule: where the field may be sent, and how long it is valid.

use std::time::{Duration, Instant};

use context_mesh_core::artifact;
use context_mesh_core::carrier::mesh_header::{self, MeshHeader};
use context_mesh_e2e::client::{Endpoint, Response};
use context_mesh_e2e::envoy::StartingEnvoy;
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::mesh::{As, Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::ports::ReservedPort;
use serde_json::{Value, json};

use crate::support::*;

/// Two regions, and a field that must stay in one of them.
pub(crate) const REGIONS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: regions}
spec:
  trustDomain: regions.example
  identity: /ns/default/sa/{service}
  gateways: [edge]
  domains:
    home: {services: [edge, front, client], region: eu}
    eu: {services: [eu-store], region: eu}
    us: {services: [us-store], region: us}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: home}
spec:
  fields:
    plan: {type: string, header: x-plan}
    iban: {type: string, header: x-iban, residency: [eu], origin: [front]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: mint, domain: home}
spec:
  workloads: [edge]
  rules:
    - name: from-the-client
      set: {plan: "'gold'", iban: "'DE02'"}
"#;

const CONTEXT: &str = r#"{"plan":"gold","iban":"DE02"}"#;

/// Returns a mesh with the policies [`REGIONS`].
pub(crate) fn regions(describe: impl FnOnce(MeshBuilder) -> MeshBuilder) -> Mesh {
    regions_of(Policy::from_text(REGIONS).unwrap(), describe)
}

/// Returns a mesh with these policies, which begin with [`REGIONS`].
pub(crate) fn regions_of(policy: Policy, describe: impl FnOnce(MeshBuilder) -> MeshBuilder) -> Mesh {
    assert_eq!(policy.warnings, "");
    let filter = policy::filter().unwrap();
    let stores = MeshBuilder::new("regions.example").service("eu-store", &[]).service("us-store", &[]);
    describe(stores).filter(filter, move |service, role| policy.configuration(service, role)).start().unwrap()
}

/// Returns the two fields, as the application of a service saw them.
fn fields_at(response: &Response, service: &str) -> (Value, Value) {
    assert_eq!(response.status, 200, "{}", response.text());
    (saw(response, service, "x-plan"), saw(response, service, "x-iban"))
}

const BOTH: fn() -> (Value, Value) = || (json!("gold"), json!("DE02"));
const WITHOUT_IBAN: fn() -> (Value, Value) = || (json!("gold"), Value::Null);

#[test]
fn a_field_that_is_bound_to_a_region_does_not_leave_it() {
    let mesh = regions(|mesh| mesh.service("front", &["eu-store", "us-store"]));
    // The application additionally sends the field itself, which changes nothing.
    for path in ["/", "/?send.front=x-iban:DE02&send.front=baggage:iban%3DDE02"] {
        let response = mesh.send(&peer(&mesh, "front"), get(path).header("x-mesh-context", CONTEXT)).unwrap();
        assert_eq!(fields_at(&response, "front"), BOTH());
        assert_eq!(fields_at(&response, "eu-store"), BOTH());
        assert_eq!(fields_at(&response, "us-store"), WITHOUT_IBAN());
        let baggage = saw(&response, "us-store", "baggage").as_str().unwrap().to_owned();
        assert!(baggage.ends_with(",plan=gold,caller=front"), "behind the ticket: {baggage}");
    }
    assert_eq!(counter(&mesh, "front", "field_kept_in_region"), 2);
    let to_us = |line: &&Value| line["upstream_cluster"] == "us-store";
    let lines = mesh.access_log_when("front", |lines| lines.iter().filter(to_us).count() == 2).unwrap();
    assert_eq!(report_of(lines.iter().find(to_us).unwrap())["kept_in_region"], json!(["iban"]));
    assert_no_trap(&mesh);
}

#[test]
fn at_a_gateway_the_region_is_that_of_the_route_whatever_the_client_writes() {
    // The client writes an authority of the other region.
    for (upstream, authority, expected) in [("eu-store", "us-store", BOTH()), ("us-store", "eu-store", WITHOUT_IBAN())]
    {
        let mesh = regions(|mesh| mesh.gateway("edge", upstream));
        let response = mesh.send(&mesh.gateway(), get("/").authority(authority)).unwrap();
        assert_eq!(fields_at(&response, upstream), expected, "{upstream}");
    }
}

#[test]
fn behind_an_application_the_region_is_that_of_the_route_as_well() {
    let mesh = regions(|mesh| mesh.service("front", &[]));
    // A second sidecar of `front`, whose routes do not follow the authority.
    let folder = mesh.folder().join("front-by-route");
    std::fs::create_dir(&folder).unwrap();
    let (inbound, outbound) = (ReservedPort::reserve().unwrap(), ReservedPort::reserve().unwrap());
    let port = |endpoint: Endpoint| format!("port_value: {}", endpoint.address.port());
    let bootstrap = std::fs::read_to_string(mesh.folder().join("front/envoy.yaml")).unwrap();
    let changed = bootstrap
        .replace("cluster_header: \":authority\"", "cluster_header: x-route-to")
        .replace(&port(mesh.inbound("front", As::Nobody).unwrap()), &format!("port_value: {}", inbound.port()))
        .replace(&port(mesh.outbound("front", "-").unwrap()), &format!("port_value: {}", outbound.port()));
    assert_ne!(bootstrap, changed);
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, changed).unwrap();
    let binary = envoy_binary::find().unwrap();
    let _envoy = StartingEnvoy::spawn("front-by-route", &binary, &file, &folder, 1).unwrap().ready().unwrap();
    for (cluster, authority, expected) in [("eu-store", "us-store", BOTH()), ("us-store", "eu-store", WITHOUT_IBAN())] {
        let request = get("/").header("x-mesh-context", CONTEXT).header("x-route-to", cluster);
        let response = mesh.send(&Endpoint::plain(outbound.address(), authority), request).unwrap();
        assert_eq!(fields_at(&response, cluster), expected, "{cluster}");
    }
}

/// How long the field of the next scenario is valid: longer than two hops take on a busy machine.
const TTL: Duration = Duration::from_secs(4);

#[test]
fn a_field_is_gone_at_the_next_hop_when_its_time_is_over() {
    let tree =
        MESH.replace("trustDomain: pair.example", "trustDomain: pair.example\n  carriers: {present: [headers, mesh]}");
    let tree = format!("{tree}    code: {{type: string, ttl: {}s, header: x-code}}\n", TTL.as_secs());
    let mesh = pair_with(&tree, 1);
    let program = artifact::load(&Policy::from_text(&tree).unwrap().artifact).unwrap();
    let seen = |response: &Response, service: &str| -> (String, MeshHeader) {
        let header = saw(response, service, "x-mesh-context").as_str().unwrap().to_owned();
        let decoded = mesh_header::decode(header.as_bytes(), program.words()).unwrap();
        (header, decoded)
    };
    let request = get("/").header("x-mesh-context", r#"{"tenant_id":"t1","code":"1234"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    let received = Instant::now();
    assert_eq!(saw(&response, "back", "x-code"), "1234");
    let ((_, at_front), (header, at_back)) = (seen(&response, "front"), seen(&response, "back"));
    assert!(at_front.issued_at_ms.is_some());
    assert_eq!(at_front.issued_at_ms, at_back.issued_at_ms, "the context is as old at the second hop as at the first");

    std::thread::sleep((TTL + Duration::from_millis(50)).saturating_sub(received.elapsed()));
    // Remembered by the sidecar of `front`, whose application calls late.
    let response = mesh.send(&mesh.outbound("front", "back").unwrap(), get("/")).unwrap();
    assert_eq!((saw(&response, "back", "x-tenant-id"), saw(&response, "back", "x-code")), (json!("t1"), Value::Null));
    assert_eq!(counter(&mesh, "front", "field_expired"), 1);
    // Sent late by another service.
    let response = mesh.send(&peer(&mesh, "back"), get("/").header("x-mesh-context", &header)).unwrap();
    assert_eq!((saw(&response, "back", "x-tenant-id"), saw(&response, "back", "x-code")), (json!("t1"), Value::Null));
    assert_eq!(counter(&mesh, "back", "field_expired"), 1);
}
