//! What `policyc emit` prints: Envoy's and Istio's own readers must accept it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use context_mesh_core::{artifact::load, pipeline::Role, plugin_config::PluginConfig};
use policy_compiler::{
    diagnostic::Diagnostics,
    source::Sources,
    yaml::{self, Node},
};
use serde_json::{Map, Value, json};

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

/// YAML as JSON, by the compiler's own reader.
fn read_yaml(text: &str) -> Value {
    let mut sources = Sources::new("t");
    let id = sources.add("a.yaml", text);
    let mut diagnostics = Diagnostics::new();
    let documents = yaml::parse(id, sources.file(id).unwrap(), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.to_text(&sources));
    value(&documents[0])
}

fn value(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Mapping(entries) => {
            entries.iter().map(|(key, node)| (key.value.clone(), value(node))).collect::<Map<_, _>>().into()
        }
        yaml::Value::Sequence(nodes) => nodes.iter().map(value).collect(),
        yaml::Value::Scalar(scalar) if scalar.is_null() => Value::Null,
        yaml::Value::Scalar(scalar) => match (scalar.as_bool(), scalar.as_int()) {
            (Some(bool), _) => bool.into(),
            (_, Some(int)) => int.into(),
            _ => scalar.text.as_str().into(),
        },
        yaml::Value::Refused => panic!("refused"),
    }
}

/// The plugin configuration inside the `Wasm` message, as the filter reads it.
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
    let config = plugin_config(wasm);
    assert_eq!((config.service.as_deref(), config.role), (Some("ledger"), Some(Role::Outbound)));
}

#[test]
fn ecds_and_the_plain_configuration_hold_the_same() {
    let arguments = ["envoy", "--service", "web-gateway", "--role", "gateway", "--as"];
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
    assert_eq!(resource["metadata"], json!({"name": "context-mesh-ledger", "namespace": "bank"}));
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

#[test]
fn envoy_filters_fit_istios_definition_of_the_resource() {
    let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/istio-crds/envoyfilters.yaml");
    let Some(schema) = schema(&crds) else {
        eprintln!("skipped: Istio's resource definitions are not at {}", crds.display());
        return;
    };
    let outputs = [
        emit(&["envoyfilter", "--service", "ledger"]),
        emit(&["envoyfilter", "--service", "web-gateway", "--role", "gateway", "--namespace", "edge"]),
        emit(&["envoyfilter"]),
    ];
    for text in outputs {
        let resource = read_yaml(&text);
        assert_eq!(resource["apiVersion"], "networking.istio.io/v1alpha3");
        assert_eq!(problems(&schema["properties"]["spec"], &resource["spec"], "spec"), [""; 0]);
    }
    // The check itself must be able to fail.
    let wrong = json!({"configPatches": [{"applyTo": "HTTP", "patch": {"operation": 7}, "x": 1}]});
    assert_eq!(problems(&schema["properties"]["spec"], &wrong, "spec").len(), 3);
}

fn schema(crds: &PathBuf) -> Option<Value> {
    let crd = read_yaml(&std::fs::read_to_string(crds).ok()?);
    let versions = crd["spec"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["name"] == "v1alpha3").unwrap();
    Some(version["schema"]["openAPIV3Schema"].clone())
}

/// What does not fit the schema: the keywords that the resource definition uses.
fn problems(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        return vec![format!("{path}: expected {}", schema["type"])];
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{path}: {value} is not allowed"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            found.push(format!("{path}: {required} is missing"));
        }
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) if open || schema["properties"].is_null() => {}
            (Value::Null, Value::Null) => found.push(format!("{path}: unknown key {key}")),
            (Value::Null, any) => found.extend(problems(any, member, &format!("{path}.{key}"))),
            (known, _) => found.extend(problems(known, member, &format!("{path}.{key}"))),
        }
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(problems(&schema["items"], element, &format!("{path}[{index}]")));
    }
    if let Some(choices) = schema["oneOf"].as_array()
        && choices.iter().filter(|choice| holds(choice, value)).count() != 1
    {
        found.push(format!("{path}: not exactly one alternative holds"));
    }
    found
}

fn holds(schema: &Value, value: &Value) -> bool {
    let any = schema["anyOf"].as_array().is_none_or(|choices| choices.iter().any(|choice| holds(choice, value)));
    let not = schema["not"].is_null() || !holds(&schema["not"], value);
    let rest = json!({"required": schema["required"], "properties": schema["properties"]});
    any && not && problems(&rest, value, "").iter().all(|problem| problem.contains("unknown key"))
}
