//! Checks that every Istio resource of `policyc emit` fits Istio's definition of it.
//!
//! The definitions are Istio's own files. They are searched for in `../shared/istio-crds` beside the repository, or in
//! the folder of `CONTEXT_MESH_ISTIO_CRDS`. Without them, the tests print a message and pass.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use context_mesh_core::{artifact::load, pipeline::Role, plugin_config::PluginConfig};
use serde_json::{Value, json};

use crate::support::{
    read_yaml, repository, rules,
    schema::{Dialect, problems},
};

const URL: &str = "oci://registry.example/context-mesh:1.0";
const SHA256: &str = "1ef0c9a92b0420cf25f7fe5d481b231464bc88f486ca3b9c83ed5cc21d2f6210";

fn policyc(kind: &str, arguments: &[&str]) -> Output {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees/shop");
    Command::new(env!("CARGO_BIN_EXE_policyc")).args(["emit", kind]).arg(tree).args(arguments).output().unwrap()
}

fn emit(kind: &str, arguments: &[&str]) -> Value {
    let output = policyc(kind, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    read_yaml(&String::from_utf8(output.stdout).unwrap())
}

/// Returns the definition of a resource, and its only version. Returns `None`, with a message, if the files are
/// missing.
fn definition(plural: &str) -> Option<(Value, Value)> {
    let folder = std::env::var_os("CONTEXT_MESH_ISTIO_CRDS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| repository().join("../shared/istio-crds"));
    let path = folder.join(format!("{plural}.yaml"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: Istio's resource definitions are not at {}", path.display());
        return None;
    };
    let definition = read_yaml(&text);
    let versions = definition["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1);
    let version = versions[0].clone();
    Some((definition, version))
}

/// Returns the arguments of all variants of the two resources that deliver the module.
fn extension_variants() -> Vec<Vec<&'static str>> {
    vec![
        vec!["--wasm-url", URL],
        vec!["--wasm-url", "https://example.com/f.wasm", "--sha256", SHA256, "--namespace", "istio-system"],
        vec!["--wasm-url", "http://10.0.0.1:8080/f.wasm", "--sha256", SHA256, "--phase", "stats"],
        vec!["--wasm-url", "file:///etc/context-mesh/f.wasm", "--phase", "authn", "--priority", "-2147483648"],
        vec!["--wasm-url", URL, "--phase", "last", "--priority", "2147483647", "--on-failure", "close"],
        vec!["--wasm-url", URL, "--image-pull-policy", "always", "--image-pull-secret", "registry.credentials"],
        vec!["--wasm-url", URL, "--image-pull-policy", "if-not-present"],
        vec!["--wasm-url", URL, "--service", "ledger"],
        vec![
            "--wasm-url",
            URL,
            "--service",
            "ledger",
            "--workload",
            "app.kubernetes.io/name=ledger",
            "--workload",
            "v=2",
        ],
        vec!["--wasm-url", URL, "--service", "web-gateway", "--role", "gateway", "--workload", "istio=ingressgateway"],
        vec!["--wasm-url", URL, "--service", "web-gateway", "--gateway", "web"],
        vec!["--wasm-url", URL, "--service", "ledger", "--gateway", "out", "--role", "egress"],
        vec!["--wasm-url", URL, "--role", "inbound", "--service", "ledger", "--target-ref", "Service/ledger"],
        vec!["--wasm-url", URL, "--role", "outbound", "--target-ref", "ServiceEntry/a.b", "--target-ref", "Gateway/w"],
        vec!["--wasm-url", URL, "--role", "gateway", "--target-ref", "GatewayClass/istio"],
    ]
}

fn check(plural: &str, kind: &str, variants: &[Vec<&str>]) -> Option<(usize, Vec<String>)> {
    let (definition, version) = definition(plural)?;
    let schema = &version["schema"]["openAPIV3Schema"];
    let (mut held, mut not_run) = (0, Vec::new());
    for variant in variants {
        let resource = emit(kind, variant);
        let api = format!("{}/{}", definition["spec"]["group"].as_str().unwrap(), version["name"].as_str().unwrap());
        assert_eq!(resource["apiVersion"], api);
        assert_eq!(resource["kind"], definition["spec"]["names"]["kind"]);
        assert_eq!(problems(schema, &resource, Dialect::Kubernetes), [""; 0], "{variant:?}");
        let outcome = rules::run(schema, &resource);
        assert_eq!(outcome.broken, [""; 0], "{variant:?}");
        held += outcome.held;
        not_run.extend(outcome.not_run);
    }
    not_run.sort();
    not_run.dedup();
    Some((held, not_run))
}

#[test]
fn envoy_filters_fit_their_definition() {
    let variants = [
        vec!["--service", "ledger"],
        vec!["--service", "web-gateway", "--role", "gateway", "--namespace", "edge"],
        vec!["--service", "ledger", "--role", "egress", "--workload", "istio=egressgateway"],
        vec![],
    ];
    let Some((held, not_run)) = check("envoyfilters", "envoyfilter", &variants) else { return };
    assert_eq!((held > 0, not_run.as_slice()), (true, &[] as &[String]));
}

#[test]
fn wasm_plugins_fit_their_definition() {
    let Some((held, not_run)) = check("wasmplugins", "wasmplugin", &extension_variants()) else { return };
    assert!(held > 0);
    // `isURL` and `url` are Kubernetes' own additions to CEL. The command line checks the schemes.
    assert_eq!(not_run, ["$.spec.url: url must have schema one of [http, https, file, oci]"]);
}

#[test]
fn traffic_extensions_fit_their_definition() {
    let Some((held, not_run)) = check("trafficextensions", "trafficextension", &extension_variants()) else { return };
    assert!(held > 0);
    assert_eq!(not_run, ["$.spec.wasm.url: url must have schema one of [http, https, file, oci]"]);
}

/// Checks that the checks of this file can fail.
#[test]
fn a_broken_resource_is_refused_with_the_reason() {
    let Some((_, version)) = definition("wasmplugins") else { return };
    let schema = &version["schema"]["openAPIV3Schema"];
    let good = emit("wasmplugin", &["--wasm-url", URL, "--service", "ledger"]);
    let cases = [
        ("/spec/url", None, "$.spec: \"url\" is missing"),
        ("/spec/phase", Some(json!("AUTHX")), "$.spec.phase: \"AUTHX\" is none of"),
        ("/spec/priority", Some(json!("high")), "$.spec.priority: is not of type \"integer\""),
        ("/spec/priority", Some(json!(3_000_000_000_i64)), "$.spec.priority: 3000000000 has not the format \"int32\""),
        ("/spec/sha256", Some(json!("ABC")), "$.spec.sha256: \"ABC\" does not match"),
        ("/spec/wasmUrl", Some(json!("x")), "$.spec: the key `wasmUrl` is not known"),
        ("/spec/selector/matchLabels/app", Some(json!("x".repeat(64))), "$.spec.selector.matchLabels.app: is too long"),
        ("/spec/match", Some(json!([{"mode": "BOTH"}])), "$.spec.match[0].mode: \"BOTH\" is none of"),
        ("/spec/targetRefs", Some(json!([{"kind": "Gateway"}])), "$.spec.targetRefs[0]: \"name\" is missing"),
    ];
    for (path, value, expected) in cases {
        let found = problems(schema, &changed(&good, path, value), Dialect::Kubernetes);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{path}: {found:?}");
    }
    let rules_cases = [
        (
            "/spec/targetRefs",
            json!([{"kind": "Gateway", "name": "x"}]),
            "$.spec: only one of targetRefs or selector can be set",
        ),
        (
            "/spec/vmConfig/env/0/value",
            json!("the secret"),
            "$.spec.vmConfig.env[0]: value may only be set when valueFrom is INLINE",
        ),
        (
            "/spec/selector/matchLabels/app",
            json!("led*"),
            "$.spec.selector.matchLabels.app: wildcard not allowed in label value match",
        ),
        ("/spec/selector/matchLabels/", json!("x"), "$.spec.selector.matchLabels: key must not be empty"),
    ];
    for (path, value, expected) in rules_cases {
        assert_eq!(rules::run(schema, &changed(&good, path, Some(value))).broken, [expected], "{path}");
    }
    let Some((_, version)) = definition("trafficextensions") else { return };
    let schema = &version["schema"]["openAPIV3Schema"];
    let both = changed(&emit("trafficextension", &["--wasm-url", URL]), "/spec/lua", Some(json!({"inlineCode": "x"})));
    assert_eq!(problems(schema, &both, Dialect::Kubernetes), ["$.spec: fits 2 of the alternatives, not one"]);
    assert_eq!(rules::run(schema, &both).broken, ["$.spec: exactly one of wasm or lua must be set"]);
}

/// Returns the resource with the value at the path replaced, added or (without a value) removed.
fn changed(resource: &Value, path: &str, value: Option<Value>) -> Value {
    let mut resource = resource.clone();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = resource.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.shift_remove(key),
    };
    resource
}

#[test]
fn both_extensions_say_the_same() {
    for variant in extension_variants() {
        let (plugin, extension) = (emit("wasmplugin", &variant), emit("trafficextension", &variant));
        assert_eq!(plugin["metadata"], extension["metadata"]);
        let mut merged = extension["spec"].as_object().unwrap().clone();
        let module = merged.shift_remove("wasm").unwrap();
        merged.extend(module.as_object().unwrap().clone());
        assert_eq!(plugin["spec"], Value::from(merged), "{variant:?}");
    }
}

#[test]
fn a_plugin_of_a_sidecar_serves_both_directions() {
    let resource = emit("wasmplugin", &["--wasm-url", URL, "--service", "ledger", "--namespace", "bank"]);
    let metadata = &resource["metadata"];
    assert_eq!((&metadata["name"], &metadata["namespace"]), (&json!("context-mesh-ledger"), &json!("bank")));
    let spec = &resource["spec"];
    assert_eq!(spec["selector"], json!({"matchLabels": {"app": "ledger"}}));
    // After Istio's authentication, so that a JWT is verified, and before its authorization and statistics.
    assert_eq!((&spec["phase"], &spec["match"], &spec["targetRefs"]), (&json!("AUTHZ"), &Value::Null, &Value::Null));
    assert_eq!(spec["failStrategy"], "FAIL_RELOAD");
    let config = plugin_config(spec);
    assert_eq!((config.service.as_deref(), config.role), (Some("ledger"), None));
    // The secret for pseudonyms comes from the proxy's environment. It must not be in a resource.
    let from_host = |name| json!({"name": name, "valueFrom": "HOST"});
    let env = ["CONTEXT_MESH_PSEUDONYM_KEY", "CONTEXT_MESH_SERVICE"].map(from_host);
    assert_eq!(spec["vmConfig"], json!({"env": env}));
}

#[test]
fn a_plugin_for_all_services_asks_each_proxy() {
    let spec = &emit("wasmplugin", &["--wasm-url", URL, "--namespace", "istio-system"])["spec"];
    assert_eq!((&spec["selector"], &spec["targetRefs"]), (&Value::Null, &Value::Null));
    assert_eq!(plugin_config(spec).service, None);
}

#[test]
fn a_gateway_is_named_by_reference_and_has_its_role() {
    let spec = &emit("trafficextension", &["--wasm-url", URL, "--service", "web-gateway", "--gateway", "web"])["spec"];
    assert_eq!(spec["targetRefs"], json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}]));
    assert_eq!(spec["selector"], Value::Null);
    assert_eq!(plugin_config(&spec["wasm"]).role, Some(Role::Gateway));
}

