//! Workloads: what has pods, and the Services that select them.
//!
//! Pods and ReplicaSets that a Deployment made are that Deployment, whether it is given or not.

use std::collections::{BTreeSet, HashMap};

use super::manifest::Manifest;
use crate::{
    import::istio::{Labels, Workload},
    read::{
        document::Decoder,
        foreign::{entries, get, is_true, list, path, scalar, text},
        yaml::Node,
    },
    report::{
        diagnostic::{Diagnostic, code},
        source::Spanned,
    },
};

/// Labels that controllers give their pods. No two pods have the same, so nobody selects by them.
const GENERATED: [&str; 10] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Returns the keys that lead to the template of the pods.
fn template(manifest: &Manifest<'_>) -> Option<&'static [&'static str]> {
    match (manifest.group, manifest.kind) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job")
        | ("argoproj.io", "Rollout") => Some(&["spec", "template"]),
        ("batch", "CronJob") => Some(&["spec", "job_template", "spec", "template"]),
        ("", "Pod") => Some(&[]),
        _ => None,
    }
}

/// Whether a resource is a workload or a Service.
pub(super) fn is_one(manifest: &Manifest<'_>) -> bool {
    template(manifest).is_some() || (manifest.group, manifest.kind) == ("", "Service")
}

/// The workloads and Services so far.
#[derive(Default)]
pub(super) struct Workloads {
    found: Vec<Found>,
    /// Indices of `found`, by what they are of.
    by_identity: HashMap<[String; 3], Vec<usize>>,
    services: Vec<Service>,
}

struct Found {
    /// Kind, namespace and name of the workload that it is, or that made it.
    of: [String; 3],
    /// Whether another workload made it.
    made: bool,
    workload: Workload,
}

struct Service {
    name: String,
    namespace: String,
    selector: Labels,
}

impl Workloads {
    /// Adds a workload or a Service.
    pub(super) fn add(&mut self, manifest: &Manifest<'_>, decoder: &mut Decoder<'_>) {
        let Some(keys) = template(manifest) else { return self.service(manifest) };
        let Some(template) = path(manifest.node, keys) else {
            let message = format!("the {} `{}` has no template of its pods", manifest.kind, manifest.name.value);
            decoder.report(Diagnostic::error(code::MISSING_KEY, manifest.span, message).help("add `spec.template`"));
            return;
        };
        let labels = path(template, &["metadata", "labels"]).map(labels).unwrap_or_default();
        let owner = owner(manifest, &labels);
        // A ReplicaSet without replicas is the past of a Deployment.
        let replicas = path(manifest.node, &["spec", "replicas"]).and_then(scalar);
        if manifest.kind == "ReplicaSet" && owner.is_some() && replicas.is_some_and(|count| count.value == "0") {
            return;
        }
        let account = get(template, "spec").and_then(|pod| {
            text(pod, "service_account_name")
                .or_else(|| text(pod, "service_account"))
                .filter(|name| !name.value.is_empty())
        });
        let made = owner.is_some();
        let (kind, name) = owner.unwrap_or_else(|| (manifest.kind.to_owned(), manifest.name.value.clone()));
        let of = [kind, manifest.namespace.clone(), name.clone()];
        // Of a rollout there can be pods of two versions.
        let another = made && self.alike(&of).any(|found| found.made);
        let name = if another { manifest.name.value.clone() } else { name };
        let workload = Workload {
            name: Spanned::new(name, manifest.name.span),
            namespace: manifest.namespace.clone(),
            labels: labels.into_iter().filter(|(key, _)| !GENERATED.contains(&key.as_str())).collect(),
            service_account: account.map_or_else(|| "default".to_owned(), |name| name.value),
            services: Vec::new(),
        };
        self.push(Found { of, made, workload }, decoder);
    }

