//! What came of each policy, and what to do next.

use std::collections::BTreeSet;

use policy_compiler::{
    import::{
        convert::{Reason, Verdict},
        istio::{Action, AuthorizationPolicy, MeshConfig, Resources},
        select::Group,
    },
    report::source::Sources,
};
use serde_json::{Value, json};

use super::target::Written;
use crate::cli::output::{Exit, Paint, Report, plural};

/// The result of an import.
pub(super) struct Imported {
    pub(super) folder: String,
    pub(super) mesh: MeshConfig,
    pub(super) workloads: usize,
    pub(super) warnings: usize,
    pub(super) shadow: bool,
    pub(super) rows: Vec<Row>,
    /// The files, unless a policy kept them from being written.
    pub(super) written: Option<Written>,
}

/// A policy.
pub(super) struct Row {
    name: String,
    place: String,
    action: &'static str,
    dry_run: bool,
    /// Number of workloads that it holds for.
    workloads: usize,
    /// `None` if it holds for no given workload.
    pub(super) verdict: Option<Verdict>,
    /// The reasons of the verdict with their places.
    reasons: Vec<(String, String)>,
}

impl Row {
    /// Returns the policies in the order of the files.
    pub(super) fn all(resources: &Resources, groups: &[Group], verdicts: Vec<Verdict>, sources: &Sources) -> Vec<Self> {
        let mut workloads: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); resources.policies.len()];
        for group in groups {
            for policy in &group.policies {
                workloads.get_mut(*policy).into_iter().for_each(|of_it| of_it.extend(&group.workloads));
            }
        }
        let policies = resources.policies.iter().zip(workloads).zip(verdicts);
        policies.map(|((policy, workloads), verdict)| Self::new(policy, workloads.len(), verdict, sources)).collect()
    }

    fn new(policy: &AuthorizationPolicy, workloads: usize, verdict: Verdict, sources: &Sources) -> Self {
        let reasons: &[Reason] = match &verdict {
            Verdict::Exact => &[],
            Verdict::Stricter(reasons) | Verdict::Refused(reasons) => reasons,
        };
        let reasons = reasons.iter().map(|reason| (sources.place(reason.span), reason.text.clone())).collect();
        let unused = workloads == 0 && !matches!(verdict, Verdict::Refused(_));
        Self {
            name: format!("{}/{}", policy.namespace, policy.name.value),
            place: sources.place(policy.name.span),
            action: match policy.action {
                Action::Allow => "ALLOW",
                Action::Deny => "DENY",
                Action::Audit => "AUDIT",
                Action::Custom(_) => "CUSTOM",
            },
            dry_run: policy.dry_run,
            workloads,
            verdict: (!unused).then_some(verdict),
            reasons,
        }
    }

    /// Returns what came of it, in one word.
    fn word(&self) -> &'static str {
        match self.verdict {
            Some(Verdict::Exact) => "exact",
            Some(Verdict::Stricter(_)) => "stricter",
            Some(Verdict::Refused(_)) => "refused",
            None => "unused",
        }
    }

    fn text(&self, width: usize, paint: Paint) -> String {
        let word = format!("{:8}", self.word());
        let word = match self.verdict {
            Some(Verdict::Exact) => paint.good(word),
            Some(Verdict::Refused(_)) => paint.bad(word),
            _ => paint.warn(word),
        };
        let dry_run = if self.dry_run { ", dry run" } else { "" };
        let facts = format!("{}{dry_run}, {}  {}", self.action, plural(self.workloads, "workload"), self.place);
        let mut out = format!("{word}  {:width$}  {}\n", self.name, paint.faint(facts));
        for (place, text) in &self.reasons {
            out.push_str(&format!("          {}: {text}\n", paint.faint(place)));
        }
        out
    }

    fn json(&self) -> Value {
        let reasons: Value = self.reasons.iter().map(|(place, text)| json!({"place": place, "text": text})).collect();
        json!({
            "name": self.name,
            "place": self.place,
            "action": self.action,
            "dryRun": self.dry_run,
            "workloads": self.workloads,
            "verdict": self.word(),
            "reasons": reasons,
        })
    }
}

impl Imported {
    fn count(&self, word: &str) -> usize {
        self.rows.iter().filter(|row| row.word() == word).count()
    }

    fn summary(&self, paint: Paint) -> String {
        let words = ["exact", "stricter", "refused", "unused"];
        let counts = words.map(|word| (self.count(word), word)).into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let policies = match self.rows.len() {
            1 => "1 policy".to_owned(),
            n => format!("{n} policies"),
        };
        let mesh = &self.mesh;
        let defaults = if *mesh == MeshConfig::default() { " (Istio's defaults)" } else { "" };
        let aliases = match mesh.trust_domain_aliases.as_slice() {
            [] => String::new(),
            aliases => format!(" with {}", aliases.join(", ")),
        };
        let of_mesh =
            format!("trust domain {}{aliases}, root namespace {}{defaults}\n", mesh.trust_domain, mesh.root_namespace);
        format!(
            "\n{policies} for {}: {}\n{}",
            plural(self.workloads, "workload"),
            counts.join(", "),
            paint.faint(of_mesh)
        )
    }

    /// Says what was written, or why nothing was, and what to do.
    fn next(&self, paint: Paint) -> String {
        let folder = &self.folder;
        let Some(written) = &self.written else {
            let advice = if self.count("refused") > 0 {
                "leave the refused policies out, or change them as their reasons say: they can stay in the cluster \
                 beside the others"
            } else {
                "`--accept stricter` accepts the listed differences"
            };
            return format!("{}: {advice}\n", paint.bad("nothing is written"));
        };
        let new = written.new.iter().map(|name| format!("  {}  {name}\n", paint.good("written")));
        let kept = written.kept.iter().map(|name| format!("  {}     {name}\n", paint.faint("kept")));
        let files: String = new.chain(kept).collect();
        let test = if self.shadow { String::new() } else { format!(", policyc test {folder}") };
        format!("{folder}\n{files}next: policyc check {folder}{test}\n")
    }
}

impl Report for Imported {
    fn text(&self, paint: Paint) -> String {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let rows: String = self.rows.iter().map(|row| row.text(width, paint)).collect();
        rows + &self.summary(paint) + &self.next(paint)
    }

    fn json(&self) -> Value {
        let (new, kept) = self
            .written
            .as_ref()
            .map_or((&[] as &[String], &[] as &[String]), |written| (written.new.as_slice(), written.kept.as_slice()));
        json!({
            "folder": self.folder,
            "complete": self.written.is_some(),
            "written": new,
            "kept": kept,
            "shadow": self.shadow,
            "workloads": self.workloads,
            "warnings": self.warnings,
            "exact": self.count("exact"),
            "stricter": self.count("stricter"),
            "refused": self.count("refused"),
            "unused": self.count("unused"),
            "mesh": {
                "trustDomain": self.mesh.trust_domain,
                "trustDomainAliases": self.mesh.trust_domain_aliases,
                "rootNamespace": self.mesh.root_namespace,
            },
            "policies": self.rows.iter().map(Row::json).collect::<Value>(),
        })
    }

    fn exit(&self) -> Exit {
        if self.written.is_some() { Exit::Well } else { Exit::Different }
    }
}