/// Returns the plugin configuration, as the filter reads it. Istio writes the object as JSON.
fn plugin_config(spec: &Value) -> PluginConfig {
    let config = PluginConfig::parse(spec["pluginConfig"].to_string().as_bytes()).unwrap();
    load(&config.artifact).unwrap();
    config
}

#[test]
fn what_istio_would_refuse_or_misread_is_refused_here() {
    let cases: [(&[&str], &str); 15] = [
        (&[], "--wasm-url"),
        (&["--wasm-url", "registry.example/f:1"], "write oci://IMAGE"),
        (&["--wasm-url", "file://f.wasm"], "write oci://IMAGE"),
        (&["--wasm-url", "http://x/f.wasm"], "add `--sha256`"),
        (&["--wasm-url", URL, "--sha256", "abc"], "write 64 hex digits"),
        (&["--wasm-url", URL, "--namespace", "Bank"], "lower-case letters"),
        (&["--wasm-url", URL, "--workload", "app=*"], "cannot be the value of a label"),
        (&["--wasm-url", URL, "--workload", "=x"], "cannot be the name of a label"),
        (&["--wasm-url", URL, "--role", "inbound"], "leave `--role` out"),
        (&["--wasm-url", URL, "--service", "ledger", "--gateway", "x"], "`ledger` is not a gateway"),
        (&["--wasm-url", URL, "--gateway", "x", "--workload", "app=x"], "cannot be used with"),
        (&["--wasm-url", URL, "--target-ref", "Gateway/x"], "--role"),
        (
            &["--wasm-url", URL, "--role", "gateway", "--target-ref", "Pod/x"],
            "Gateway, GatewayClass, Service or ServiceEntry",
        ),
        (&["--wasm-url", URL, "--priority", "2147483648"], "2147483648"),
        (&["--wasm-url", URL, "--service", "unheard-of"], "the mesh has no service `unheard-of`"),
    ];
    for (arguments, expected) in cases {
        let output = policyc("wasmplugin", arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty() && text.contains(expected), "{arguments:?}: {text}");
    }
    let targets: Vec<String> = (0..17).map(|n| format!("Service/s{n}")).collect();
    let many = targets.iter().flat_map(|target| ["--target-ref", target]);
    let arguments: Vec<&str> = ["--wasm-url", URL, "--role", "inbound"].into_iter().chain(many).collect();
    let output = policyc("wasmplugin", &arguments);
    assert!(String::from_utf8(output.stderr).unwrap().contains("at most 16"));
}

