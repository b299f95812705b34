//! The command: what it prints, what it refuses, and where the resources go.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::golden;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorization")
}

fn emit(tree: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_policyc"));
    command.args(["emit", "authorizationpolicy", tree, "--no-revision"]).args(arguments);
    command.current_dir(folder()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(tree: &str, arguments: &[&str]) -> Vec<Value> {
    let output = emit(tree, &[&["--format", "json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_resources_of_a_tree() {
    let output = emit("mesh", &["--namespace", "bank", "--accept", "odd-paths,odd-headers"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // The digests change with the format of the artifact.
    let shown = text(&output.stdout).lines().filter(|line| !line.contains("contextmesh.io/digest"));
    let shown: String = shown.map(|line| format!("{line}\n")).collect();
    golden::check(&folder().join("mesh.out.yaml"), &shown);
    golden::check(&folder().join("mesh.err.txt"), text(&output.stderr));
}

#[test]
fn what_cannot_be_said_is_named_and_nothing_is_printed() {
    let output = emit("refused", &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    golden::check(&folder().join("refused.err.txt"), text(&output.stderr));
    // One service may be emitted although another one cannot.
    let fine = emit("refused", &["--service", "cart"]);
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine.stderr));
}

#[test]
fn a_service_has_one_namespace() {
    for (arguments, code, expected) in [
        (&["--service", "cart"][..], 0, "shop"),
        (&["--service", "cart", "--namespace", "shop"], 0, "shop"),
        (&["--service", "cart", "--namespace", "other"], 2, "`other` is not a namespace of the domain `shop`"),
        (&["--service", "ledger"], 2, "the domain `bank` of `ledger` has the namespaces bank, bank-2"),
        (&["--service", "ledger", "--namespace", "bank-2"], 0, "bank-2"),
        (&["--service", "nobody"], 2, "the mesh has no service `nobody`"),
    ] {
        let output = emit("mesh", &[&["--accept", "odd-paths,odd-headers", "--format", "json"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        if code == 0 {
            let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            assert!(found.iter().all(|resource| resource["metadata"]["namespace"] == expected), "{found:?}");
        } else {
            assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
        }
    }
}

#[test]
fn labels_select_the_pods() {
    let labels = |arguments: &[&str]| {
        json("mesh", &[&["--service", "cart", "--accept", "odd-headers"], arguments].concat())[0]["spec"]["selector"]
            .clone()
    };
    let select = |name: &str, value: &str| serde_json::json!({"matchLabels": {name: value}});
    assert_eq!(labels(&[]), select("app", "cart"));
    assert_eq!(labels(&["--label", "app.kubernetes.io/name"]), select("app.kubernetes.io/name", "cart"));
    assert_eq!(labels(&["--workload", "run=carts"]), select("run", "carts"));
    for (arguments, expected) in [
        (&["--workload", "run=carts"][..], "`--workload` names the pods of one service"),
        (&["--label", "-"], "`-` cannot be the name of a label"),
        (&["--accept", "everything"], "invalid value 'everything'"),
    ] {
        let output = emit("mesh", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn a_resource_has_the_keys_of_istio() {
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut seen = 0;
    for resource in json("mesh", &["--namespace", "bank", "--accept", "odd-paths", "--accept", "odd-headers"]) {
        assert_eq!(
            (&resource["apiVersion"], &resource["kind"]),
            (&"security.istio.io/v1".into(), &"AuthorizationPolicy".into())
        );
        assert_eq!(keys(&resource), ["apiVersion", "kind", "metadata", "spec"]);
        let spec = &resource["spec"];
        assert!(keys(spec).iter().all(|key| ["selector", "action", "rules"].contains(&key.as_str())), "{spec}");
        let action = spec["action"].as_str().unwrap();
        assert!(["ALLOW", "DENY", "AUDIT"].contains(&action), "{action}");
        // Only an ALLOW without rules has an effect.
        assert!(spec.get("rules").is_some() || action == "ALLOW", "{spec}");
        for rule in spec["rules"].as_array().into_iter().flatten() {
            assert!(keys(rule).iter().all(|key| ["from", "to", "when"].contains(&key.as_str())), "{rule}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn every_difference_is_on_the_page() {
    let page = fs::read_to_string(crate::support::repository().join("docs/emit-authorizationpolicy.md")).unwrap();
    for difference in policy_compiler::pack::emit::authorization::Difference::ALL {
        let row = format!("| `{}` | ", difference.name());
        assert!(page.contains(&row), "the page has no row for {}", difference.name());
    }
}
