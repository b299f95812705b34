//! The sets of policies: resources of Istio and Kubernetes as a user has them.
//!
//! A file of `sets` holds several sets, each after a line `### name` or `### name [mark]`. `${PORT}` is the port of the
//! set's listener. A set without a Deployment is about [`WORKLOAD`].

use std::path::Path;

use context_mesh_e2e::authorization::policy::{Resources, Workload, read};

/// The workload of most sets.
pub(crate) const WORKLOAD: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, version: v1}}
    spec: {serviceAccountName: cart, containers: [{name: cart, image: cart}]}
";

/// A set of policies.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// The file and the name.
    pub(crate) name: String,
    /// The YAML text.
    pub(crate) text: String,
    /// What the text says, read without the importer.
    pub(crate) resources: Resources,
    /// What is special about it.
    pub(crate) mark: Option<Mark>,
}

/// What is special about a set; in brackets behind its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// RBAC allows every request.
    AlwaysAllowed,
    /// RBAC denies every request.
    AlwaysDenied,
    /// The importer refuses it.
    Refused,
}

impl Set {
    pub(crate) fn new(name: &str, text: &str, port: u16) -> Self {
        let (name, mark) = match name.strip_suffix(']').and_then(|name| name.split_once(" [")) {
            Some((name, "always allowed")) => (name, Some(Mark::AlwaysAllowed)),
            Some((name, "always denied")) => (name, Some(Mark::AlwaysDenied)),
            Some((name, "refused")) => (name, Some(Mark::Refused)),
            _ => (name, None),
        };
        let mut text = text.replace("${PORT}", &port.to_string());
        if !text.contains("kind: Deployment") {
            text += WORKLOAD;
        }
        let resources = read(name, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!resources.policies.is_empty(), "{name} has policies");
        Self { name: name.to_owned(), text, resources, mark }
    }

    /// Returns the workload whose proxy decides: the first one.
    pub(crate) fn workload(&self) -> &Workload {
        &self.resources.workloads[0]
    }
}

/// Returns name and text of each written set, in the order of the files.
pub(crate) fn written() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/parity/sets");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut sets = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        for part in text.split("### ").skip(1) {
            let (name, text) = part.split_once('\n').unwrap();
            sets.push((format!("{stem}: {}", name.trim()), text.to_owned()));
        }
    }
    sets
}