/// The commands in the README have the output that the README shows.
#[test]
fn the_commands_of_the_readme_work() {
    let readme = std::fs::read_to_string(repository().join("envoy-configs/istio/README.md")).unwrap();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("policyc ")).collect();
    let mut kinds = Vec::new();
    for command in commands {
        let command = command.split_once(" > ").map_or(command, |(command, _)| command);
        let words: Vec<&str> = command.split(' ').collect();
        let output =
            Command::new(env!("CARGO_BIN_EXE_policyc")).args(&words).current_dir(repository()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let ["emit", kind, ..] = words[..] else { continue };
        kinds.push(kind);
        let Some((_, version)) = definition(&format!("{kind}s")) else { continue };
        let (schema, resource) =
            (&version["schema"]["openAPIV3Schema"], read_yaml(&String::from_utf8(output.stdout).unwrap()));
        assert_eq!(problems(schema, &resource, Dialect::Kubernetes), [""; 0], "{command}");
        assert_eq!(rules::run(schema, &resource).broken, [""; 0], "{command}");
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ["envoyfilter", "trafficextension", "wasmplugin"]);
}

#[test]
fn an_envoy_filter_puts_the_filter_behind_the_routers_where_that_is_asked_for() {
    let operations = |resource: &Value| -> Vec<String> {
        let patches = resource["spec"]["configPatches"].as_array().unwrap().clone();
        patches.iter().map(|patch| format!("{} {}", patch["match"]["context"], patch["patch"]["operation"])).collect()
    };
    let plain = emit("envoyfilter", &["--service", "ledger"]);
    let with = emit("envoyfilter", &["--service", "ledger", "--upstream"]);
    let expected = ["SIDECAR_INBOUND", "SIDECAR_OUTBOUND"].map(|context| format!("\"{context}\" \"INSERT_BEFORE\""));
    assert_eq!(operations(&plain), expected);
    let merged = ["SIDECAR_INBOUND", "SIDECAR_OUTBOUND"].map(|context| format!("\"{context}\" \"MERGE\""));
    assert_eq!(operations(&with), [expected, merged].concat());
    for patch in &with["spec"]["configPatches"].as_array().unwrap()[2..] {
        let router = &patch["patch"]["value"];
        assert_eq!(router["name"], "envoy.filters.http.router");
        let behind = router["typed_config"]["upstream_http_filters"].as_array().unwrap();
        assert_eq!(
            (&behind[0]["name"], &behind[1]["name"]),
            (&json!("context_mesh"), &json!("envoy.filters.http.upstream_codec"))
        );
        let config = behind[0]["typed_config"]["config"]["configuration"]["value"].as_str().unwrap();
        assert_eq!(PluginConfig::parse(config.as_bytes()).unwrap().role, Some(Role::Upstream));
    }
    if let Some((_, version)) = definition("envoyfilters") {
        let schema = &version["schema"]["openAPIV3Schema"];
        assert_eq!(problems(schema, &with, Dialect::Kubernetes), Vec::<String>::new());
    }
}
