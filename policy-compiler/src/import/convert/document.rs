//! The documents of a tree: one for each group of workloads that the same policies hold for.
//!
//! Istio lets a request pass if any ALLOW policy does, so all of them are in one document, and thus in one layer: the
//! allow rules of two layers would all have to match. Policies of the root namespace are copied for that.

use super::claims::Variable;
use super::condition::Condition;
use super::rule::Reader;
use super::services::{self, Services};
use super::{Reason, Report, names};
use crate::import::istio::{Action, AuthorizationPolicy, Resources};
use crate::import::select::Group;

/// A document with rules.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The domain that owns it; `None` is the enterprise.
    pub(super) domain: Option<String>,
    /// Its name.
    pub(super) name: String,
    /// The services that it holds for.
    pub(super) workloads: Vec<String>,
    /// Indices of its policies.
    pub(super) policies: Vec<usize>,
    /// The same, with the places of their names.
    pub(super) spans: Vec<(usize, crate::report::source::Span)>,
    /// The variables that conditions read.
    pub(super) variables: Vec<Variable>,
    /// The rules.
    pub(super) rules: Vec<Planned>,
}

/// A rule of a document.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// The index of its policy.
    pub(super) policy: usize,
    /// The index of the rule in its policy; `None` stands for the policy as a whole.
    pub(super) rule: Option<usize>,
    /// Its name.
    pub(super) name: String,
    /// What it does.
    pub(super) effect: Effect,
    /// Whether it is only reported.
    pub(super) shadow: bool,
    /// When it applies.
    pub(super) when: Condition,
    /// Warnings that are meant: code and reason.
    pub(super) silence: Vec<(&'static str, String)>,
    /// Why it is only a comment.
    pub(super) left_out: Option<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Deny,
    Allow,
    Audit,
}

impl Planned {
    /// Whether the rule is written, and enforced with this effect.
    pub(super) fn enforces(&self, effect: Effect) -> bool {
        self.effect == effect && !self.shadow && self.left_out.is_none()
    }
}

impl Document {
    /// Returns the path of its file.
    pub(super) fn path(&self) -> String {
        format!("{}/{}.yaml", self.layer(), self.name)
    }

    /// Returns the owner as reports name it.
    pub(super) fn layer(&self) -> &str {
        self.domain.as_deref().unwrap_or("enterprise")
    }

    /// Returns the name of a rule as reports have it.
    pub(super) fn full_name(&self, rule: &Planned) -> String {
        format!("{}/{}/{}", self.layer(), self.name, rule.name)
    }

    /// Replaces the allow rules by a rule that denies everything, if none of them lets a request through.
    pub(super) fn close(&mut self, why: &str) {
        for shadow in [false, true] {
            let allows = |rule: &Planned| rule.effect == Effect::Allow && rule.shadow == shadow;
            if self
                .rules
                .iter()
                .any(|rule| allows(rule) && rule.left_out.is_none() && rule.when != Condition::Always(false))
            {
                continue;
            }
            if let Some(first) = self.rules.iter().find(|rule| allows(rule)).cloned() {
                self.leave_out(why, |rule| allows(rule));
                let denies = |rule: &Planned| rule.effect == Effect::Deny && rule.when == Condition::Always(true);
                if !self.rules.iter().any(|rule| denies(rule) && rule.shadow == shadow && rule.left_out.is_none()) {
                    let name = self.free_name("allow-nothing");
                    let when = Condition::Always(true);
                    self.rules.push(Planned { rule: None, name, effect: Effect::Deny, when, left_out: None, ..first });
                }
            }
        }
    }

    /// Turns rules into comments.
    pub(super) fn leave_out(&mut self, why: &str, which: impl Fn(&Planned) -> bool) {
        for rule in self.rules.iter_mut().filter(|rule| which(rule) && rule.left_out.is_none()) {
            rule.left_out = Some(why.to_owned());
        }
    }

    fn free_name(&self, name: &str) -> String {
        names::unique(name, |name| self.rules.iter().any(|rule| rule.name == name))
    }
}

/// Returns the document of a group.
pub(super) fn plan(group: &Group, resources: &Resources, services: &Services, report: &mut Report) -> Option<Document> {
    let root = &resources.mesh.root_namespace;
    let policies = || group.policies.iter().filter_map(|index| Some((*index, resources.policies.get(*index)?)));
    let first = resources.workloads.get(*group.workloads.first()?)?;
    let enterprise = policies().all(|(_, policy)| policy.namespace == *root);
    let mut workloads: Vec<String> = group.workloads.iter().map(|index| services.name(*index).to_owned()).collect();
    workloads.sort();
    let name = match (workloads.as_slice(), policies().collect::<Vec<_>>().as_slice()) {
        (_, [(_, policy)]) => policy.name.value.clone(),
        ([workload], _) => workload.clone(),
        _ if enterprise => "mesh".to_owned(),
        _ => first.namespace.clone(),
    };
    let domain = (!enterprise).then(|| services::domain(&first.namespace));
    let spans = policies().map(|(index, policy)| (index, policy.name.span)).collect();
    let (policies, rules, variables) = (group.policies.clone(), Vec::new(), Vec::new());
    let mut document = Document { domain, name, workloads, policies, spans, variables, rules };
    for (index, policy) in group.policies.iter().filter_map(|index| Some((*index, resources.policies.get(*index)?))) {
        add(index, policy, resources, &mut document, report);
    }
    document.leave_out("it matches no request", |rule| {
        rule.when == Condition::Always(false) && rule.effect != Effect::Allow
    });
    document.close("it lets nothing through");
    document.leave_out("it lets nothing through, and other policies do", |rule| rule.when == Condition::Always(false));
    Some(document)
}

/// Adds the rules of a policy.
fn add(
    index: usize,
    policy: &AuthorizationPolicy,
    resources: &Resources,
    document: &mut Document,
    report: &mut Report,
) {
    let effect = match &policy.action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
        Action::Audit => Effect::Audit,
        Action::Custom(provider) => {
            let text =
                format!("the provider `{provider}` decides, which the mesh cannot ask: keep this policy in Istio");
            report.refuse(index, Reason { span: policy.name.span, text });
            return;
        }
    };
    let base = policy.name.value.as_str();
    let planned = |rule, name: String, when| Planned {
        policy: index,
        rule,
        name,
        effect,
        shadow: policy.dry_run,
        when,
        silence: Vec::new(),
        left_out: None,
    };
    if policy.rules.is_empty() {
        let name = document.free_name(base);
        document.rules.push(planned(None, name, Condition::Always(false)));
    }
    for (number, rule) in policy.rules.iter().enumerate() {
        let mut reader = Reader {
            mesh: &resources.mesh,
            namespace: &policy.namespace,
            variables: &mut document.variables,
            stricter: report.stricter(index),
            refused: &mut Vec::new(),
        };
        let when = reader.rule(rule);
        let refused = std::mem::take(reader.refused);
        refused.into_iter().for_each(|reason| report.refuse(index, reason));
        let name = if policy.rules.len() == 1 { base.to_owned() } else { format!("{base}-{}", number + 1) };
        let name = document.free_name(&name);
        document.rules.push(planned(Some(number), name, when));
    }
}

/// Gives documents of one owner different names.
pub(super) fn name_apart(documents: &mut [Document]) {
    let mut taken: Vec<(Option<String>, String)> = Vec::new();
    for document in documents {
        let name = names::unique(&document.name, |name| {
            taken.iter().any(|(domain, known)| *domain == document.domain && known == name)
        });
        document.name = name;
        taken.push((document.domain.clone(), document.name.clone()));
    }
}
