//! Writes the tree that decides as the policies do, and says for each policy how it was converted.
//!
//! [`services`] names the workloads, [`document`] plans a document for each group of them, and [`rule`] turns a rule into a
//! condition. [`mesh`] and [`write`] are the texts, [`repair`] removes what the compiler would warn of, and [`examples`]
//! writes tests. A rule never decides looser than its policy: where it is stricter, the verdict says so.

mod address;
mod claims;
mod condition;
mod document;
mod examples;
mod header;
mod identity;
mod mesh;
mod names;
mod path;
mod pattern;
mod proxies;
mod repair;
mod rule;
mod sample;
mod services;
mod share;
mod trust_domain;
mod write;
mod yaml;

use super::{
    istio::Resources,
    select::{Group, waypoint_target},
};
use crate::read::document::formatted;
use crate::report::diagnostic::{Diagnostic, Severity, code};
use crate::report::source::{Sources, Span};
use document::Document;
use repair::{Repaired, Written};
use services::Services;

/// A converted tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converted {
    /// The files, sorted by path. They are to be written only if no verdict is [`Verdict::Refused`].
    pub files: Vec<File>,
    /// The verdicts, in the order of [`Resources::policies`].
    pub verdicts: Vec<Verdict>,
}

/// A file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the tree.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// How the conversion of a policy compares with the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every request is decided as before.
    Exact,
    /// Some requests that the policy let pass are rejected.
    Stricter(Vec<Reason>),
    /// It cannot be converted.
    Refused(Vec<Reason>),
}

/// Why a policy is not exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The part of the policy.
    pub span: Span,
    /// What differs, and what to do.
    pub text: String,
}

/// The reasons of all policies, by index.
#[derive(Debug, Clone)]
struct Report {
    stricter: Vec<Vec<Reason>>,
    refused: Vec<Vec<Reason>>,
    /// Of policies that are out of range; there are none.
    lost: Vec<Reason>,
}

impl Report {
    fn new(policies: usize) -> Self {
        Self { stricter: vec![Vec::new(); policies], refused: vec![Vec::new(); policies], lost: Vec::new() }
    }

    fn stricter(&mut self, policy: usize) -> &mut Vec<Reason> {
        self.stricter.get_mut(policy).unwrap_or(&mut self.lost)
    }

