//! `policyc emit FORM --all`, and what resources say of the artifact inside.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use context_mesh_core::{
    artifact::{Revision, load},
    plugin_config::PluginConfig,
};
use serde_json::{Value, json};

use super::{policyc, scratch, text, tree};
use crate::support::read_yaml;

/// Returns all files below a folder, with `/` in their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap().map(Result::unwrap) {
            let path = below.join(entry.file_name());
            if entry.path().is_dir() {
                open.push(path);
            } else {
                found.insert(path.to_str().unwrap().to_owned(), fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    found
}

/// Returns all plugin configurations in a document.
fn configurations(value: &Value) -> Vec<PluginConfig> {
    match value {
        Value::Object(members) if members.contains_key("artifact") => {
            vec![PluginConfig::parse(value.to_string().as_bytes()).unwrap()]
        }
        Value::Object(members) => members.values().flat_map(configurations).collect(),
        Value::Array(items) => items.iter().flat_map(configurations).collect(),
        Value::String(text) if text.starts_with("{\"artifact\"") => {
            vec![PluginConfig::parse(text.as_bytes()).unwrap()]
        }
        _ => Vec::new(),
    }
}

const FORMS: [&[&str]; 7] = [
    &["envoy", "--as", "filter"],
    &["envoy", "--as", "ecds", "--routing", "upstream"],
    &["envoy", "--as", "config", "--routing", "fixed"],
    &["envoyfilter", "--namespace", "bank"],
    &["envoyfilter", "--routing", "upstream"],
    &["wasmplugin", "--wasm-url", "oci://registry.example/mesh:1"],
    &["trafficextension", "--wasm-url", "oci://registry.example/mesh:1"],
];

#[test]
fn every_service_gets_its_files_and_the_list_says_what_is_in_them() {
    for form in FORMS {
        let folder = scratch("emit-all").join("made/on/the/way");
        let target = folder.to_str().unwrap();
        let output = policyc(&[&["emit"], form, &[&tree(), "--all", "-o", target, "--revision", "1.4"]].concat());
        assert_eq!(output.status.code(), Some(0), "{form:?}: {}", text(&output.stderr));
        let mut found = files(&folder);
        let list: Value = serde_json::from_str(&found.remove("digests.json").unwrap()).unwrap();
        let list = list.as_array().unwrap();
        let mut listed = BTreeMap::<&str, Vec<&Value>>::new();
        for entry in list {
            listed.entry(entry["file"].as_str().unwrap()).or_default().push(entry);
        }
        assert!(list.is_sorted_by_key(|entry| {
            [&entry["service"], &entry["role"]].map(|text| text.as_str().unwrap().to_owned())
        }));
        assert_eq!(listed.keys().copied().collect::<Vec<_>>(), found.keys().map(String::as_str).collect::<Vec<_>>());
        let upstream = form.contains(&"upstream");
        let sidecar: &[&str] = if upstream { &["inbound", "outbound", "upstream"] } else { &["inbound", "outbound"] };
        let gateway: &[&str] = if upstream { &["gateway", "upstream"] } else { &["gateway"] };
        for service in ["payment-service", "ledger", "web-gateway"] {
            let roles: Vec<_> = list
                .iter()
                .filter(|entry| entry["service"] == service)
                .map(|entry| entry["role"].as_str().unwrap())
                .collect();
            assert_eq!(roles, if service == "web-gateway" { gateway } else { sidecar }, "{form:?} {service}");
        }
        for (path, content) in &found {
            let document =
                if path.ends_with(".json") { serde_json::from_str(content).unwrap() } else { read_yaml(content) };
            let inside = configurations(&document);
            assert!(!inside.is_empty(), "{form:?} {path}");
            for config in inside {
                let program = load(&config.artifact).unwrap();
                assert_eq!(program.revision().map(Revision::as_str), Some("1.4"));
                for entry in &listed[path.as_str()] {
                    let expected = json!([program.digest().to_string(), config.service, "1.4"]);
                    assert_eq!(json!([entry["digest"], entry["service"], entry["revision"]]), expected);
                }
                if let Some(role) = config.role {
                    assert!(listed[path.as_str()].iter().any(|entry| entry["role"] == role.as_str()), "{path}");
                }
            }
        }
        // One file is what the command prints for its service.
        let one = if form[0] == "envoy" {
            vec!["--service", "ledger", "--role", "inbound"]
        } else {
            vec!["--service", "ledger"]
        };
        let printed = policyc(&[&["emit"], form, &[&tree(), "--revision", "1.4"], one.as_slice()].concat());
        let path = listed
            .iter()
            .find(|(_, entries)| entries[0]["service"] == "ledger" && entries[0]["role"] == "inbound")
            .unwrap()
            .0;
        assert_eq!(text(&printed.stdout), found[*path], "{form:?}");
    }
}

#[test]
fn resources_say_which_artifact_is_inside() {
    for form in &FORMS[3..] {
        let of = |options: &[&str]| {
            let output = policyc(&[&["emit"], *form, &[&tree(), "--service", "ledger"], options].concat());
            assert_eq!(output.status.code(), Some(0), "{form:?}: {}", text(&output.stderr));
            let resource = read_yaml(text(&output.stdout));
            let digest = load(&configurations(&resource)[0].artifact).unwrap().digest().to_string();
            (resource["metadata"]["annotations"].clone(), digest)
        };
        // A revision that YAML could take for a number.
        let (annotations, digest) = of(&["--revision", "1.40"]);
        assert_eq!(
            annotations,
            json!({"contextmesh.io/revision": "1.40", "contextmesh.io/digest": digest}),
            "{form:?}"
        );
        let (annotations, digest) = of(&["--no-revision"]);
        assert_eq!(annotations, json!({"contextmesh.io/digest": digest}), "{form:?}");
    }
}

#[test]
fn a_new_revision_is_a_new_version_of_the_discovery_file() {
    let version = |options: &[&str]| {
        let ecds = ["emit", "envoy", &tree(), "--service", "ledger", "--role", "inbound", "--as", "ecds"];
        let document: Value = serde_json::from_slice(&policyc(&[&ecds, options].concat()).stdout).unwrap();
        document["version_info"].as_str().unwrap().to_owned()
    };
    let digest = version(&["--no-revision"]);
    assert_eq!(digest.len(), 64);
    assert_eq!(version(&["--revision", "v7"]), format!("v7@{digest}"));
}

#[test]
fn files_of_services_that_are_gone_are_named() {
    let folder = scratch("emit-stale");
    let (policies, target) = (folder.join("policies"), folder.join("out"));
    fs::create_dir(&policies).unwrap();
    let mesh = |services: &str| {
        let text = format!(
            "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: m}}\nspec:\n  trustDomain: m.example\n  \
             identity: /ns/default/sa/{{service}}\n  domains: {{d: {{services: [{services}]}}}}\n"
        );
        fs::write(policies.join("mesh.yaml"), text).unwrap();
        policyc(&[
            "emit",
            "envoyfilter",
            policies.to_str().unwrap(),
            "--all",
            "-o",
            target.to_str().unwrap(),
            "--no-revision",
        ])
    };
    let output = mesh("a, b");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(text(&output.stdout).ends_with("/out/digests.json: 2 files for 2 services, no revision\n"));
    let output = mesh("a");
    let expected = format!(
        "warning: `{}` is of an earlier run, and no service needs it now; remove it\n",
        target.join("b.yaml").display()
    );
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), expected.as_str()));
    assert!(target.join("b.yaml").exists(), "nothing is removed");
    fs::remove_file(target.join("b.yaml")).unwrap();
    assert_eq!(text(&mesh("a").stderr), "");
}

