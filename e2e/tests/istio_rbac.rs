//! Compares the RBAC configuration of `authorization` with the outputs that Istio publishes for its own generator.
//!
//! `$ISTIO_TESTDATA` is the folder `pilot/pkg/security/authz/builder/testdata` of a checkout of Istio, or that checkout.
//! Without it the test is skipped. The format is that of Istio 1.26 and later.

#[path = "../../core/tests/skip/mod.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};

use context_mesh_e2e::authorization::filters::filters;
use context_mesh_e2e::authorization::policy::{MeshConfig, Workload, read};
use context_mesh_e2e::authorization::select::policies_of;
use context_mesh_e2e::authorization::yaml::documents;
use serde_json::{Map, Value, json};

/// The cases with other trust domains than the default: the mesh's own, and those that count as the same.
const TRUST_DOMAINS: [(&str, &str, &[&str]); 4] = [
    ("simple-policy-td-aliases", "td1", &["cluster.local"]),
    ("simple-policy-multiple-td-aliases", "td1", &["cluster.local", "some-td"]),
    ("simple-policy-principal-with-wildcard", "td1", &["foobar"]),
    ("td-aliases-source-principal", "new-td", &["old-td", "some-trustdomain"]),
];

/// The cases of other proxies or actions: waypoints, `CUSTOM`.
const OTHERS: [&str; 2] = ["ambient", "custom"];

fn folder() -> Option<PathBuf> {
    let root = PathBuf::from(std::env::var_os("ISTIO_TESTDATA")?);
    ["http", "pilot/pkg/security/authz/builder/testdata/http"]
        .map(|part| root.join(part))
        .into_iter()
        .find(|f| f.is_dir())
}

/// Returns the published outputs of a case, in the order of the filters.
fn outputs(folder: &Path, case: &str) -> Vec<Value> {
    let names = ["", "1", "2"].map(|number| folder.join(format!("{case}-out{number}.yaml")));
    let found = names.iter().filter_map(|file| fs::read_to_string(file).ok());
    found.flat_map(|text| documents("output", &text).unwrap()).collect()
}

/// Returns the value without what decides nothing: the engine of regular expressions, and the names of statistics.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, value) in members {
                if !["googleRe2", "shadowRulesStatPrefix"].contains(&key.as_str()) {
                    out.insert(key.clone(), normal(value));
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

#[test]
fn our_rbac_is_the_one_that_istio_publishes() {
    let Some(folder) = folder() else {
        return skip::skip("RBAC beside Istio's", "$ISTIO_TESTDATA is not a folder with Istio's test data");
    };
    let mut cases: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix("-in.yaml")?.to_owned()))
        .filter(|case| !OTHERS.iter().any(|other| case.contains(other)))
        .collect();
    cases.sort();
    let labels = [("app", "httpbin"), ("version", "v1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let workload = Workload { name: "httpbin".to_owned(), namespace: "foo".to_owned(), labels: labels.into() };
    let (mut compared, mut different) = (0, Vec::new());
    for case in &cases {
        let text = fs::read_to_string(folder.join(format!("{case}-in.yaml"))).unwrap();
        let mut resources = read(case, &text).unwrap_or_else(|error| panic!("{error}"));
        if let Some((_, domain, aliases)) = TRUST_DOMAINS.iter().find(|(name, ..)| name == case) {
            resources.mesh = MeshConfig {
                trust_domain: (*domain).to_owned(),
                trust_domain_aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
                ..MeshConfig::default()
            };
        }
        let ours = filters(&policies_of(&resources, &workload), &resources.mesh);
        let theirs = outputs(&folder, case);
        let configs =
            |filters: &[Value]| -> Vec<Value> { filters.iter().map(|filter| normal(&filter["typedConfig"])).collect() };
        compared += theirs.len();
        if configs(&ours) != configs(&theirs) {
            different.push(format!("{case}\nours: {:#}\ntheirs: {:#}", json!(configs(&ours)), json!(configs(&theirs))));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(compared >= 10, "only {compared} filters of {} cases were compared", cases.len());
    eprintln!("{compared} filters of {} cases are the same", cases.len());
}
