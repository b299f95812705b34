//! New configurations while requests are served.

use context_mesh_core::artifact::load;
use context_mesh_core::pipeline::Routing;
use context_mesh_core::plugin_config::PluginConfig;
use context_mesh_e2e::mesh::PushOutcome;
use context_mesh_e2e::policy::Policy;
use context_mesh_e2e::topology::Role;

use crate::support::*;

const CLOSED: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: closed}
spec:
  workloads: ["*"]
  rules:
    - name: closed
      deny: {status: 503, message: closed}
"#;

#[test]
fn a_new_policy_goes_live_and_a_broken_one_leaves_it_in_force() {
    let mesh = pair("");
    let endpoint = peer(&mesh, "back");
    let status = || mesh.send(&endpoint, get("/")).unwrap().status;
    assert_eq!(status(), 200);

    let closed = Policy::from_text(&format!("{MESH}{CLOSED}")).unwrap();
    let push = |configuration: &str| mesh.push_filter_config("back", Role::Inbound, configuration).unwrap();
    assert_eq!(push(&closed.configuration("back", Role::Inbound)), PushOutcome::Accepted);
    assert_eq!(status(), 503);

    let open = Policy::from_text(MESH).unwrap();
    let with_artifact = |artifact: Vec<u8>| {
        PluginConfig { artifact, service: Some("back".into()), role: None, routing: Routing::Fixed }.to_json()
    };
    let flipped = |at: usize| {
        let mut artifact = open.artifact.clone();
        artifact[at] ^= 1;
        with_artifact(artifact)
    };
    // The version is the number after the eight magic bytes of an artifact.
    let version = format!("the artifact has format version {},", open.artifact[8] ^ 1);
    let broken = [
        ("not JSON".to_owned(), "not a JSON object"),
        ("{}".to_owned(), "has no `artifact`"),
        (r#"{"artifact":"AQID","role":"inbound"}"#.to_owned(), "not an artifact of Context Mesh"),
        (flipped(open.artifact.len() - 1), "it was changed or cut on its way"),
        (flipped(8), version.as_str()),
        (with_artifact(open.artifact[..100].to_vec()), "it was changed or cut on its way"),
        (r#"{"artifact":"AQID","role":"sideways"}"#.to_owned(), "`role` of the plugin configuration is `sideways`"),
    ];
    for (number, (configuration, reason)) in broken.iter().enumerate() {
        assert_eq!(push(configuration), PushOutcome::Rejected, "{reason}");
        assert_eq!(status(), 503, "the last good policy stays in force: {reason}");
        let rejected =
            mesh.stats("back").unwrap().get("extension_config_discovery.http_filter.context_mesh.update_rejected");
        assert_eq!(rejected, number as u64 + 1);
        let log = mesh.envoy_log("back").unwrap();
        assert!(log.contains("context_mesh: configuration refused: ") && log.contains(reason), "{reason}: {log}");
    }
    assert_eq!(push(&open.configuration("back", Role::Inbound)), PushOutcome::Accepted);
    assert_eq!(status(), 200);
    assert_no_trap(&mesh);
}

#[test]
fn the_listener_and_the_node_name_role_and_service_where_the_configuration_does_not() {
    let open = Policy::from_text(MESH).unwrap();
    assert!(load(&open.artifact).is_ok());
    let mesh = pair("");
    let bare = PluginConfig { artifact: open.artifact, service: None, role: None, routing: Routing::Fixed }.to_json();
    for role in [Role::Inbound, Role::Outbound] {
        assert_eq!(mesh.push_filter_config("front", role, &bare).unwrap(), PushOutcome::Accepted);
    }
    let request = get("/").header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    assert_eq!(report(&mesh, "front", "inbound")["service"], "front");
    assert_eq!(report(&mesh, "front", "outbound")["role"], "outbound");
}
