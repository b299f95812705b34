//! Policies: their owners, workloads and variables.

use std::sync::Arc;

use context_mesh_core::artifact::tables::Layer;

use super::variables::{Shared, Variable, own_variables};
use super::{Context, Directory, Field, Owner, Rule, rules};
use crate::{
    read::document::{self, Direction, Expression, Silence},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// Most rules of one tree. The tables could hold far more, but a tree of this size is a mistake of its generator.
const MAX_RULES: usize = 1_000_000;

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `domain/policy`, or `enterprise/policy`.
    pub name: String,
    /// Its layer: the enterprise or a domain.
    pub layer: Layer,
    /// The workloads to which it applies.
    pub workloads: Workloads,
    /// Whether it also applies to workloads that the mesh does not list.
    pub unlisted: bool,
    /// The direction of the requests to which it applies.
    pub direction: Direction,
    /// Who wrote it.
    pub owner: Owner,
    /// Named expressions, in their order: first the shared ones that it uses, then its own.
    pub variables: Vec<Arc<Variable>>,
    /// How many of the variables are shared ones.
    pub shared: usize,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// Expressions of rules that have other errors. They are only checked.
    pub unfinished: Vec<Unfinished>,
}

/// An expression of a rule that has other errors.
#[derive(Debug, Clone)]
pub enum Unfinished {
    /// A condition.
    Condition(Expression),
    /// A value for an unknown field.
    Value(Expression),
}

/// The workloads to which a policy applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workloads {
    /// All, including those that the mesh does not list.
    All,
    /// These, as ascending indices into [`Directory::services`].
    These(Vec<usize>),
}

impl Workloads {
    /// Whether the service with this index is among them.
    pub fn contains(&self, service: usize) -> bool {
        match self {
            Self::All => true,
            Self::These(services) => services.binary_search(&service).is_ok(),
        }
    }
}

pub(super) fn check(
    policies: Vec<document::Policy>,
    shared: &Shared,
    directory: &Directory,
    fields: &[Field],
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Policy> {
    let mut rules = 0;
    let mut checked = Vec::with_capacity(policies.len());
    for policy in policies {
        rules += policy.rules.len();
        if rules > MAX_RULES {
            let message = format!("the tree has more than {MAX_RULES} rules");
            diagnostics.push(Diagnostic::error(code::ARTIFACT_LIMIT, policy.metadata.span, message));
            break;
        }
        checked.push(check_one(policy, shared, directory, fields, context, diagnostics));
    }
    checked
}

/// Returns the entries of the rules that silence warnings. A warning about the enterprise's own rules concerns all
/// domains, so it must be corrected and cannot be silenced.
pub(super) fn silences(policies: &[document::Policy], diagnostics: &mut Diagnostics) -> Vec<Silence> {
    let mut found = Vec::new();
    for policy in policies {
        for entry in
            policy.rules.iter().flat_map(|rule| &rule.silence).filter(|entry| entry.code.value == code::EXPIRED)
        {
            let message = format!("`{}` cannot be silenced", code::EXPIRED);
            let problem = Diagnostic::error(code::INVALID_VALUE, entry.code.span, message);
            diagnostics.push(problem.help("write a later day in `expires`, or remove it"));
        }
        let entries = policy.rules.iter().flat_map(|rule| &rule.silence);
        if policy.metadata.domain.is_some() {
            found.extend(entries.cloned());
            continue;
        }
        diagnostics.extend(entries.map(|entry| {
            let message = format!("`{}` cannot be silenced at a rule of the enterprise", entry.code.value);
            let help = "correct the rule: it is a guardrail for every domain";
            Diagnostic::error(code::INVALID_VALUE, entry.code.span, message).help(help)
        }));
    }
    found
}

fn check_one(
    policy: document::Policy,
    shared: &Shared,
    directory: &Directory,
    fields: &[Field],
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Policy {
    let owner = directory.owner(&policy.metadata, context, diagnostics);
    let own_name = policy.metadata.name.as_ref().map_or("", |name| name.value.as_str());
    let name = format!("{}/{own_name}", directory.owner_name(owner));
    let workloads = workloads(&policy.workloads, owner, directory, context, diagnostics);
    let mut variables = shared.mentioned(owner, texts(&policy));
    let uses = variables.len();
    variables.extend(own_variables(policy.variables, shared.names(owner), diagnostics));
    let mut checker = rules::Checker { policy: &name, owner, directory, fields, context, diagnostics };
    let (rules, unfinished) = checker.rules(policy.rules);
    let layer = if owner == Owner::Enterprise { Layer::Enterprise } else { Layer::Domain };
    let unlisted = workloads == Workloads::All;
    Policy {
        name,
        layer,
        workloads,
        unlisted,
        direction: policy.direction,
        owner,
        variables,
        shared: uses,
        rules,
        unfinished,
    }
}

/// Returns the texts of all expressions of a policy.
fn texts(policy: &document::Policy) -> Vec<&str> {
    let mut texts: Vec<&str> = policy.variables.iter().map(|variable| variable.expression.text.as_str()).collect();
    for rule in &policy.rules {
        texts.extend(rule.when.iter().map(|when| when.text.as_str()));
        if let Some(document::Effect::Set(values)) = &rule.effect {
            texts.extend(values.iter().map(|(_, value)| value.text.as_str()));
        }
    }
    texts
}

fn workloads(
    names: &[Spanned<String>],
    owner: Owner,
    directory: &Directory,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Workloads {
    let mut services = Vec::new();
    let mut all = false;
    for name in names {
        if name.value == "*" {
            all = true;
            diagnostics.extend(wrong_star(name.span, names.len(), owner, directory));
        } else if let Some(service) = directory.known_service(name, context, diagnostics) {
            diagnostics.extend(foreign(name, service, owner, directory));
            services.push(service);
        }
    }
    services.sort_unstable();
    services.dedup();
    if all { Workloads::All } else { Workloads::These(services) }
}

fn wrong_star(span: Span, names: usize, owner: Owner, directory: &Directory) -> Option<Diagnostic> {
    match owner {
        Owner::Domain(_) => {
            let message = format!("domain `{}` cannot speak of all workloads", directory.owner_name(owner));
            let help = "name the domain's own workloads; only a document without a domain can use `*`";
            Some(Diagnostic::error(code::FOREIGN_WORKLOAD, span, message).help(help))
        }
        _ if names > 1 => {
            let problem = Diagnostic::error(code::INVALID_VALUE, span, "`*` is listed with other workloads");
            Some(problem.help("`*` means all of them: leave the names out, or the `*`"))
        }
        _ => None,
    }
}

fn foreign(name: &Spanned<String>, service: usize, owner: Owner, directory: &Directory) -> Option<Diagnostic> {
    let Owner::Domain(domain) = owner else { return None };
    let real = directory.services.get(service).map(|service| service.domain).filter(|real| *real != domain)?;
    let real = directory.owner_name(Owner::Domain(real));
    let own = directory.owner_name(owner);
    let message = format!("the workload `{}` belongs to domain `{real}`, not to `{own}`", name.value);
    let help = format!("a domain speaks of its own workloads only: ask `{real}`, or the enterprise, for this policy");
    Some(Diagnostic::error(code::FOREIGN_WORKLOAD, name.span, message).help(help))
}
