//! The effect of a rule.

use super::{
    decode::{Decoder, Keys},
    policy::{Expression, expression, non_empty_strings},
};
use crate::{
    read::yaml::{Node, Value},
    report::{
        diagnostic::{Diagnostic, code},
        source::{Span, Spanned},
    },
};
use context_mesh_core::artifact::tables::{Classification, MaskMethod};

/// The effect of a rule.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Denies the request.
    Deny(Reply),
    /// Allows the request in its layer.
    Allow,
    /// Removes fields from the context.
    Redact(FieldChoice),
    /// Replaces the fields' values with less informative ones.
    Mask(FieldChoice, MaskMethod),
    /// Names the rule in reports.
    Audit,
    /// Sets fields to new values.
    Set(Vec<(Spanned<String>, Expression)>),
    /// Denies the request if a field is missing.
    Require(Vec<Spanned<String>>, Reply),
}

/// The fields of an effect: by name, by the kind of data they hold, or both.
#[derive(Debug, Clone, Default)]
pub struct FieldChoice {
    /// By name.
    pub names: Vec<Spanned<String>>,
    /// All declared fields of these kinds.
    pub classes: Vec<Spanned<Classification>>,
}

/// A response in place of the service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// gRPC status, 1 to 16.
    pub grpc_status: u8,
    /// Text for the caller.
    pub message: String,
}

const EFFECTS: [&str; 7] = ["deny", "allow", "redact", "mask", "set", "require", "audit"];
const LATER_EFFECTS: [&str; 2] = ["limit", "route"];

/// Longest message of a reply, in bytes. For gRPC it travels in a header.
const MAX_MESSAGE_BYTES: usize = 1024;

/// Most characters that a masked value shows. With more, hardly anything is masked.
const MAX_KEPT: u16 = 64;

const DEFAULT_STATUS: u16 = 403;

pub(super) fn effect(keys: &mut Keys<'_>, span: Span, decoder: &mut Decoder<'_>) -> Option<Effect> {
    let found: Vec<_> = EFFECTS.iter().filter_map(|key| keys.entry(key)).collect();
    let later: Vec<_> = LATER_EFFECTS.iter().filter_map(|key| keys.entry(key)).collect();
    for (key, _) in &later {
        decoder.not_supported(key.span, &format!("the effect `{}`", key.value));
    }
    match found.as_slice() {
        [] if !later.is_empty() => None,
        [] => {
            let problem = Diagnostic::error(code::MISSING_KEY, span, "the rule has no effect");
            decoder.report(problem.help(format!("add one of {}", EFFECTS.map(|e| format!("`{e}`")).join(", "))));
            None
        }
        [(key, node)] => one_effect(&key.value, key.span, node, decoder),
        [(first, _), (second, _), ..] => {
            let problem = Diagnostic::error(code::INVALID_VALUE, second.span, "the rule has more than one effect");
            decoder.report(problem.label(first.span, "the first one").help("write a rule for each effect"));
            None
        }
    }
}

fn one_effect(key: &str, span: Span, node: &Node, decoder: &mut Decoder<'_>) -> Option<Effect> {
    match key {
        "deny" if !matches!(node.value, Value::Mapping(_)) => {
            not_a_reply(node, decoder);
            None
        }
        "deny" => {
            let mut keys = decoder.keys(node, span, "deny")?;
            let reply = reply(&mut keys, "denied by policy", decoder);
            keys.finish(decoder);
            Some(Effect::Deny(reply))
        }
        "allow" => plain(node, NO_ALLOW, decoder).then_some(Effect::Allow),
        "audit" => plain(node, NO_AUDIT, decoder).then_some(Effect::Audit),
        "redact" => redact(node, span, decoder),
        "mask" => mask(node, span, decoder),
        "set" => Some(Effect::Set(assignments(node, decoder))),
        _ => require(node, span, decoder),
    }
}

const NO_ALLOW: &str = "write `deny: {}` to refuse the requests that match, or remove the rule";
const NO_AUDIT: &str = "remove the rule";

