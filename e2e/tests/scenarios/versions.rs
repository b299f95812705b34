//! Which version runs where: what `policyc status` says of a real Envoy.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use context_mesh_core::artifact::{Revision, with_revision};
use context_mesh_core::pipeline::{self, Routing};
use context_mesh_core::plugin_config::PluginConfig;
use context_mesh_e2e::filter_config;
use context_mesh_e2e::mesh::{Mesh, PushOutcome};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Role;
use serde_json::{Value, json};

use crate::support::*;

/// A rule that makes another artifact.
const AUDITED: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: audited}
spec:
  workloads: ["*"]
  rules: [{name: all, audit: true}]
"#;

/// The binary of the compiler, which `make build` puts beside the folder of this test.
fn policyc() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("policyc");
    assert!(binary.is_file(), "`{}` is not there; build it with `make build`", binary.display());
    binary
}

/// What the proxy of `back` says, compared with a list of digests, and the exit code.
fn status(mesh: &Mesh, expected: &[(&str, &Policy)]) -> (Value, i32) {
    let entry = |(role, policy): &(&str, &Policy)| json!({"service": "back", "role": role, "digest": policy.digest, "revision": null});
    let list = mesh.folder().join("digests.json");
    std::fs::write(&list, expected.iter().map(entry).collect::<Value>().to_string()).unwrap();
    let admin = mesh.envoy("back").unwrap().admin().to_string();
    let output = Command::new(policyc())
        .args(["status", "--format", "json", "--admin", &admin, "--expect"])
        .arg(&list)
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (document["proxies"][0].clone(), output.status.code().unwrap())
}

/// The plugin configuration for `back` with a revision.
fn configuration(policy: &Policy, revision: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let revision = Revision::parse(revision).unwrap();
    let mut artifact = with_revision(&policy.artifact, Some(&revision)).unwrap();
    change(&mut artifact);
    let role = Some(pipeline::Role::Inbound);
    PluginConfig { artifact, service: Some("back".into()), role, routing: Routing::Fixed }.to_json()
}

fn running(proxy: &Value) -> Vec<Value> {
    let list = proxy["running"].as_array().unwrap();
    list.iter().map(|known| json!([known["role"], known["revision"], known["digest"], known["verdict"]])).collect()
}

fn refused(proxy: &Value) -> Vec<Value> {
    let list = proxy["refused"].as_array().unwrap();
    list.iter().map(|known| json!([known["reason"], known["revision"], known["count"]])).collect()
}

