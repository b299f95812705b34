//! `policyc status`, on saved answers and on an admin interface that answers like Envoy's.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
};

use context_mesh_core::{
    artifact::{Revision, Stamp, stamp, with_revision},
    info::{self, Reason},
    pipeline::{Role, Routing},
    plugin_config::PluginConfig,
};
use serde_json::{Value, json};

use super::{policyc, scratch, text, tree};
use crate::support::golden;

/// Returns an artifact of the tree with this revision.
fn artifact(folder: &Path, revision: &str) -> Vec<u8> {
    let file = folder.join(format!("{revision}.cmx"));
    let built = policyc(&["build", &tree(), "-o", file.to_str().unwrap(), "--revision", revision]);
    assert_eq!(built.status.code(), Some(0), "{}", text(&built.stderr));
    fs::read(file).unwrap()
}

fn other_digest(stamp: &Stamp) -> Stamp {
    let mut other = stamp.clone();
    other.digest.0[0] ^= 1;
    other
}

/// Returns the statistics of a sidecar of `ledger` that runs this.
fn stats(inbound: &Stamp, outbound: &Stamp, more: &str) -> String {
    let old = other_digest(inbound);
    format!(
        "cluster_manager.cds.update_rejected: 1\nwasmcustom.{}: 1\nwasmcustom.{}: 1\nwasmcustom.{}: 0\n{more}",
        info::running("ledger", Some(Role::Inbound), inbound),
        info::running("ledger", Some(Role::Outbound), outbound),
        info::running("ledger", Some(Role::Inbound), &old),
    )
}

/// Returns a configuration dump with these plugin configurations.
fn dump(configurations: &[String]) -> String {
    let filter = |configuration: &String| {
        json!({"ecds_filter": {"typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"name": "context_mesh", "configuration": {"value": configuration}},
        }}})
    };
    let filters: Value = configurations.iter().map(filter).collect();
    let node = json!({"id": "sidecar~10.0.0.7~ledger-7d9~shop", "cluster": "ledger"});
    json!({"configs": [{"bootstrap": {"node": node}}, {"ecds_filters": filters}]}).to_string()
}

fn config(artifact: Vec<u8>, role: Role) -> String {
    PluginConfig { artifact, service: Some("ledger".into()), role: Some(role), routing: Routing::Fixed }.to_json()
}

