//! Output of `policyc emit`: Envoy's and Istio's own readers must accept it.

use policy_compiler::pack::emit::{EnvoyFilter, Routing, envoy_filter};
use std::{path::Path, process::Command};

use context_mesh_core::{artifact::load, pipeline::Role, plugin_config::PluginConfig};
use serde_json::{Value, json};

use crate::support::{self, read_yaml};

fn emit(arguments: &[&str]) -> String {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees/shop");
    let output = Command::new(env!("CARGO_BIN_EXE_policyc"))
        .args(["emit", arguments[0]])
        .arg(tree)
        .args(&arguments[1..])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the plugin configuration inside the `Wasm` message, as the filter reads it.
fn plugin_config(wasm: &Value) -> PluginConfig {
    let configuration = &wasm["config"]["configuration"];
    assert_eq!(configuration["@type"], "type.googleapis.com/google.protobuf.StringValue");
    let config = PluginConfig::parse(configuration["value"].as_str().unwrap().as_bytes()).unwrap();
    load(&config.artifact).unwrap();
    config
}

#[test]
fn the_http_filter_entry_holds_a_configuration_that_loads() {
    let text = emit(&["envoy", "--service", "ledger", "--role", "outbound", "--wasm", "/opt/filter.wasm"]);
    let entry = &read_yaml(&text)[0];
    let wasm = &entry["typed_config"];
    assert_eq!(entry["name"], "context_mesh");
    assert_eq!(wasm["config"]["vm_config"]["code"]["local"]["filename"], "/opt/filter.wasm");
    assert_eq!(wasm["config"]["failure_policy"], "FAIL_RELOAD");
    // The secret for pseudonyms comes from the proxy's environment.
    let keys = &wasm["config"]["vm_config"]["environment_variables"]["host_env_keys"];
    assert_eq!(keys, &json!(["CONTEXT_MESH_PSEUDONYM_KEY", "CONTEXT_MESH_SERVICE"]));
    let config = plugin_config(wasm);
    assert_eq!((config.service.as_deref(), config.role), (Some("ledger"), Some(Role::Outbound)));
}

#[test]
fn ecds_and_the_plain_configuration_hold_the_same() {
    let arguments = ["envoy", "--no-revision", "--service", "web-gateway", "--role", "gateway", "--as"];
    let response: Value = serde_json::from_str(&emit(&[&arguments[..], &["ecds"]].concat())).unwrap();
    let resource = &response["resources"][0];
    assert_eq!(resource["name"], "context_mesh");
    let config = plugin_config(&resource["typed_config"]);
    let digest = load(&config.artifact).unwrap().digest().to_string();
    assert_eq!(response["version_info"], digest.as_str());
    let plain = emit(&[&arguments[..], &["config"]].concat());
    assert_eq!(PluginConfig::parse(plain.as_bytes()).unwrap(), config);
}

#[test]
fn an_envoy_filter_has_both_directions_of_a_sidecar() {
    let text = emit(&[
        "envoyfilter",
        "--service",
        "ledger",
        "--namespace",
        "bank",
        "--workload",
        "app=ledger",
        "--workload",
        "v=2",
    ]);
    let resource = read_yaml(&text);
    let metadata = &resource["metadata"];
    assert_eq!((&metadata["name"], &metadata["namespace"]), (&json!("context-mesh-ledger"), &json!("bank")));
    // YAML would read a bare 2 as a number, which a label cannot be.
    assert_eq!(resource["spec"]["workloadSelector"]["labels"]["app"], "ledger");
    assert!(text.contains("v: \"2\""));
    let patches = resource["spec"]["configPatches"].as_array().unwrap();
    let expected = [("SIDECAR_INBOUND", Role::Inbound), ("SIDECAR_OUTBOUND", Role::Outbound)];
    assert_eq!(patches.len(), expected.len());
    for (patch, (context, role)) in patches.iter().zip(expected) {
        assert_eq!(patch["match"]["context"], context);
        assert_eq!(plugin_config(&patch["patch"]["value"]["typed_config"]).role, Some(role));
    }
}

/// Envoy has no attribute for the address of the direct peer, so another filter puts it where a condition reads it.
#[test]
fn an_envoy_filter_provides_the_address_of_the_direct_peer_where_it_is_read() {
    let tree = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  domains:
    all: {services: [back], namespaces: [default]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: back, domain: all}
spec:
  workloads: [back]
  rules:
    - {name: inside, when: "source.ip.inNetworks(['10.0.0.0/8'])", allow: {}}
"#;
    for (attribute, expected) in
        [("source.ip", &["in", "out"][..]), ("source.direct_ip", &["state", "state", "in", "out"])]
    {
        let (compiled, _) = support::compiled(&support::tree(tree.replace("source.ip", attribute)));
        let resource = envoy_filter(&EnvoyFilter {
            artifact: &compiled.artifact,
            service: Some("back"),
            gateway: None,
            routing: Routing::Unknown,
            namespace: "default",
            labels: &[],
            wasm_path: "/filter.wasm",
        });
        let patches = resource["spec"]["configPatches"].as_array().unwrap();
        let kind = |patch: &Value| match (&patch["patch"]["value"]["name"], &patch["match"]["context"]) {
            (name, _) if name == "envoy.filters.http.set_filter_state" => "state",
            (_, context) if context == "SIDECAR_INBOUND" => "in",
            _ => "out",
        };
        assert_eq!(patches.iter().map(kind).collect::<Vec<_>>(), expected, "{attribute}");
    }
}