/// Reports a `deny` that is no mapping.
fn not_a_reply(node: &Node, decoder: &mut Decoder<'_>) {
    let Value::Scalar(scalar) = &node.value else { return decoder.wrong_kind(node, "a mapping") };
    let help = match (scalar.as_bool(), scalar.as_int()) {
        (Some(false), _) => {
            "remove the rule; or write `deny: {}` with `enforcement: shadow` beside it, to see whom it would refuse"
                .to_owned()
        }
        (None, Some(status @ 400..=599)) => format!("write `deny: {{status: {status}}}`"),
        _ => "write `deny: {}`, or `deny: {status: 403, message: TEXT}`".to_owned(),
    };
    let message = format!("expected a mapping, found {}", node.value.kind());
    decoder.report(Diagnostic::error(code::WRONG_KIND, node.span, message).help(help));
}

/// Checks that an effect without settings is written as such. `help` is the advice for `false`.
fn plain(node: &Node, help: &str, decoder: &mut Decoder<'_>) -> bool {
    let fine = match &node.value {
        Value::Mapping(entries) => entries.is_empty(),
        Value::Scalar(scalar) => scalar.as_bool() == Some(true),
        _ => false,
    };
    match &node.value {
        _ if fine => {}
        Value::Scalar(scalar) if scalar.as_bool() == Some(false) => {
            let message = "expected `true` or `{}`, found `false`";
            decoder.report(Diagnostic::error(code::WRONG_KIND, node.span, message).help(help));
        }
        _ => decoder.wrong_kind(node, "`true` or `{}`"),
    }
    fine
}

fn redact(node: &Node, span: Span, decoder: &mut Decoder<'_>) -> Option<Effect> {
    if !matches!(node.value, Value::Mapping(_)) {
        let names = non_empty_strings(node, "field", decoder);
        return Some(Effect::Redact(FieldChoice { names, classes: Vec::new() }));
    }
    let mut keys = decoder.keys(node, span, "redact")?;
    let choice = field_choice(&mut keys, node.span, decoder);
    keys.finish(decoder);
    Some(Effect::Redact(choice?))
}

fn mask(node: &Node, span: Span, decoder: &mut Decoder<'_>) -> Option<Effect> {
    let mut keys = decoder.keys(node, span, "mask")?;
    let choice = field_choice(&mut keys, node.span, decoder);
    let kept = keys.entry("keepLast");
    let with = keys.entry("with");
    let method = match (kept, with) {
        (Some((_, node)), None) => {
            let count = decoder.int(node, 0..=i64::from(MAX_KEPT))?;
            u16::try_from(count.value).ok().map(MaskMethod::KeepLast)
        }
        (None, Some((_, node))) => {
            decoder.choice(node, &[("hash", MaskMethod::Hash), ("pseudonym", MaskMethod::Pseudonym)])
        }
        (Some((first, _)), Some((second, _))) => {
            let problem = Diagnostic::error(code::INVALID_VALUE, second.span, "the values are masked in two ways");
            decoder.report(problem.label(first.span, "the first one").help("keep one of `keepLast` and `with`"));
            None
        }
        (None, None) => {
            let problem =
                Diagnostic::error(code::MISSING_KEY, span, "`mask` does not say what takes the place of a value");
            decoder.report(problem.help("add `keepLast: 4`, `with: hash` or `with: pseudonym`"));
            None
        }
    };
    keys.finish(decoder);
    Some(Effect::Mask(choice?, method?))
}

fn field_choice(keys: &mut Keys<'_>, span: Span, decoder: &mut Decoder<'_>) -> Option<FieldChoice> {
    let names = keys.get("fields").map(|node| non_empty_strings(node, "field", decoder));
    let classes = keys.get("classification").map(|node| classes(node, decoder));
    if names.is_none() && classes.is_none() {
        let problem = Diagnostic::error(code::MISSING_KEY, span, "the effect names no field");
        decoder.report(problem.help("add `fields: [...]`, or `classification: [pii, ...]` for all fields of a kind"));
        return None;
    }
    Some(FieldChoice { names: names.unwrap_or_default(), classes: classes.unwrap_or_default() })
}

