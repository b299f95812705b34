//! `policyc test --watch`

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{policyc, scratch, text};

const TREE: &str = "\
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: a.b, domains: {shop: {services: [cart], namespaces: [shop]}}}
---
apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: cart}
spec:
  tests:
    - {name: one, workload: cart, expect: {decision: DECISION}}
";

#[test]
fn tests_run_again_after_each_change() {
    let folder = scratch("watch");
    let write = |decision: &str| fs::write(folder.join("a.yaml"), TREE.replace("DECISION", decision)).unwrap();
    write("allow");
    let mut child = Command::new(env!("CARGO_BIN_EXE_policyc"))
        .args(["test", folder.to_str().unwrap(), "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut seen = Vec::new();
    let mut wait_for = |wanted: &str| loop {
        let line = lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no `{wanted}`: {seen:#?}"));
        seen.push(line.clone());
        if line.starts_with(wanted) {
            break;
        }
    };
    wait_for("1 test passed");
    write("deny");
    wait_for("--- changed: a.yaml ---");
    wait_for("0 tests passed, 1 failed");
    // A tree that does not compile is no reason to stop.
    fs::write(folder.join("b.yaml"), "{").unwrap();
    wait_for("--- changed: b.yaml ---");
    fs::remove_file(folder.join("b.yaml")).unwrap();
    wait_for("--- changed: b.yaml ---");
    wait_for("0 tests passed, 1 failed");
    write("allow");
    wait_for("1 test passed");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn watching_is_for_people_and_for_folders() {
    let folder = scratch("watch-wrong");
    let json = policyc(&["test", folder.to_str().unwrap(), "--watch", "--format", "json"]);
    assert_eq!(json.status.code(), Some(2), "{}", text(&json.stdout));
    let missing = policyc(&["test", folder.join("missing").to_str().unwrap(), "--watch"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stdout));
}