#[test]
fn status_says_what_runs_and_what_was_refused_and_why() {
    let (first, second) = (Policy::from_text(MESH).unwrap(), Policy::from_text(&format!("{MESH}{AUDITED}")).unwrap());
    // Two workers: the statistics are those of all.
    let mesh = pair_of(first.clone(), |mesh| mesh.concurrency(2));
    let push = |configuration: &str| mesh.push_filter_config("back", Role::Inbound, configuration).unwrap();
    let outbound = json!(["outbound", null, first.digest, "expected"]);

    assert_eq!(push(&configuration(&first, "A-1.0", |_| {})), PushOutcome::Accepted);
    let (proxy, code) = status(&mesh, &[("inbound", &first), ("outbound", &first)]);
    assert_eq!(running(&proxy), [json!(["inbound", "A-1.0", first.digest, "other-revision"]), outbound.clone()]);
    assert_eq!((refused(&proxy), code, &proxy["name"]), (vec![], 0, &json!("back")), "{proxy:#}");
    assert_eq!(proxy["envoy"], "1.40.0");

    assert_eq!(push(&configuration(&second, "B", |_| {})), PushOutcome::Accepted);
    let (proxy, code) = status(&mesh, &[("inbound", &second), ("outbound", &first)]);
    assert_eq!(running(&proxy), [json!(["inbound", "B", second.digest, "other-revision"]), outbound.clone()]);
    assert_eq!((refused(&proxy), code), (vec![], 0), "{proxy:#}");
    let (proxy, code) = status(&mesh, &[("inbound", &first), ("outbound", &first)]);
    assert_eq!((&proxy["running"][0]["verdict"], code), (&json!("other"), 1));

    // The same policies of another commit: the report of a request names it, and so does a statistic.
    assert_eq!(push(&configuration(&second, "C/7", |_| {})), PushOutcome::Accepted);
    assert_eq!(mesh.send(&peer(&mesh, "back"), get("/")).unwrap().status, 200);
    let line = report(&mesh, "back", "inbound");
    assert_eq!((&line["revision"], &line["artifact"]), (&json!("C/7"), &json!(second.digest)));
    let prometheus = mesh.envoy("back").unwrap().admin_get("/stats/prometheus?filter=artifact_info").unwrap();
    let gauge = |revision: &str, digest: &str, value: u32| {
        let labels = format!("artifact_digest=\"{digest}\",artifact_revision=\"{revision}\"");
        format!("context_mesh_artifact_info{{artifact_service=\"back\",artifact_role=\"inbound\",{labels}}} {value}\n")
    };
    for (revision, policy, value) in [("A-1.0", &first, 0), ("B", &second, 0), ("C/7", &second, 1)] {
        let wanted = gauge(revision, &policy.digest, value);
        let sorted = |line: &str| {
            let mut parts: Vec<String> = line.trim().split(['{', '}', ',']).map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert!(prometheus.lines().any(|line| sorted(line) == sorted(&wanted)), "{wanted}{prometheus}");
    }

    // What is broken is refused, and the last good one goes on.
    let damaged = configuration(&first, "D", |artifact| *artifact.last_mut().unwrap() ^= 1);
    let other = Policy::from_text(MESH).unwrap().slice("front").unwrap();
    let slice = configuration(&other, "E", |_| {});
    let now = json!(["inbound", "C/7", second.digest, "other-revision"]);
    let expected = [("inbound", &second), ("outbound", &first)];
    for (pushed, counted, text) in [
        (damaged.as_str(), vec![json!(["damaged", "D", 1])], "the artifact states the digest "),
        (
            &slice,
            vec![json!(["damaged", "D", 1]), json!(["service", "E", 1])],
            "the artifact was built for service `front`",
        ),
        (
            "{}",
            vec![json!(["configuration", null, 1]), json!(["damaged", "D", 1]), json!(["service", "E", 1])],
            "has no `artifact`",
        ),
    ] {
        assert_eq!(push(pushed), PushOutcome::Rejected, "{text}");
        let (proxy, code) = status(&mesh, &expected);
        assert_eq!((running(&proxy), code), (vec![now.clone(), outbound.clone()], 0), "{proxy:#}");
        assert_eq!(refused(&proxy), counted, "{proxy:#}");
        let texts: Vec<&str> =
            proxy["refused"].as_array().unwrap().iter().filter_map(|known| known["text"].as_str()).collect();
        assert!(texts.iter().any(|known| known.contains(text)), "{text}: {texts:?}");
        let of_envoy = &proxy["counters"]["extension_config_discovery.http_filter.context_mesh.update_rejected"];
        assert_eq!(of_envoy.as_u64(), u64::try_from(counted.len()).ok(), "{proxy:#}");
    }
    assert_eq!(counter(&mesh, "back", "config_refused"), 3);
    let log = mesh.envoy_log("back").unwrap();
    assert!(
        log.contains(&format!("context_mesh: runs revision C/7, artifact {}, for `back`, role inbound", second.digest))
    );

    // Back to an earlier one: its gauge is 1 again, and stays it when the plugin before is over.
    assert_eq!(push(&configuration(&first, "A-1.0", |_| {})), PushOutcome::Accepted);
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        let (proxy, code) = status(&mesh, &[("inbound", &first), ("outbound", &first)]);
        assert_eq!(running(&proxy), [json!(["inbound", "A-1.0", first.digest, "other-revision"]), outbound.clone()]);
        assert_eq!(code, 0);
    }
    assert_no_trap(&mesh);
}

/// A newer filter is another virtual machine, and the one before resets its gauges when it ends.
#[test]
fn a_newer_filter_goes_on_showing_what_runs() {
    let policy = Policy::from_text(MESH).unwrap();
    let mesh = pair_of(policy.clone(), |mesh| mesh.concurrency(2));
    // A custom section: other bytes, the same program.
    let newer = mesh.folder().join("newer.wasm");
    let mut code = std::fs::read(policy::filter().unwrap()).unwrap();
    code.extend_from_slice(b"\x00\x06\x05newer");
    std::fs::write(&newer, code).unwrap();
    let shows = |revision: &str| {
        let wanted = [json!(["inbound", revision, policy.digest]), json!(["outbound", null, policy.digest])];
        let found = status(&mesh, &[]).0;
        let list = found["running"].as_array().unwrap().iter();
        list.map(|known| json!([known["role"], known["revision"], known["digest"]])).collect::<Vec<_>>() == wanted
    };
    let same = configuration(&policy, "same", |_| {});
    assert_eq!(mesh.push_filter_config("back", Role::Inbound, &same).unwrap(), PushOutcome::Accepted);
    assert!(shows("same"));
    for revision in ["same", "other"] {
        let configuration = configuration(&policy, revision, |_| {});
        let document = filter_config::discovery_response(&newer, &configuration, revision).to_string();
        assert_eq!(mesh.push_filter_document("back", Role::Inbound, &document).unwrap(), PushOutcome::Accepted);
        // A tick of the newer one comes at most half a second after the end of the other.
        let begin = Instant::now();
        while !shows(revision) || begin.elapsed() < Duration::from_secs(2) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{revision}: {}", status(&mesh, &[]).0);
        }
    }
    assert_no_trap(&mesh);
}
