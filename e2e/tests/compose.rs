//! The mesh of `docker-compose.yml`, without filter, where a Docker engine answers.

use std::path::Path;

use context_mesh_e2e::client::Request;
use context_mesh_e2e::compose::Compose;
use context_mesh_e2e::docker::{ComposeMesh, build_images, compose_command};
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::topology::Topology;

#[test]
fn a_request_travels_through_the_containers() {
    let command = match compose_command() {
        Ok(command) => command,
        Err(reason) => return eprintln!("skipped the mesh in containers: {reason}"),
    };
    let (envoy, shop) =
        build_images(&envoy_binary::find().unwrap(), Path::new(env!("CARGO_BIN_EXE_shop-service"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    Compose { topology: Topology::shop(), filter: None, claims: None }.write(folder.path()).unwrap();
    let mesh = ComposeMesh::up(command, folder.path(), (&envoy, &shop)).unwrap();

    let response = mesh
        .send(Request::get("/cart").header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        .unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(
        response.hop("ledger").unwrap()["saw"]["traceparent"],
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    );
}
