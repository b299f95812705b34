//! `silence` of a rule: warnings that are known and intended, each with the reason.

use super::decode::Decoder;
use crate::{
    read::yaml::{Node, Value},
    report::{
        diagnostic::code,
        near,
        source::{Span, Spanned},
    },
};

/// An entry of `silence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The code of the warnings that it silences.
    pub code: Spanned<String>,
    /// Why they are intended.
    pub reason: String,
    /// The whole rule. Only findings within it are silenced.
    pub rule: Span,
}

/// Reads the entries of a rule.
pub(super) fn read(node: &Node, rule: Span, decoder: &mut Decoder<'_>) -> Vec<Silence> {
    decoder.list(node).iter().filter_map(|node| entry(node, rule, decoder)).collect()
}

fn entry(node: &Node, rule: Span, decoder: &mut Decoder<'_>) -> Option<Silence> {
    let mut keys = decoder.keys(node, node.span, "an entry of `silence`")?;
    let said = keys.require("code", decoder).and_then(|node| decoder.string(node));
    let reason = keys.require("reason", decoder).and_then(|node| decoder.string(node));
    keys.finish(decoder);
    let (said, reason) = (said?, reason?);
    if reason.value.trim().is_empty() {
        decoder.invalid(reason.span, "the reason is empty", "say why the warning is intended, for later readers");
        return None;
    }
    if !code::TABLE.iter().any(|(id, _)| *id == said.value) {
        let help = near::nearest(&said.value, code::TABLE.iter().map(|(id, _)| *id));
        let help =
            help.map_or_else(|| "`policyc explain` lists all".to_owned(), |near| format!("did you mean `{near}`?"));
        decoder.invalid(said.span, format!("there is no code `{}`", said.value), help);
        return None;
    }
    Some(Silence { code: said, reason: reason.value, rule })
}

/// Returns the span of a node from its first character to its last.
pub(super) fn extent(node: &Node) -> Span {
    let inner = match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(_, value)| extent(value).range().end).max(),
        Value::Sequence(nodes) => nodes.iter().map(|value| extent(value).range().end).max(),
        Value::Scalar(_) | Value::Refused => None,
    };
    let range = node.span.range();
    Span::new(node.span.file, range.start, inner.unwrap_or_default().max(range.end))
}
