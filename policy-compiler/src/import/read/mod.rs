//! Reads the resources of Istio and Kubernetes from files: manifests, folders of them, and what `kubectl get -o yaml`
//! prints.
//!
//! Documents of other kinds are skipped. A policy is read strictly: an unknown key is an error, because a condition
//! that is overlooked would let more requests pass.

mod authentication;
mod duplicates;
mod manifest;
mod mesh_config;
mod policy;
mod rule;
mod values;
mod workload;

use super::{
    derive,
    istio::{AuthorizationPolicy, RequestAuthentication, Resources, Workload},
};
use crate::{
    read::{
        document::Decoder,
        yaml::{self, Node},
    },
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::{FileId, SourceFile, Sources},
    },
};

use duplicates::Duplicates;
use manifest::Manifest;
use mesh_config::Meshes;
use workload::Workloads;

/// The versions of Istio's API that are read.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The kinds of Istio's group `security.istio.io`.
const SECURITY_KINDS: [&str; 3] = ["AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication"];

/// Most policies, workloads and Services. Each policy is compared with each workload.
const MAX_RESOURCES: usize = 20_000;

/// The namespace of resources that name none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Reads all resources of all files. If the diagnostics have errors, the resources are incomplete.
pub fn read(sources: &Sources) -> (Resources, Diagnostics) {
    read_into(sources, DEFAULT_NAMESPACE)
}

/// Like [`read()`], with another namespace for resources that name none.
pub fn read_into(sources: &Sources, namespace: &str) -> (Resources, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let files: Vec<_> = sources.iter().map(|(id, file)| parse(id, file, &mut diagnostics)).collect();
    let mut reader = Reader::new(Decoder::new(sources, &mut diagnostics), namespace);
    files.iter().flatten().for_each(|document| reader.document(document));
    reader.check_counts();
    let (policies, authentications, workloads, meshes) = reader.finish();
    let mesh = meshes.finish(&mut diagnostics);
    let workloads = if diagnostics.has_errors() { Vec::new() } else { workloads.finish() };
    let mut resources = Resources { policies, workloads, authentications, mesh };
    if resources.policies.is_empty() && !diagnostics.has_errors() {
        let help = "give files with resources of the kind `AuthorizationPolicy` (`security.istio.io/v1`), such as the \
                    output of `kubectl get authorizationpolicies --all-namespaces -o yaml`";
        diagnostics.push(Diagnostic::error(code::NO_POLICIES, None, "there is no AuthorizationPolicy").help(help));
    } else if resources.workloads.is_empty() && !diagnostics.has_errors() {
        resources.workloads = derive::workloads(&resources);
        diagnostics.push(derived(&resources.workloads));
    }
    diagnostics.sort();
    (resources, diagnostics)
}

/// Reads the documents of a file. Files of a chart that are no YAML yet are common.
fn parse(id: FileId, file: &SourceFile, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let mut problems = Diagnostics::new();
    let documents = yaml::parse(id, file, &mut problems);
    let is_template = file.text().contains("{{");
    diagnostics.extend(problems.into_iter().map(|problem| {
        if is_template {
            problem.note("`{{` is a template: `helm template` makes manifests of a chart")
        } else {
            problem
        }
    }));
    documents
}

/// Says that no workloads are given, and which stand in for them.
fn derived(workloads: &[Workload]) -> Diagnostic {
    const NAMED: usize = 5;
    let named = workloads.iter().take(NAMED).map(|one| format!("`{}/{}`", one.namespace, one.name.value));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let Some(more) = workloads.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push_str(&format!(" and {more} more"));
    }
    let help = "give the real ones with `--workloads`, such as the output of `kubectl get \
                deployments,statefulsets,daemonsets,cronjobs,services --all-namespaces -o yaml`";
    let message = format!("no workloads are given, so these are derived from the selectors of the policies: {named}");
    Diagnostic::warning(code::NO_WORKLOADS, None, message)
        .note("their names and service accounts are guesses, and only the labels of one selector are known of each")
        .help(help)
}

