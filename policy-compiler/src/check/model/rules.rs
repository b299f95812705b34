//! Rules: their names, and which effects are allowed on which field.

use std::collections::HashMap;

use context_mesh_core::{
    artifact::tables::{Classification, FieldType, MaskMethod, Reply, Scalar},
    context::CALLER,
};

use super::{Context, Directory, Field, Owner, policies::Unfinished};
use crate::{
    read::document::{self, About, Enforcement, Expression, FieldChoice, OnError},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::{Span, Spanned},
    },
};

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// `domain/policy/rule`.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// Its condition; `None` always applies.
    pub when: Option<Expression>,
    /// What a failing condition means.
    pub on_error: OnError,
    /// Whether it is only evaluated and reported.
    pub shadow: bool,
    /// What people know of it.
    pub about: About,
    /// Its effect.
    pub effect: Effect,
    /// The fields that a redaction or a mask names itself, not only by their kind, with their places.
    pub named: Vec<(usize, Span)>,
}

/// The effect of a rule. Fields are indices into [`super::Model::fields`].
#[derive(Debug, Clone)]
pub enum Effect {
    /// Denies the request.
    Deny(Reply),
    /// Allows the request in its layer.
    Allow,
    /// Removes fields from the context.
    Redact(Vec<usize>),
    /// Replaces the fields' values with less informative ones.
    Mask(Vec<usize>, MaskMethod),
    /// Names the rule in reports.
    Audit,
    /// Sets fields to new values.
    Set(Vec<(usize, Expression)>),
    /// Denies the request if a field is missing.
    Require(Vec<usize>, Reply),
}