    fn refuse(&mut self, policy: usize, reason: Reason) {
        let reasons = self.refused.get_mut(policy).unwrap_or(&mut self.lost);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// Notes that longer headers and paths are denied, for policies whose rules read them.
    fn note_limit(&mut self, bytes: u32) {
        for reasons in &mut self.stricter {
            let reads = reasons.iter().find(|reason| [rule::HEADERS, rule::PATHS].contains(&reason.text.as_str()));
            if let Some(span) = reads.map(|reason| reason.span) {
                let text = format!(
                    "a rule that reads a header or the path denies a request in which it has more than {bytes} bytes"
                );
                reasons.push(Reason { span, text });
            }
        }
    }

    fn has_refused(&self) -> bool {
        self.refused.iter().any(|reasons| !reasons.is_empty())
    }

    fn verdicts(self) -> Vec<Verdict> {
        let both = self.stricter.into_iter().zip(self.refused);
        both.map(|(stricter, refused)| match (stricter.is_empty(), refused.is_empty()) {
            (_, false) => Verdict::Refused(refused),
            (false, true) => Verdict::Stricter(stricter),
            (true, true) => Verdict::Exact,
        })
        .collect()
    }
}

/// Converts the policies. There are no files if one of them is refused.
pub fn convert(resources: &Resources, groups: &[Group]) -> Converted {
    let mut report = Report::new(resources.policies.len());
    refuse_waypoints(resources, &mut report);
    let services = Services::new(resources);
    let planned = groups.iter().filter_map(|group| document::plan(group, resources, &services, &mut report));
    let mut documents: Vec<Document> = planned.collect();
    proxies::note_shared_names(resources, groups, &services, &mut report);
    if report.has_refused() {
        return Converted { files: Vec::new(), verdicts: report.verdicts() };
    }
    document::name_apart(&mut documents);
    let mut files = write_all(&mut documents, resources, &services, &mut report);
    if report.has_refused() {
        files.clear();
    } else {
        files.extend(examples::files(&documents, &files, resources).into_iter().map(tidy));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Converted { files, verdicts: report.verdicts() }
}

/// Refuses policies that waypoints enforce.
fn refuse_waypoints(resources: &Resources, report: &mut Report) {
    for (index, policy) in resources.policies.iter().enumerate() {
        if let Some(target) = waypoint_target(policy) {
            let text = format!(
                "a waypoint enforces it for the {} `{}`, where a filter does not see who calls: keep it in Istio",
                target.kind, target.name.value
            );
            report.refuse(index, Reason { span: target.name.span, text });
        }
    }
}

/// Longest values of headers that conditions read, in bytes: all that Envoy accepts by default, and less if the rules
/// could otherwise need more fuel than a request has.
const HEADER_BYTES: [u32; 3] = [61_440, 8192, 2048];

/// Writes all documents without tests, and notes what a limit for headers changes.
fn write_all(documents: &mut [Document], resources: &Resources, services: &Services, report: &mut Report) -> Vec<File> {
    let mut left = Left::default();
    for bytes in HEADER_BYTES {
        let mut fixed = vec![File { path: "mesh.yaml".to_owned(), text: mesh::text(resources, services, bytes) }];
        fixed.extend(proxies::file(services));
        let is_last = HEADER_BYTES.last() == Some(&bytes);
        left = settle(documents, fixed, resources, is_last);
        let too_dear =
            left.findings.iter().any(|found| found.code == code::DECISION_COST || found.code == code::TOO_COSTLY);
        if too_dear && !is_last {
            continue;
        }
        if HEADER_BYTES.first() != Some(&bytes) {
            report.note_limit(bytes);
        }
        break;
    }
    if !left.findings.is_empty() {
        refuse(&left.findings, &tree(&left.files), documents, report);
    }
    left.files
}

/// Written files, and what the compiler still says about them.
#[derive(Debug, Default)]
struct Left {
    files: Vec<File>,
    findings: Vec<Diagnostic>,
}

/// Writes the documents until the compiler has nothing to say about them that can be settled.
fn settle(documents: &mut [Document], fixed: Vec<File>, resources: &Resources, is_last: bool) -> Left {
    let fixed: Vec<File> = fixed.into_iter().map(tidy).collect();
    let rules: usize = documents.iter().map(|document| document.rules.len()).sum();
    let mut left = Left::default();
    // Each round settles at least one finding, and a rule has few.
    for _ in 0..rules.saturating_mul(4).saturating_add(4) {
        let written = documents
            .iter()
            .map(|document| tidy(File { path: document.path(), text: write::text(document, resources) }));
        let files: Vec<File> = fixed.iter().cloned().chain(written).collect();
        let sources = tree(&files);
        let findings = findings(&sources);
        let done = findings.is_empty() || !settle_some(&findings, &sources, documents, is_last);
        left = Left { files, findings };
        if done {
            break;
        }
    }
    left
}

/// Returns what the compiler says about a tree, the errors first.
fn findings(sources: &Sources) -> Vec<Diagnostic> {
    let found = match crate::compile(sources) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.severity == Severity::Error);
    errors.into_iter().chain(warnings).collect()
}

/// Settles findings. Returns whether there was one that could be settled.
fn settle_some(found: &[Diagnostic], sources: &Sources, documents: &mut [Document], is_last: bool) -> bool {
    let mut settled = false;
    for finding in found {
        let Some((_, file)) = sources.iter().find(|(id, _)| finding.span.is_some_and(|span| span.file == *id)) else {
            continue;
        };
        let Some(document) = documents.iter_mut().find(|document| document.path() == file.path()) else { continue };
        match (Written { text: file.text(), document, is_last }).repair(finding) {
            Repaired::No => {}
            Repaired::Silenced => settled = true,
            // Two rules may each be needless beside the other, so the rest is looked at again.
            Repaired::Changed => return true,
        }
    }
    settled
}

/// Refuses the policies about which the compiler says what cannot be settled.
fn refuse(found: &[Diagnostic], sources: &Sources, documents: &[Document], report: &mut Report) {
    for finding in found {
        let path = sources.iter().find(|(id, _)| finding.span.is_some_and(|span| span.file == *id));
        let document = path.and_then(|(_, file)| documents.iter().find(|document| document.path() == file.path()));
        let text = format!("its conversion does not compile without warnings: {} ({})", finding.message, finding.code);
        let all = || documents.iter().flat_map(|document| document.spans.iter());
        let of = document.map_or_else(|| all().collect::<Vec<_>>(), |document| document.spans.iter().collect());
        for (policy, span) in of {
            report.refuse(*policy, Reason { span: *span, text: text.clone() });
        }
    }
}

/// Returns the files as sources.
fn tree(files: &[File]) -> Sources {
    let mut sources = Sources::new("imported");
    for file in files {
        sources.add(file.path.clone(), file.text.clone());
    }
    sources
}

/// Returns the file as `policyc fmt` leaves it.
fn tidy(file: File) -> File {
    let sources = tree(std::slice::from_ref(&file));
    let text = sources.iter().next().and_then(|(id, source)| formatted(id, source).ok());
    File { text: text.unwrap_or(file.text), path: file.path }
}