/// Whether a file has the settings of a mesh.
pub fn has_mesh_config(id: FileId, file: &SourceFile) -> bool {
    yaml::parse(id, file, &mut Diagnostics::new()).iter().any(mesh_config::is_one)
}

/// What has been read so far.
struct Reader<'n, 'd> {
    /// The namespace of resources that name none.
    namespace: &'d str,
    decoder: Decoder<'d>,
    policies: Vec<AuthorizationPolicy>,
    authentications: Vec<RequestAuthentication>,
    workloads: Workloads,
    meshes: Meshes,
    duplicates: Duplicates<'n>,
}

impl<'n, 'd> Reader<'n, 'd> {
    fn new(decoder: Decoder<'d>, namespace: &'d str) -> Self {
        Self {
            namespace,
            decoder,
            policies: Vec::new(),
            authentications: Vec::new(),
            workloads: Workloads::default(),
            meshes: Meshes::default(),
            duplicates: Duplicates::default(),
        }
    }

    fn finish(self) -> (Vec<AuthorizationPolicy>, Vec<RequestAuthentication>, Workloads, Meshes) {
        (self.policies, self.authentications, self.workloads, self.meshes)
    }

    /// Reports more resources than can be compared with each other in a short time.
    fn check_counts(&mut self) {
        let [workloads, services] = self.workloads.counts();
        let counts = [(self.policies.len(), "policies"), (workloads, "workloads"), (services, "Services")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > MAX_RESOURCES) {
            let message = format!("there are {count} {what}, more than the limit of {MAX_RESOURCES}");
            let problem = Diagnostic::error(code::INVALID_VALUE, None, message);
            self.decoder.report(problem.help("import the namespaces one after another"));
        }
    }

    /// Reads a document.
    fn document(&mut self, node: &'n Node) {
        if mesh_config::is_one(node) {
            self.meshes.add(node, &mut self.decoder);
            return;
        }
        if let Some(manifest) = Manifest::new(node, None, self.namespace, &mut self.decoder) {
            self.resource(&manifest);
        }
    }

    fn resource(&mut self, manifest: &Manifest<'n>) {
        if let Some(items) = manifest.items() {
            for item in items {
                if mesh_config::is_one(item) {
                    self.meshes.add(item, &mut self.decoder);
                } else if let Some(item) = Manifest::new(item, Some(manifest), self.namespace, &mut self.decoder) {
                    self.resource(&item);
                }
            }
            return;
        }
        match (manifest.group, manifest.kind) {
            ("security.istio.io", kind) => self.security(manifest, kind),
            ("" | "apps" | "batch" | "argoproj.io", _) => self.workload(manifest),
            _ => {}
        }
    }

    fn security(&mut self, manifest: &Manifest<'n>, kind: &str) {
        if !SECURITY_KINDS.contains(&kind) {
            let help = near::suggestion(kind, SECURITY_KINDS);
            let message = format!("`security.istio.io` has no kind `{kind}`");
            self.decoder.report(Diagnostic::error(code::UNKNOWN_DOCUMENT, manifest.span, message).maybe_help(help));
        } else if kind == "PeerAuthentication" {
            // It says how certificates are asked for, which is not decided here.
        } else if !VERSIONS.contains(&manifest.version) {
            let message = format!("the version `{}` of {kind} is not known", manifest.version);
            let help = "write `apiVersion: security.istio.io/v1`";
            self.decoder.report(Diagnostic::error(code::UNKNOWN_DOCUMENT, manifest.span, message).help(help));
        } else if manifest.check_names(&mut self.decoder) && self.duplicates.is_new(manifest, &mut self.decoder) {
            if kind == "AuthorizationPolicy" {
                self.policies.extend(policy::read(manifest, &mut self.decoder));
            } else {
                self.authentications.extend(authentication::read(manifest, &mut self.decoder));
            }
        }
    }

    fn workload(&mut self, manifest: &Manifest<'n>) {
        if workload::is_one(manifest) && manifest.check_names(&mut self.decoder) {
            self.workloads.add(manifest, &mut self.decoder);
        }
    }
}
