//! Policy tests for each rule: a request that it matches and one that it does not.
//!
//! The requests come from the rule's values. Each is run, so that a test says what all rules together make of it: an
//! allowed request may still be denied by another policy.

use std::fmt::Write as _;

use super::condition::Condition;
use super::document::{Document, Planned};
use super::sample::{Sample, Sampler};
use super::yaml::{flow, flow_scalar, list};
use super::{File, tree};
use crate::import::istio::{Resources, Rule};
use crate::run::simulate::{Outcome, Simulator};

/// Attributes that every proxy has, and that a condition may read.
const ATTRIBUTES: [&str; 4] = ["source.direct_ip", "source.ip", "destination.ip", "destination.port"];

/// A request that may become a test.
struct Candidate {
    document: usize,
    rule: usize,
    matches: bool,
    workload: String,
    principal: Option<String>,
    request: String,
}

/// Returns the files with the tests of a tree. A rule for which no request was found has none.
pub(super) fn files(documents: &[Document], files: &[File], resources: &Resources) -> Vec<File> {
    let candidates = candidates(documents, files, resources);
    let outcomes = run(&candidates, files);
    let mut found = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let mut tests = String::new();
        for (number, rule) in document.rules.iter().enumerate() {
            for matches in [true, false] {
                let mut of = candidates.iter().zip(&outcomes).filter(|(candidate, _)| {
                    (candidate.document, candidate.rule, candidate.matches) == (index, number, matches)
                });
                let name = document.full_name(rule);
                if let Some((candidate, outcome)) = of.find(|(_, outcome)| applied(outcome, &name) == matches) {
                    write(candidate, outcome, rule, &mut tests);
                }
            }
        }
        if !tests.is_empty() {
            let owner = document.domain.as_ref().map(|domain| format!(", domain: {}", flow_scalar(domain)));
            let name = flow_scalar(&document.name);
            let head = "apiVersion: contextmesh.io/v1\nkind: PolicyTest\n";
            let text =
                format!("{head}metadata: {{name: {name}{}}}\nspec:\n  tests:\n{tests}", owner.unwrap_or_default());
            found.push(File { path: format!("tests/{}", document.path()), text });
        }
    }
    found
}

/// Returns requests for each rule that is written.
fn candidates(documents: &[Document], files: &[File], resources: &Resources) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let text = files.iter().find(|file| file.path == document.path()).map_or("", |file| file.text.as_str());
        let needed: Vec<&str> = ATTRIBUTES.into_iter().filter(|name| text.contains(name)).collect();
        let Some(workload) = document.workloads.first() else { continue };
        for (number, rule) in document.rules.iter().enumerate().filter(|(_, rule)| rule.left_out.is_none()) {
            let Some(policy) = resources.policies.get(rule.policy) else { continue };
            let sampler = Sampler { policy, mesh: &resources.mesh };
            let nothing = Rule { span: policy.span, from: Vec::new(), to: Vec::new(), when: Vec::new() };
            let source = rule.rule.and_then(|number| policy.rules.get(number)).unwrap_or(&nothing);
            let others = if rule.when == Condition::Always(true) { Vec::new() } else { sampler.others(source) };
            let samples = sampler.matching(source).into_iter().map(|sample| (true, sample));
            for (matches, sample) in samples.chain(others.into_iter().map(|sample| (false, sample))) {
                candidates.push(candidate(index, number, matches, workload, &sample, &needed));
            }
        }
    }
    candidates
}

fn candidate(
    document: usize,
    rule: usize,
    matches: bool,
    workload: &str,
    sample: &Sample,
    needed: &[&str],
) -> Candidate {
    let (workload, principal) = (workload.to_owned(), sample.principal.clone());
    Candidate { document, rule, matches, workload, principal, request: flow(&sample.request(needed)) }
}

impl Candidate {
    /// Returns the lines of a test that say which request it is.
    fn lines(&self) -> String {
        let mut out = format!("      workload: {}\n", flow_scalar(&self.workload));
        if let Some(principal) = &self.principal {
            let _ = writeln!(out, "      principal: {}", flow_scalar(principal));
        }
        if self.request != "{}" {
            let _ = writeln!(out, "      request: {}", self.request);
        }
        out
    }
}

/// Runs the requests. The result is empty if they cannot be read, which the tests of this crate exclude.
fn run(candidates: &[Candidate], files: &[File]) -> Vec<Outcome> {
    let mut text =
        String::from("apiVersion: contextmesh.io/v1\nkind: PolicyTest\nmetadata: {name: c}\nspec:\n  tests:\n");
    for (number, candidate) in candidates.iter().enumerate() {
        let _ = write!(text, "    - name: c{number}\n{}      expect: {{decision: allow}}\n", candidate.lines());
    }
    let mut all = files.to_vec();
    all.push(File { path: "candidates.yaml".to_owned(), text });
    let Ok((compiled, model)) = crate::compile_with_model(&tree(&all)) else { return Vec::new() };
    let Ok(mut simulator) = Simulator::new(&compiled.artifact) else { return Vec::new() };
    let outcomes: Result<Vec<_>, _> = model.tests.iter().map(|case| simulator.run(&case.request, None)).collect();
    outcomes.unwrap_or_default()
}

/// Whether a rule applied.
fn applied(outcome: &Outcome, rule: &str) -> bool {
    [&outcome.rules, &outcome.audited, &outcome.shadow].into_iter().flatten().any(|name| name == rule)
}

/// Writes a test.
fn write(candidate: &Candidate, outcome: &Outcome, rule: &Planned, out: &mut String) {
    let verb = if candidate.matches { "applies" } else { "does not apply" };
    let _ = write!(out, "    - name: {} {verb}\n{}", rule.name, candidate.lines());
    let decision = match &outcome.refusal {
        None => "decision: allow".to_owned(),
        Some(refusal) => format!("decision: deny, status: {}", refusal.status),
    };
    let mut expect = format!("{decision}, rules: {}", list(outcome.rules.iter().map(String::as_str)));
    for (key, names) in [("audited", &outcome.audited), ("shadow", &outcome.shadow)] {
        if !names.is_empty() {
            let _ = write!(expect, ", {key}: {}", list(names.iter().map(String::as_str)));
        }
    }
    let _ = writeln!(out, "      expect: {{{expect}}}");
}
