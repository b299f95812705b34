//! The mesh of `docker-compose.yml` with the filter and the policies of the demo, if a Docker engine is available.

#[path = "../../core/tests/skip/mod.rs"]
mod skip;

use std::path::Path;

use context_mesh_e2e::client::Request;
use context_mesh_e2e::compose::Compose;
use context_mesh_e2e::docker::{ComposeMesh, build_images, compose_command};
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Topology;
use serde_json::json;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_context_travels_through_the_containers() {
    let command = match compose_command() {
        Ok(command) => command,
        Err(reason) => return skip::skip("the mesh in containers", &reason.to_string()),
    };
    let (envoy, shop) =
        build_images(&envoy_binary::find().unwrap(), Path::new(env!("CARGO_BIN_EXE_shop-service"))).unwrap();
    let (topology, inputs, folder) = (Topology::shop(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Policy::shop().unwrap().write_configurations(&topology, inputs.path()).unwrap();
    let filter = Some((policy::filter().unwrap(), inputs.path().to_owned()));
    let claims = Some(json!({"sub": "user_7", "tenant": "tenant_acme", "tier": "gold", "plan": "beta"}));
    Compose { topology, filter, claims }.write(folder.path()).unwrap();
    let token = std::fs::read_to_string(folder.path().join("client-token")).unwrap();
    let mesh = ComposeMesh::up(command, folder.path(), (&envoy, &shop)).unwrap();

    let request = Request::get("/cart").header("traceparent", TRACE);
    let response = mesh.send(request.clone().header("authorization", format!("Bearer {token}"))).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let ledger = response.hop("ledger").unwrap();
    assert_eq!(ledger["saw"]["x-tenant-id"], "tenant_acme");
    assert_eq!(ledger["saw"]["x-caller"], "payment-service");
    assert_eq!(ledger["saw"]["traceparent"], TRACE);

    let refused = mesh.send(request).unwrap();
    assert_eq!((refused.status, refused.text().as_str()), (401, "no tenant is known for this request"));
}
