//! Decoding nodes: one small function for each kind of value, and [`Keys`] for mappings with known keys.

use crate::{
    read::yaml::{Node, Value},
    report::{
        diagnostic::{Diagnostic, Diagnostics, Severity, code},
        near,
        source::{Sources, Span, Spanned},
    },
};

/// Collects problems while a document is read.
pub(crate) struct Decoder<'a> {
    pub(super) sources: &'a Sources,
    diagnostics: &'a mut Diagnostics,
    errors: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(sources: &'a Sources, diagnostics: &'a mut Diagnostics) -> Self {
        Self { sources, diagnostics, errors: 0 }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.diagnostics.push(diagnostic);
    }

    /// Returns the number of errors that this decoder has reported.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Reports that `expected` (with its article) was expected at the node.
    pub(crate) fn wrong_kind(&mut self, node: &Node, expected: &str) {
        if node.value != Value::Refused {
            let message = format!("expected {expected}, found {}", node.value.kind());
            self.report(Diagnostic::error(code::WRONG_KIND, node.span, message));
        }
    }

    pub(crate) fn invalid(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::error(code::INVALID_VALUE, span, message).help(help));
    }

    pub(super) fn not_supported(&mut self, span: Span, what: &str) {
        let message = format!("{what} is not supported yet");
        self.report(Diagnostic::error(code::NOT_SUPPORTED, span, message).help("leave it out for now"));
    }

    /// Returns the entries of a mapping whose keys are chosen by the user.
    pub(crate) fn entries<'n>(&mut self, node: &'n Node) -> &'n [(Spanned<String>, Node)] {
        match &node.value {
            Value::Mapping(entries) => entries,
            _ => {
                self.wrong_kind(node, "a mapping");
                &[]
            }
        }
    }

    /// Returns the elements of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::Sequence(nodes) => nodes,
            _ => {
                self.wrong_kind(node, "a list");
                &[]
            }
        }
    }

    /// Returns a mapping whose keys are known. `owner` names it in messages, and `span` is where a missing key is
    /// reported.
    pub(crate) fn keys<'n>(&mut self, node: &'n Node, span: Span, owner: &'static str) -> Option<Keys<'n>> {
        let Value::Mapping(entries) = &node.value else {
            self.wrong_kind(node, "a mapping");
            return None;
        };
        Some(Keys { entries, known: Vec::new(), refused: Vec::new(), span, owner })
    }
}

/// The keys of a mapping that may only have known ones. Decoding ends with [`Keys::finish`].
#[must_use = "`finish` reports the unknown keys"]
pub(crate) struct Keys<'n> {
    entries: &'n [(Spanned<String>, Node)],
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
    span: Span,
    owner: &'static str,
}

impl<'n> Keys<'n> {
    /// Whether the mapping has no keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the mapping has a key, known or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.value == key)
    }

    /// Returns the value of an optional key.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// Returns an optional key and its value.
    pub(crate) fn entry(&mut self, key: &'static str) -> Option<(&'n Spanned<String>, &'n Node)> {
        self.known.push(key);
        self.entries.iter().find(|(name, _)| name.value == key).map(|(name, node)| (name, node))
    }

    /// Returns the value of a required key. Reports it if it is missing.
    pub(crate) fn require(&mut self, key: &'static str, decoder: &mut Decoder<'_>) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            let message = format!("{} has no `{key}`", self.owner);
            decoder.report(Diagnostic::error(code::MISSING_KEY, self.span, message).help(format!("add `{key}`")));
        }
        node
    }

    /// Reports a key that other tools have here, with what to write instead.
    pub(crate) fn refuse(&mut self, key: &'static str, help: &str, decoder: &mut Decoder<'_>) {
        if let Some((name, _)) = self.entries.iter().find(|(name, _)| name.value == key) {
            let message = format!("{} has no key `{key}`", self.owner);
            decoder.report(Diagnostic::error(code::UNKNOWN_KEY, name.span, message).help(help));
            self.refused.push(key);
        }
    }

    /// Reports the keys that were not asked for.
    pub(crate) fn finish(self, decoder: &mut Decoder<'_>) {
        #[cfg(test)]
        record::add(self.owner, &self.known);
        let known = |name: &str| self.known.contains(&name) || self.refused.contains(&name);
        for (name, _) in self.entries.iter().filter(|(name, _)| !known(&name.value)) {
            let message = format!("{} has no key `{}`", self.owner, name.value);
            // Suggest only absent keys: a second one of the same name would be a mistake as well.
            let free = self.known.iter().copied().filter(|key| !self.entries.iter().any(|(n, _)| n.value == *key));
            let help = near::suggestion(&name.value, free);
            decoder.report(Diagnostic::error(code::UNKNOWN_KEY, name.span, message).maybe_help(help));
        }
    }
}

/// Records the keys that documents are asked for. A test compares them with the JSON Schemas.
#[cfg(test)]
pub(crate) mod record {
    use std::{
        cell::RefCell,
        collections::{BTreeMap, BTreeSet},
    };

    /// The keys, by owner.
    pub(crate) type Record = BTreeMap<&'static str, BTreeSet<&'static str>>;

    thread_local! {
        static RECORD: RefCell<Record> = const { RefCell::new(Record::new()) };
    }

    pub(super) fn add(owner: &'static str, keys: &[&'static str]) {
        RECORD.with_borrow_mut(|record| record.entry(owner).or_default().extend(keys));
    }

    /// Returns what this thread has recorded since the last call.
    pub(crate) fn take() -> Record {
        RECORD.take()
    }
}
