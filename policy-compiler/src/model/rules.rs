//! Rules: their names, and what their effects may do to which field.

use std::collections::HashMap;

use context_mesh_core::{artifact::tables::Reply, context::CALLER};

use super::{Context, Directory, Field, Owner, policies::Unfinished};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, code},
    document::{self, Enforcement, Expression, OnError},
    near,
    source::{Span, Spanned},
};

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// `domain/policy/rule`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// When it applies; `None` is always.
    pub when: Option<Expression>,
    /// What a failing condition means.
    pub on_error: OnError,
    /// Whether it is only reported.
    pub shadow: bool,
    /// What it does.
    pub effect: Effect,
}

/// What a rule does. Fields are indices into [`super::Model::fields`].
#[derive(Debug, Clone)]
pub enum Effect {
    /// Refuses the request.
    Deny(Reply),
    /// Lets it pass its layer.
    Allow,
    /// Takes fields out of the context.
    Redact(Vec<usize>),
    /// Gives fields new values.
    Set(Vec<(usize, Expression)>),
    /// Refuses the request when a field is missing.
    Require(Vec<usize>, Reply),
}

/// What a rule wants to do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Redact,
    Set,
    Require,
}

pub(super) struct Checker<'a, 'c> {
    pub(super) policy: &'a str,
    pub(super) owner: Owner,
    pub(super) directory: &'a Directory,
    pub(super) fields: &'a [Field],
    pub(super) context: &'a Context<'c>,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Checker<'_, '_> {
    /// The rules that are right, and the expressions of the others.
    pub(super) fn rules(&mut self, rules: Vec<document::Rule>) -> (Vec<Rule>, Vec<Unfinished>) {
        let (mut checked, mut unfinished) = (Vec::with_capacity(rules.len()), Vec::new());
        let mut seen: HashMap<String, Span> = HashMap::new();
        for rule in rules {
            let name = rule.name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
            if let Some(Spanned { value, span }) = rule.name
                && let Some(first) = seen.insert(value, span)
            {
                let problem =
                    Diagnostic::error(code::DUPLICATE_NAME, span, format!("two rules have the name `{name}`"));
                self.diagnostics
                    .push(problem.label(first, "the first one").help("decisions are reported by this name"));
            }
            let effect = rule.effect.map(|effect| self.effect(effect));
            match effect {
                Some(Ok(effect)) => checked.push(Rule {
                    name: format!("{}/{name}", self.policy),
                    span: rule.span,
                    when: rule.when,
                    on_error: rule.on_error,
                    shadow: rule.enforcement == Enforcement::Shadow,
                    effect,
                }),
                broken => {
                    unfinished.extend(rule.when.map(Unfinished::Condition));
                    unfinished.extend(broken.and_then(Result::err).into_iter().flatten().map(Unfinished::Value));
                }
            }
        }
        (checked, unfinished)
    }

    /// The effect; `Err` with its expressions if something about it is wrong, which has been reported.
    fn effect(&mut self, effect: document::Effect) -> Result<Effect, Vec<Expression>> {
        use document::Effect as Said;
        Ok(match effect {
            Said::Deny(reply) => Effect::Deny(table(reply)),
            Said::Allow => Effect::Allow,
            Said::Redact(names) => Effect::Redact(self.fields(&names, Use::Redact).ok_or_else(Vec::new)?),
            Said::Require(names, reply) => {
                Effect::Require(self.fields(&names, Use::Require).ok_or_else(Vec::new)?, table(reply))
            }
            Said::Set(assignments) => {
                let (names, values): (Vec<_>, Vec<_>) = assignments.into_iter().unzip();
                match self.fields(&names, Use::Set) {
                    Some(fields) => Effect::Set(fields.into_iter().zip(values).collect()),
                    None => return Err(values),
                }
            }
        })
    }

    /// The fields of these names in their order; `None` if one is wrong. All that are wrong are reported.
    fn fields(&mut self, names: &[Spanned<String>], wanted: Use) -> Option<Vec<usize>> {
        let found: Vec<Option<usize>> = names.iter().map(|name| self.field(name, wanted)).collect();
        found.into_iter().collect()
    }

    fn field(&mut self, name: &Spanned<String>, wanted: Use) -> Option<usize> {
        let Ok(index) = self.fields.binary_search_by(|field| field.table.name.as_str().cmp(&name.value)) else {
            let message = format!("no schema declares the field `{}`", name.value);
            let help = near::suggestion(&name.value, self.fields.iter().map(|field| field.table.name.as_str()));
            self.diagnostics.push(self.context.unknown(code::UNKNOWN_FIELD, name.span, message).maybe_help(help));
            return None;
        };
        let problem = self.fields.get(index).and_then(|field| self.forbidden(field, name.span, wanted));
        let allowed = problem.is_none();
        self.diagnostics.extend(problem);
        allowed.then_some(index)
    }

    fn forbidden(&self, field: &Field, span: Span, wanted: Use) -> Option<Diagnostic> {
        if field.table.name == CALLER && wanted != Use::Require {
            let verb = if wanted == Use::Set { "set" } else { "redacted" };
            let problem = Diagnostic::error(code::RESERVED_NAME, span, format!("`caller` cannot be {verb}"));
            return Some(problem.help("the mesh sets it to the verified service that sends the request"));
        }
        let Owner::Domain(domain) = self.owner else { return None };
        if wanted != Use::Set || field.table.owner == Some(domain) {
            return None;
        }
        let owner = field.table.owner.map_or(Owner::Enterprise, Owner::Domain);
        let (name, own) = (self.directory.owner_name(owner), self.directory.owner_name(self.owner));
        let owner_text = if owner == Owner::Enterprise { "the enterprise".into() } else { format!("domain `{name}`") };
        let message = format!("the field `{}` belongs to {owner_text}, not to `{own}`", field.table.name);
        let help = format!("a domain sets its own fields only: ask {owner_text} for this rule");
        let problem = Diagnostic::error(code::FOREIGN_FIELD, span, message).help(help);
        Some(field.span.into_iter().fold(problem, |problem, span| problem.label(span, "it is declared here")))
    }
}

fn table(reply: document::Reply) -> Reply {
    Reply { status: reply.status, grpc_status: reply.grpc_status, message: reply.message }
}