#[test]
fn what_cannot_be_done_for_all_is_refused_before_anything_is_written() {
    let folder = scratch("emit-refused");
    let target = folder.join("out");
    let out = target.to_str().unwrap();
    let tree = tree();
    let wasm = ["--wasm-url", "oci://registry.example/mesh:1"];
    let cases: [(&[&str], &str); 9] = [
        (&["emit", "envoy", &tree, "--all"], "--output <DIR>"),
        (&["emit", "envoy", &tree, "-o", out], "--all"),
        (&["emit", "envoy", &tree], "--service <SERVICE>"),
        (&["emit", "envoy", &tree, "--all", "-o", out, "--service", "ledger"], "cannot be used with"),
        (&["emit", "envoy", &tree, "--all", "-o", out, "--role", "inbound"], "cannot be used with"),
        (&["emit", "envoyfilter", &tree, "--all", "-o", out, "--workload", "a=b"], "cannot be used with"),
        (&["emit", "wasmplugin", &tree, "--all", "-o", out, wasm[0], wasm[1], "--gateway", "g"], "cannot be used with"),
        (
            &["emit", "wasmplugin", &tree, "--all", "-o", out, wasm[0], wasm[1], "--role", "gateway"],
            "cannot be used with",
        ),
        (&["emit", "envoyfilter", &tree, "--all", "-o", "/dev/null/x"], "cannot make `/dev/null/x`"),
    ];
    for (arguments, expected) in cases {
        let output = policyc(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
    assert!(!target.exists());
}