fn list(folder: &Path, entries: &[(&str, &str, &Stamp)]) -> String {
    let entry = |(service, role, stamp): &(&str, &str, &Stamp)| {
        let revision = stamp.revision.as_ref().map(|revision| revision.as_str());
        json!({"service": service, "role": role, "file": null, "digest": stamp.digest.to_string(), "revision": revision})
    };
    let file = folder.join("digests.json");
    fs::write(&file, entries.iter().map(entry).collect::<Value>().to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn written(folder: &Path, name: &str, content: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, content).unwrap();
    file.to_str().unwrap().to_owned()
}

fn document(arguments: &[&str], code: i32) -> Value {
    let output = policyc(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_runs_is_compared_with_what_is_expected() {
    let folder = scratch("status-expected");
    let good = stamp(&artifact(&folder, "v2")).unwrap();
    let renamed = Stamp { revision: Some(Revision::parse("v1").unwrap()), ..good.clone() };
    let other = other_digest(&good);
    let both = written(&folder, "both.txt", &stats(&good, &good, ""));
    let half = written(&folder, "half.txt", &stats(&good, &other, ""));
    let none = written(&folder, "none.txt", "cluster_manager.cds.update_rejected: 1\n");
    let listener =
        written(&folder, "listener.txt", &format!("wasmcustom.{}: 1\n", info::running("ledger", None, &good)));
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str, &'a Stamp)], i32, &'a [&'a str]);
    let sidecar = |stamp| [("ledger", "inbound", stamp), ("ledger", "outbound", stamp)];
    let cases: [Row<'_>; 8] = [
        (&both, &sidecar(&good), 0, &["expected", "expected"]),
        (&both, &sidecar(&renamed), 0, &["other-revision", "other-revision"]),
        (&both, &sidecar(&other), 1, &["other", "other"]),
        (&both, &[("ledger", "inbound", &good), ("payment-service", "outbound", &good)], 1, &["expected", "unlisted"]),
        (&half, &sidecar(&good), 1, &["expected", "other"]),
        (&listener, &sidecar(&good), 0, &["expected"]),
        (&listener, &[("ledger", "gateway", &good)], 1, &["unlisted"]),
        (&none, &sidecar(&good), 1, &[]),
    ];
    for (number, (file, expected, code, verdicts)) in cases.into_iter().enumerate() {
        let expect = list(&folder, expected);
        let found = document(&["status", "--stats", file, "--expect", &expect], code);
        let words: Vec<_> =
            found["proxies"][0]["running"].as_array().unwrap().iter().map(|known| &known["verdict"]).collect();
        assert_eq!(words, verdicts, "{number}: {found:#}");
        assert_eq!(
            (&found["different"], &found["proxies"][0]["different"]),
            (&json!(code), &json!(code == 1)),
            "{number}"
        );
        // Nothing is expected of anything.
        let found = document(&["status", "--stats", file], 0);
        assert_eq!((&found["different"], &found["proxies"][0]["different"]), (&json!(0), &Value::Null));
    }
}

#[test]
fn what_was_refused_is_shown_with_its_reason() {
    let folder = scratch("status-refused");
    let good = artifact(&folder, "v2");
    let running = stamp(&good).unwrap();
    let mut damaged = with_revision(&good, Some(&Revision::parse("v3").unwrap())).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    let stated = Stamp { revision: Some(Revision::parse("v3").unwrap()), ..running.clone() };
    let counted = format!(
        "extension_config_discovery.http_filter.context_mesh.update_rejected: 3\nwasmcustom.{}: 2\nwasmcustom.{}: 1\n",
        info::refused(Reason::Damaged, Some(&stated)),
        info::refused(Reason::Release, None)
    );
    let stats = written(&folder, "stats.txt", &stats(&running, &running, &counted));
    let alone = document(&["status", "--stats", &stats], 0);
    let refused = |document: &Value| -> Vec<Value> {
        let list = document["proxies"][0]["refused"].as_array().unwrap();
        list.iter().map(|known| json!([known["reason"], known["revision"], known["count"]])).collect()
    };
    assert_eq!(refused(&alone), [json!(["damaged", "v3", 2]), json!(["release", null, 1])]);
    assert_eq!(alone["proxies"][0]["refused"][0]["text"], Reason::Damaged.meaning());
    assert_eq!(
        alone["proxies"][0]["counters"],
        json!({"extension_config_discovery.http_filter.context_mesh.update_rejected": 3})
    );
    // The dump has the damaged artifact, so the reason is known in full; and one that loads here and does not run.
    let idle = with_revision(&good, Some(&Revision::parse("v4").unwrap())).unwrap();
    let saved =
        dump(&[config(damaged, Role::Inbound), config(good.clone(), Role::Outbound), config(idle, Role::Inbound)]);
    let saved = written(&folder, "config_dump.json", &saved);
    let both = document(&["status", "--stats", &stats, "--config-dump", &saved], 0);
    assert_eq!(both["proxies"][0]["name"], "sidecar~10.0.0.7~ledger-7d9~shop");
    assert_eq!(refused(&both), [json!(["damaged", "v3", 2]), json!(["idle", "v4", null]), json!(["release", null, 1])]);
    let reason = both["proxies"][0]["refused"][0]["text"].as_str().unwrap();
    assert!(reason.starts_with("the artifact states the digest "), "{reason}");
    // Of a dump alone, what loads is what runs.
    let dump = document(&["status", "--config-dump", &saved], 0);
    assert_eq!(refused(&dump), [json!(["damaged", "v3", null])]);
    let running: Vec<_> = dump["proxies"][0]["running"]
        .as_array()
        .unwrap()
        .iter()
        .map(|known| [&known["role"], &known["revision"]])
        .collect();
    assert_eq!(running, [["inbound", "v4"], ["outbound", "v2"]]);
}

/// Answers like the admin interface of an Envoy. Returns its address.
fn admin(stats: String, dump: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 2048];
            let read = stream.read(&mut request).unwrap();
            let line = String::from_utf8_lossy(&request[..read]);
            let path = line.split(' ').nth(1).unwrap();
            let body = match path.split('?').next().unwrap() {
                "/stats" => stats.clone(),
                "/server_info" => {
                    json!({"version": "9e55/1.40.0/Clean/RELEASE/BoringSSL", "node": {"id": "ledger-1"}}).to_string()
                }
                _ if path.ends_with("=ecds_filters") => dump.clone(),
                _ => "{}".to_owned(),
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nserver: envoy\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn proxies_are_asked_and_one_that_does_not_answer_is_said() {
    let folder = scratch("status-admin");
    let good = artifact(&folder, "v2");
    let running = stamp(&good).unwrap();
    let expect = list(&folder, &[("ledger", "inbound", &running), ("ledger", "outbound", &running)]);
    let address = admin(stats(&running, &running, ""), dump(&[config(good, Role::Inbound)]));
    let found = document(&["status", "--admin", &address, "--expect", &expect], 0);
    let proxy = &found["proxies"][0];
    assert_eq!(
        (&proxy["name"], &proxy["source"], &proxy["envoy"]),
        (&json!("ledger-1"), &json!(address), &json!("1.40.0"))
    );
    assert_eq!((&proxy["refused"], &proxy["unknown"]), (&json!([]), &Value::Null));
    // Nobody listens there any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let found = document(&["status", "--admin", &nobody, "--admin", &address, "--expect", &expect], 2);
    assert_eq!((&found["unknown"], &found["different"]), (&json!(1), &json!(0)));
    let reason = found["proxies"][0]["unknown"].as_str().unwrap();
    assert!(reason.starts_with("cannot connect: "), "{reason}");
    // Something else than expected outweighs an unknown proxy.
    let expect = list(&folder, &[("ledger", "inbound", &other_digest(&running))]);
    document(&["status", "--admin", &nobody, "--admin", &address, "--expect", &expect], 1);
}

#[test]
fn the_text_says_it_to_people() {
    let folder = scratch("status-text");
    let running = Stamp {
        digest: context_mesh_core::artifact::Digest([0xab; 32]),
        revision: Some(Revision::parse("v2").unwrap()),
    };
    let old = Stamp { revision: Some(Revision::parse("v1").unwrap()), ..other_digest(&running) };
    let damaged = Stamp { revision: Some(Revision::parse("v3").unwrap()), ..other_digest(&running) };
    let counted = format!(
        "extension_config_discovery.http_filter.context_mesh.update_rejected: 3\nwasmcustom.{}: 2\nwasmcustom.{}: 1\n",
        info::refused(Reason::Damaged, Some(&damaged)),
        info::refused(Reason::Configuration, None)
    );
    written(&folder, "ledger.txt", &stats(&running, &old, &counted));
    written(&folder, "none.txt", "server.live: 1\n");
    list(&folder, &[("ledger", "inbound", &running), ("ledger", "outbound", &running)]);
    let shown = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_policyc"))
            .arg("status")
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        format!("$ policyc status {}\n{}", arguments.join(" "), text(&output.stdout))
    };
    let found = [
        shown(&["--stats", "ledger.txt"]),
        shown(&["--stats", "ledger.txt", "--stats", "none.txt", "--expect", "digests.json"]),
    ];
    golden::check(&snapshot("status.txt"), &found.join("\n"));
}

#[test]
fn the_help_is_what_it_was() {
    for command in [&["status"] as &[&str], &["build"], &["emit", "envoyfilter"]] {
        let help = policyc(&[command, &["--help"]].concat());
        golden::check(&snapshot(&format!("help-{}.txt", command.join("-"))), text(&help.stdout));
    }
}

fn snapshot(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name)
}

#[test]
fn what_cannot_be_asked_or_read_is_said() {
    let folder = scratch("status-wrong");
    let stats = written(&folder, "stats.txt", "a: 1\n");
    let page = written(&folder, "page.html", "<html>");
    let object = written(&folder, "object.json", "{\"a\": 1}");
    let cases: [(&[&str], &str); 11] = [
        (&[], "<--admin <HOST:PORT>|--stats <FILE>|--config-dump <FILE>>"),
        (&["--admin", "localhost"], "write HOST:PORT"),
        (&["--admin", "http://localhost:9901"], "write HOST:PORT, for example localhost:15000"),
        (&["--admin", "localhost:99999"], "write HOST:PORT, for example localhost:15000"),
        (&["--admin", "localhost:1", "--timeout", "0"], "0 is not in 1..=600"),
        (&["--stats", "/nonexistent"], "cannot read `/nonexistent`"),
        (&["--stats", &page], "page.html`: the statistics: there are no statistics in it"),
        (&["--config-dump", &page], "page.html`: the configuration dump: it is not JSON"),
        (&["--config-dump", &object], "object.json`: the configuration dump: there is no `configs` in it"),
        (
            &["--stats", &stats, "--stats", &stats, "--config-dump", &object],
            "give as many `--config-dump` as `--stats`",
        ),
        (
            &["--stats", &stats, "--expect", &object],
            "object.json`: it is not a list; `policyc emit ... --all` writes one",
        ),
    ];
    for (arguments, expected) in cases {
        let output = policyc(&[&["status"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}
