//! `ContextPolicy`: rules for workloads.

use super::{
    about::{self, About},
    decode::Decoder,
    effect::{Effect, effect},
    header::{Header, Metadata},
    pitfalls::pitfall,
    silence::{self, Silence},
};
use crate::{
    read::yaml::{Node, ScalarText, Value},
    report::source::{Span, Spanned},
};

/// A `ContextPolicy` document.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its head.
    pub metadata: Metadata,
    /// The workloads to which it applies.
    pub workloads: Vec<Spanned<String>>,
    /// The direction of the requests to which it applies.
    pub direction: Direction,
    /// Named expressions; each may use the ones before it.
    pub variables: Vec<Variable>,
    /// The same for all policies of the owner.
    pub shared: Vec<Variable>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// The direction of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Requests that arrive at the workload.
    #[default]
    Inbound,
    /// Requests that leave it.
    Outbound,
}

/// A CEL expression as written in the YAML.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The text, without quotes and indentation.
    pub text: String,
    /// The place of the scalar.
    pub span: Span,
    /// The place of each character of the text.
    pub map: ScalarText,
}

/// A named expression.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name, used as `variables.<name>`.
    pub name: Spanned<String>,
    /// Its expression.
    pub expression: Expression,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; unique in the policy.
    pub name: Option<Spanned<String>>,
    /// Where the rule begins.
    pub span: Span,
    /// Its condition; `None` always applies.
    pub when: Option<Expression>,
    /// What a failing condition means.
    pub on_error: OnError,
    /// Whether it is enforced.
    pub enforcement: Enforcement,
    /// What people know of it.
    pub about: About,
    /// Warnings that are known and intended.
    pub silence: Vec<Silence>,
    /// Its effect; `None` if that was wrong and has been reported.
    pub effect: Option<Effect>,
}

/// What a failing condition means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// A deny rule fires, an allow rule does not match.
    #[default]
    Deny,
    /// The rule does not match.
    Ignore,
}

/// Whether a rule is enforced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// It is enforced.
    #[default]
    Enforce,
    /// It is only evaluated and reported.
    Shadow,
}

pub(super) fn read(header: Header<'_>, decoder: &mut Decoder<'_>) -> Policy {
    let mut policy = Policy {
        metadata: header.metadata,
        workloads: Vec::new(),
        direction: Direction::default(),
        variables: Vec::new(),
        shared: Vec::new(),
        rules: Vec::new(),
    };
    let span = policy.metadata.span;
    let Some(mut keys) = header.spec.and_then(|node| decoder.keys(node, span, "the spec of a ContextPolicy")) else {
        return policy;
    };
    // A document may hold nothing but what others use.
    let shared = keys.get("sharedVariables");
    if let Some(node) = shared {
        policy.shared = decoder.list(node).iter().filter_map(|node| variable(node, decoder)).collect();
    }
    let optional = shared.is_some() && keys.get("rules").is_none();
    let workloads = if optional { keys.get("workloads") } else { keys.require("workloads", decoder) };
    if let Some(node) = workloads {
        policy.workloads = non_empty_strings(node, "workload", decoder);
    }
    let directions = [("inbound", Direction::Inbound), ("outbound", Direction::Outbound)];
    policy.direction = keys.get("direction").and_then(|node| decoder.choice(node, &directions)).unwrap_or_default();
    if let Some(node) = keys.get("variables") {
        policy.variables = decoder.list(node).iter().filter_map(|node| variable(node, decoder)).collect();
    }
    if let Some(node) = if optional { None } else { keys.require("rules", decoder) } {
        policy.rules = decoder.list(node).iter().filter_map(|node| rule(node, decoder)).collect();
    }
    keys.finish(decoder);
    policy
}

fn variable(node: &Node, decoder: &mut Decoder<'_>) -> Option<Variable> {
    let mut keys = decoder.keys(node, node.span, "a variable")?;
    let name = keys.require("name", decoder).and_then(|node| decoder.string(node));
    let expression = keys.require("expression", decoder).and_then(|node| expression(node, decoder));
    keys.finish(decoder);
    Some(Variable { name: name?, expression: expression? })
}

/// Reads a CEL expression. Any scalar is accepted, because `true` is an expression although it is not a string in YAML.
pub(super) fn expression(node: &Node, decoder: &mut Decoder<'_>) -> Option<Expression> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.text.trim().is_empty() && !scalar.is_null() => {
            if let Some(problem) = pitfall(scalar, node.span, decoder.sources) {
                decoder.report(problem);
                return None;
            }
            let map = ScalarText::new(scalar, node.span, decoder.sources);
            Some(Expression { text: scalar.text.clone(), span: node.span, map })
        }
        Value::Scalar(scalar) if !scalar.is_null() => {
            decoder.invalid(node.span, "the expression is empty", "write a CEL expression, or leave the key out");
            None
        }
        _ => {
            decoder.wrong_kind(node, "a CEL expression");
            None
        }
    }
}

fn rule(node: &Node, decoder: &mut Decoder<'_>) -> Option<Rule> {
    let mut keys = decoder.keys(node, node.span, "a rule")?;
    let name = keys.require("name", decoder).and_then(|node| decoder.name(node));
    let when = keys.get("when").and_then(|node| expression(node, decoder));
    let on_errors = [("deny", OnError::Deny), ("ignore", OnError::Ignore)];
    let on_error = keys.get("onError").and_then(|node| decoder.choice(node, &on_errors)).unwrap_or_default();
    let enforcement = keys.get("enforcement").map(|node| enforcement(node, decoder)).unwrap_or_default();
    let span = name.as_ref().map_or(node.span, |name| name.span);
    let silence =
        keys.get("silence").map(|list| silence::read(list, silence::extent(node), decoder)).unwrap_or_default();
    let about = about::read(&mut keys, decoder);
    let effect = effect(&mut keys, span, decoder);
    keys.finish(decoder);
    Some(Rule { name, span, when, on_error, enforcement, about, silence, effect })
}

fn enforcement(node: &Node, decoder: &mut Decoder<'_>) -> Enforcement {
    if matches!(node.value, Value::Mapping(_)) {
        decoder.not_supported(node.span, "enforcement for a part of the requests");
        return Enforcement::default();
    }
    let choices = [("enforce", Enforcement::Enforce), ("shadow", Enforcement::Shadow)];
    decoder.choice(node, &choices).unwrap_or_default()
}

pub(super) fn non_empty_strings(node: &Node, what: &str, decoder: &mut Decoder<'_>) -> Vec<Spanned<String>> {
    if matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty()) {
        decoder.invalid(node.span, format!("the list names no {what}"), format!("name at least one {what}"));
    }
    decoder.strings(node)
}