/// How a rule uses a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Redact,
    Mask(MaskMethod),
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
    /// Returns the valid rules, and the expressions of the others.
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
            let named = rule.effect.as_ref().map(|effect| self.named(effect)).unwrap_or_default();
            let effect = rule.effect.map(|effect| self.effect(effect));
            match effect {
                Some(Ok(effect)) => checked.push(Rule {
                    name: format!("{}/{name}", self.policy),
                    span: rule.span,
                    when: rule.when,
                    on_error: rule.on_error,
                    shadow: rule.enforcement == Enforcement::Shadow,
                    about: rule.about,
                    effect,
                    named,
                }),
                broken => {
                    unfinished.extend(rule.when.map(Unfinished::Condition));
                    unfinished.extend(broken.and_then(Result::err).into_iter().flatten().map(Unfinished::Value));
                }
            }
        }
        (checked, unfinished)
    }

    /// Returns the fields that a redaction or a mask names itself. Unknown names are left out.
    fn named(&self, effect: &document::Effect) -> Vec<(usize, Span)> {
        let (document::Effect::Redact(choice) | document::Effect::Mask(choice, _)) = effect else { return Vec::new() };
        let index = |name: &str| self.fields.binary_search_by(|field| field.table.name.as_str().cmp(name)).ok();
        choice.names.iter().filter_map(|name| Some((index(&name.value)?, name.span))).collect()
    }

    /// Returns the effect. `Err` holds its expressions if something about it is wrong, which has been reported.
    fn effect(&mut self, effect: document::Effect) -> Result<Effect, Vec<Expression>> {
        use document::Effect as Said;
        Ok(match effect {
            Said::Deny(reply) => Effect::Deny(table(reply)),
            Said::Allow => Effect::Allow,
            Said::Audit => Effect::Audit,
            Said::Redact(choice) => Effect::Redact(self.choice(&choice, Use::Redact).ok_or_else(Vec::new)?),
            Said::Mask(choice, method) => {
                let fields = self.choice(&choice, Use::Mask(method)).ok_or_else(Vec::new)?;
                self.advise_against_guessing(&choice, &fields, method);
                Effect::Mask(fields, method)
            }
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

    /// Returns the fields of these names in their order, or `None` if one is wrong. All wrong names are reported.
    fn fields(&mut self, names: &[Spanned<String>], wanted: Use) -> Option<Vec<usize>> {
        let found: Vec<Option<usize>> = names.iter().map(|name| self.field(name, wanted)).collect();
        found.into_iter().collect()
    }

    /// Returns the fields chosen by name or by kind, each once, in the order of the model.
    fn choice(&mut self, choice: &FieldChoice, wanted: Use) -> Option<Vec<usize>> {
        let mut chosen = self.fields(&choice.names, wanted);
        for class in &choice.classes {
            let of_class = |field: &Field| field.table.classification == class.value && field.table.name != CALLER;
            let fields = self.fields;
            let found: Vec<usize> =
                (0..fields.len()).filter(|index| fields.get(*index).is_some_and(of_class)).collect();
            for index in found {
                let problem = fields.get(index).and_then(|field| self.forbidden(field, class.span, wanted));
                if problem.is_some() {
                    chosen = None;
                }
                self.diagnostics.extend(problem);
                chosen.iter_mut().for_each(|chosen| chosen.push(index));
            }
        }
        // A guardrail may name a class that no field has yet. An effect on no field at all is a mistake.
        if chosen.as_ref().is_some_and(Vec::is_empty)
            && let Some(class) = choice.classes.first()
        {
            self.diagnostics.push(self.no_field_of(class));
        }
        chosen.map(|mut chosen| {
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        })
    }

    /// Warns of hashes that can be reversed. Everybody who can try all values learns the source of a hash without a
    /// key. The identifiers of people and money are few: phone numbers, names, and the addresses and accounts of some
    /// leak.
    fn advise_against_guessing(&mut self, choice: &FieldChoice, fields: &[usize], method: MaskMethod) {
        let guessable = |field: &&Field| {
            matches!(field.table.classification, Classification::Pii | Classification::Phi | Classification::Financial)
        };
        let found: Vec<&Field> = fields.iter().filter_map(|index| self.fields.get(*index)).filter(guessable).collect();
        let Some(first) = found.first().filter(|_| method == MaskMethod::Hash) else { return };
        let named = choice.names.iter().find(|name| found.iter().any(|field| field.table.name == name.value));
        let class = choice.classes.iter().find(|class| class.value == first.table.classification);
        let Some(span) = named.map(|name| name.span).or(class.map(|class| class.span)) else { return };
        let names: Vec<String> = found.iter().map(|field| format!("`{}`", field.table.name)).collect();
        let message = format!("the hash of {} can be undone by hashing all values that there may be", names.join(", "));
        let problem = Diagnostic::warning(code::GUESSABLE_HASH, span, message);
        self.diagnostics.push(problem.help("use `with: pseudonym`: it needs the secret of the mesh"));
    }

    fn no_field_of(&self, class: &Spanned<Classification>) -> Diagnostic {
        let name = class.value.name();
        let message = format!("no field is classified as `{name}`, so the rule changes nothing");
        let problem = Diagnostic::warning(code::UNKNOWN_FIELD, class.span, message);
        problem.help(format!("add `classification: {name}` to the fields in their schema"))
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
            let verb = match wanted {
                Use::Set => "set",
                Use::Mask(_) => "masked",
                Use::Redact | Use::Require => "redacted",
            };
            let problem = Diagnostic::error(code::RESERVED_NAME, span, format!("`caller` cannot be {verb}"));
            return Some(problem.help("the mesh sets it to the verified service that sends the request"));
        }
        if let Use::Mask(method) = wanted
            && let Some(why) = cannot_be_masked(field, method)
        {
            let message = format!("the field `{}` cannot be masked: {why}", field.table.name);
            let problem = Diagnostic::error(code::CANNOT_MASK, span, message).help("use `redact` for it");
            return Some(
                field.span.into_iter().fold(problem, |problem, span| problem.label(span, "it is declared here")),
            );
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

/// Returns why the masked values of a field would not be valid values of the field, so that the next hop would drop
/// them.
fn cannot_be_masked(field: &Field, method: MaskMethod) -> Option<&'static str> {
    match field.table.value {
        FieldType::One(Scalar::String) | FieldType::List(Scalar::String) => {}
        _ => return Some("only strings and lists of strings can"),
    }
    if field.pattern.is_some() {
        return Some("a masked value does not match its pattern");
    }
    if !field.table.allowed.is_empty() {
        return Some("a masked value is not in its `enum`");
    }
    // As JSON: quotes, the prefix, and 16 bytes in hex.
    let longest = match method {
        MaskMethod::KeepLast(_) => 0,
        MaskMethod::Hash => 41,
        MaskMethod::Pseudonym => 38,
    };
    let allowed = field.table.max_bytes;
    (allowed > 0 && allowed < longest).then_some("a masked value is longer than its `maxBytes`")
}

fn table(reply: document::Reply) -> Reply {
    Reply { status: reply.status, grpc_status: reply.grpc_status, message: reply.message }
}