    /// Adds a workload, unless it is known already.
    fn push(&mut self, found: Found, decoder: &mut Decoder<'_>) {
        let alike: Vec<&Found> = self.alike(&found.of).filter(|other| other.made == found.made).collect();
        if alike.iter().any(|other| other.has_pods_of(&found)) {
            return;
        }
        if let Some(other) = alike.first().filter(|_| !found.made) {
            let name = &found.workload.name;
            let message = format!("the {} `{}` is given twice, with different pods", found.of[0], name.value);
            let problem = Diagnostic::error(code::GIVEN_TWICE, name.span, message);
            let problem = problem.label(other.workload.name.span, "the first one");
            decoder.report(problem.help("give only the one that holds in the cluster"));
            return;
        }
        self.by_identity.entry(found.of.clone()).or_default().push(self.found.len());
        self.found.push(found);
    }

    /// Returns what is, or was made by, one workload.
    fn alike(&self, of: &[String; 3]) -> impl Iterator<Item = &Found> {
        let indices = self.by_identity.get(of).map_or(&[] as &[usize], Vec::as_slice);
        indices.iter().filter_map(|index| self.found.get(*index))
    }

    /// Returns the number of workloads and of Services.
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.found.len(), self.services.len()]
    }

    fn service(&mut self, manifest: &Manifest<'_>) {
        let selector = path(manifest.node, &["spec", "selector"]).map(labels).unwrap_or_default();
        // A Service without a selector has endpoints that somebody else lists.
        if selector.is_empty() {
            return;
        }
        let (name, namespace) = (manifest.name.value.clone(), manifest.namespace.clone());
        self.services.push(Service { name, namespace, selector });
    }

    /// Returns the workloads, each with its Services.
    pub(super) fn finish(self) -> Vec<Workload> {
        let given: BTreeSet<[String; 3]> =
            self.found.iter().filter(|found| !found.made).map(|found| found.of.clone()).collect();
        let kept = self.found.into_iter().filter(|found| !found.made || !given.contains(&found.of));
        let mut workloads: Vec<Workload> = kept.map(|found| found.workload).collect();
        for workload in &mut workloads {
            let of_it = self.services.iter().filter(|service| service.selects(workload));
            workload.services = of_it.map(|service| service.name.clone()).collect();
            workload.services.sort();
            workload.services.dedup();
        }
        workloads
    }
}

impl Found {
    /// Whether both have pods of one kind.
    fn has_pods_of(&self, other: &Self) -> bool {
        let (one, two) = (&self.workload, &other.workload);
        one.labels == two.labels && one.service_account == two.service_account
    }
}

impl Service {
    fn selects(&self, workload: &Workload) -> bool {
        self.namespace == workload.namespace
            && self.selector.iter().all(|(key, value)| workload.labels.get(key) == Some(value))
    }
}

/// Returns the kind and name of the workload that made this one.
fn owner(manifest: &Manifest<'_>, labels: &Labels) -> Option<(String, String)> {
    let references = list(get(manifest.node, "metadata")?, "owner_references");
    let reference = references.iter().find(|reference| is_true(reference, "controller"))?;
    let (kind, name) = (text(reference, "kind")?.value, text(reference, "name")?.value);
    // A ReplicaSet has the name of what made it, with the hash of its template.
    let before = |label: &str| Some(name.strip_suffix(labels.get(label)?.as_str())?.strip_suffix('-')?.to_owned());
    let above = match kind.as_str() {
        "ReplicaSet" => {
            let deployment = before("pod-template-hash").map(|name| ("Deployment".to_owned(), name));
            before("rollouts-pod-template-hash").map(|name| ("Rollout".to_owned(), name)).or(deployment)
        }
        "Job" => scheduled(&name).map(|name| ("CronJob".to_owned(), name)),
        _ => None,
    };
    Some(above.unwrap_or((kind, name)))
}

/// Returns the name of the CronJob of a Job: without the minute for which it was made.
fn scheduled(job: &str) -> Option<String> {
    let (name, minute) = job.rsplit_once('-')?;
    let is_minute = (8..=10).contains(&minute.len()) && minute.bytes().all(|byte| byte.is_ascii_digit());
    is_minute.then(|| name.to_owned())
}

fn labels(node: &Node) -> Labels {
    let pairs = entries(node).iter().filter_map(|(key, value)| Some((key.value.clone(), scalar(value)?.value)));
    pairs.collect()
}