/// Reads one kind of data, or a list of them.
fn classes(node: &Node, decoder: &mut Decoder<'_>) -> Vec<Spanned<Classification>> {
    let nodes = if matches!(node.value, Value::Scalar(_)) { std::slice::from_ref(node) } else { decoder.list(node) };
    if nodes.is_empty() && matches!(node.value, Value::Sequence(_)) {
        decoder.invalid(node.span, "the list names no kind of data", "name at least one, for example `pii`");
    }
    let class = |node: &Node, decoder: &mut Decoder<'_>| {
        Some(Spanned::new(decoder.choice(node, &Classification::ALL)?, node.span))
    };
    nodes.iter().filter_map(|node| class(node, decoder)).collect()
}

fn require(node: &Node, span: Span, decoder: &mut Decoder<'_>) -> Option<Effect> {
    const MESSAGE: &str = "required context is missing";
    if matches!(node.value, Value::Sequence(_)) {
        let reply = Reply { status: DEFAULT_STATUS, grpc_status: grpc_status(DEFAULT_STATUS), message: MESSAGE.into() };
        return Some(Effect::Require(non_empty_strings(node, "field", decoder), reply));
    }
    if !matches!(node.value, Value::Mapping(_)) {
        decoder.wrong_kind(node, "a list of fields or a mapping");
        return None;
    }
    let mut keys = decoder.keys(node, span, "require")?;
    let fields = keys.require("fields", decoder).map(|node| non_empty_strings(node, "field", decoder));
    let reply = reply(&mut keys, MESSAGE, decoder);
    keys.finish(decoder);
    Some(Effect::Require(fields?, reply))
}

fn reply(keys: &mut Keys<'_>, default_message: &str, decoder: &mut Decoder<'_>) -> Reply {
    let status = keys.get("status").and_then(|node| decoder.int(node, 400..=599));
    let status = status.and_then(|n| u16::try_from(n.value).ok()).unwrap_or(DEFAULT_STATUS);
    let grpc = keys.get("grpcStatus").and_then(|node| decoder.grpc_status(node));
    let grpc_status = grpc.map_or_else(|| grpc_status(status), |grpc| grpc.value);
    let message = keys.get("message").and_then(|node| decoder.string(node));
    if let Some(message) = &message
        && message.value.len() > MAX_MESSAGE_BYTES
    {
        let text = format!("the message has {} bytes", message.value.len());
        decoder.invalid(message.span, text, format!("use at most {MAX_MESSAGE_BYTES}"));
    }
    Reply { status, grpc_status, message: message.map_or_else(|| default_message.to_owned(), |m| m.value) }
}

/// Returns the gRPC status for an HTTP status, for rules that do not set one. Follows the reverse of google.rpc.Code's
/// HTTP mapping; 429 is `RESOURCE_EXHAUSTED` because clients retry `UNAVAILABLE` at once.
const fn grpc_status(http: u16) -> u8 {
    match http {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 10,
        429 => 8,
        500 => 13,
        501..=599 => 14,
        _ => 2,
    }
}

fn assignments(node: &Node, decoder: &mut Decoder<'_>) -> Vec<(Spanned<String>, Expression)> {
    let entries = decoder.entries(node);
    if entries.is_empty() && matches!(node.value, Value::Mapping(_)) {
        decoder.invalid(node.span, "nothing is set", "name at least one field and its value");
    }
    entries.iter().filter_map(|(name, node)| Some((name.clone(), expression(node, decoder)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_grpc_status_that_is_not_ok() {
        for http in 400..=599 {
            assert!((1..=16).contains(&grpc_status(http)), "{http}");
        }
        let cases = [(400, 3), (401, 16), (403, 7), (404, 5), (409, 10), (418, 2), (429, 8), (500, 13), (503, 14)];
        for (http, grpc) in cases {
            assert_eq!(grpc_status(http), grpc, "{http}");
        }
    }
}
