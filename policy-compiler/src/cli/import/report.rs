//! What came of each policy, and what to do next.

use policy_compiler::{
    import::{
        convert::Verdict,
        istio::{Action, AuthorizationPolicy, MeshConfig, Resources},
        select::{Group, waypoint_target},
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

/// What came of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Exact,
    Stricter,
    Refused,
    /// It holds for none of the given workloads.
    Unused,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Exact, Self::Stricter, Self::Refused, Self::Unused];

    const fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Stricter => "stricter",
            Self::Refused => "refused",
            Self::Unused => "unused",
        }
    }

    /// Returns what to do if it keeps the tree from being written.
    const fn advice(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::Stricter => Some("`--accept stricter` accepts what is listed"),
            Self::Refused => {
                Some("leave the policy out here, and keep it in the cluster (docs/authorizationpolicy.md)")
            }
            Self::Unused => Some("give its workloads too; `--accept unused` leaves the policy out"),
        }
    }
}

/// A policy.
pub(super) struct Row {
    name: String,
    place: String,
    action: &'static str,
    dry_run: bool,
    /// Number of workloads that it holds for.
    workloads: usize,
    pub(super) outcome: Outcome,
    /// The reasons of the outcome with their places.
    reasons: Vec<(String, String)>,
}

impl Row {
    /// Returns the policies in the order of the files.
    pub(super) fn all(resources: &Resources, groups: &[Group], verdicts: Vec<Verdict>, sources: &Sources) -> Vec<Self> {
        let mut workloads: Vec<usize> = vec![0; resources.policies.len()];
        for group in groups {
            for policy in &group.policies {
                workloads.get_mut(*policy).into_iter().for_each(|count| *count += group.workloads.len());
            }
        }
        let policies = resources.policies.iter().zip(workloads).zip(verdicts);
        policies.map(|((policy, workloads), verdict)| Self::new(policy, workloads, Some(verdict), sources)).collect()
    }

    /// Returns the row of a policy; one without a verdict was left out.
    pub(super) fn new(
        policy: &AuthorizationPolicy,
        workloads: usize,
        verdict: Option<Verdict>,
        sources: &Sources,
    ) -> Self {
        let (outcome, reasons) = match verdict {
            Some(Verdict::Exact) => (Outcome::Exact, Vec::new()),
            Some(Verdict::Stricter(reasons)) => (Outcome::Stricter, reasons),
            Some(Verdict::Refused(reasons)) => (Outcome::Refused, reasons),
            None => (Outcome::Unused, Vec::new()),
        };
        let unused = workloads == 0 && waypoint_target(policy).is_none();
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
            outcome: if unused { Outcome::Unused } else { outcome },
            reasons: reasons.iter().map(|reason| (sources.place(reason.span), reason.text.clone())).collect(),
        }
    }

    fn text(&self, width: usize, paint: Paint) -> String {
        let word = format!("{:8}", self.outcome.word());
        let word = match self.outcome {
            Outcome::Exact => paint.good(word),
            Outcome::Refused => paint.bad(word),
            Outcome::Stricter | Outcome::Unused => paint.warn(word),
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
            "verdict": self.outcome.word(),
            "reasons": reasons,
        })
    }
}

impl Imported {
    fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    fn summary(&self, paint: Paint) -> String {
        let counts = Outcome::ALL.map(|outcome| (self.count(outcome), outcome.word()));
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
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
            let advice = Outcome::ALL.into_iter().filter(|outcome| self.count(*outcome) > 0);
            let lines = advice.filter_map(|outcome| Some(format!("  {:8}  {}\n", outcome.word(), outcome.advice()?)));
            return format!("{}\n{}", paint.bad("nothing is written"), lines.collect::<String>());
        };
        let new = written.new.iter().map(|name| format!("  {}  {name}\n", paint.good("written")));
        let kept = written.kept.iter().map(|name| format!("  {}     {name}\n", paint.faint("kept")));
        let files: String = new.chain(kept).collect();
        let test = if self.shadow { String::new() } else { format!("      policyc test {folder}\n") };
        format!("{folder}\n{files}next: policyc check {folder}\n{test}")
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
            "exact": self.count(Outcome::Exact),
            "stricter": self.count(Outcome::Stricter),
            "refused": self.count(Outcome::Refused),
            "unused": self.count(Outcome::Unused),
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
