//! The common head of all documents: `apiVersion`, `kind`, `metadata`, `spec`.

use semver::Version;

use super::decode::Decoder;
use crate::{
    read::yaml::{Node, Value},
    report::{
        diagnostic::{Diagnostic, code},
        near,
        source::{Span, Spanned},
    },
};

const API_VERSION: &str = "contextmesh.io/v1";

/// The group of that version.
const GROUP: &str = "contextmesh.io";

/// Name and owner of a document.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Its name; `None` if it was missing or wrong.
    pub name: Option<Spanned<String>>,
    /// The domain that owns it; `None` is the enterprise.
    pub domain: Option<Spanned<String>>,
    /// Its version, which only a schema may have.
    pub version: Option<Spanned<Version>>,
    /// Where the document states its kind.
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mesh,
    ContextSchema,
    ContextPolicy,
    PolicyTest,
}

const KINDS: [(&str, Kind); 4] = [
    ("Mesh", Kind::Mesh),
    ("ContextSchema", Kind::ContextSchema),
    ("ContextPolicy", Kind::ContextPolicy),
    ("PolicyTest", Kind::PolicyTest),
];

pub(super) struct Header<'n> {
    pub(super) kind: Kind,
    pub(super) metadata: Metadata,
    pub(super) spec: Option<&'n Node>,
}

/// Reads the head. Returns `None` if the kind is unknown, because the rest cannot be checked then.
pub(super) fn read<'n>(node: &'n Node, decoder: &mut Decoder<'_>) -> Option<Header<'n>> {
    let mut keys = decoder.keys(node, node.span, "the document")?;
    if let Some(version) = keys.require("apiVersion", decoder).and_then(|node| decoder.string(node))
        && version.value != API_VERSION
    {
        let message = format!("the apiVersion `{}` is not known", version.value);
        let problem = Diagnostic::error(code::UNKNOWN_DOCUMENT, version.span, message);
        decoder.report(problem.help(format!("this version reads `{API_VERSION}`")));
    }
    let kind = keys.require("kind", decoder).and_then(|node| decoder.string(node));
    let metadata = keys.require("metadata", decoder);
    let spec = keys.require("spec", decoder);
    let (kind, span) = known_kind(&kind?, decoder)?;
    keys.finish(decoder);
    let metadata = metadata.map_or(Metadata { name: None, domain: None, version: None, span }, |node| {
        read_metadata(node, kind, span, decoder)
    });
    Some(Header { kind, metadata, spec })
}

/// Whether a document belongs to another API group, as in a folder that GitOps applies as a whole. A group that is nearly ours is
/// taken for ours, so that a misspelt one is an error.
pub(super) fn is_foreign(node: &Node) -> bool {
    let Value::Mapping(entries) = &node.value else { return false };
    let text = |key: &str| {
        let entry = entries.iter().find(|(name, _)| name.value == key);
        entry.and_then(
            |(_, node)| if let Value::Scalar(scalar) = &node.value { Some(scalar.text.as_str()) } else { None },
        )
    };
    let ours = |version: &str| {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        group == GROUP || near::nearest(group, [GROUP]).is_some()
    };
    let our_kind = text("kind").is_some_and(|kind| KINDS.iter().any(|(known, _)| *known == kind));
    !our_kind && text("apiVersion").is_some_and(|version| !version.is_empty() && !ours(version))
}

fn known_kind(name: &Spanned<String>, decoder: &mut Decoder<'_>) -> Option<(Kind, Span)> {
    let found = KINDS.iter().find(|(word, _)| *word == name.value);
    if found.is_none() {
        let problem =
            Diagnostic::error(code::UNKNOWN_DOCUMENT, name.span, format!("the kind `{}` is not known", name.value));
        decoder.report(problem.maybe_help(near::suggestion(&name.value, KINDS.map(|(word, _)| word))));
    }
    found.map(|(_, kind)| (*kind, name.span))
}

fn read_metadata(node: &Node, kind: Kind, span: Span, decoder: &mut Decoder<'_>) -> Metadata {
    let mut metadata = Metadata { name: None, domain: None, version: None, span };
    let Some(mut keys) = decoder.keys(node, node.span, "metadata") else { return metadata };
    metadata.name = keys.require("name", decoder).and_then(|node| decoder.name(node));
    // For people and other tools.
    for key in ["labels", "annotations"] {
        if let Some(node) = keys.get(key) {
            decoder.entries(node);
        }
    }
    let namespace = match kind {
        Kind::Mesh => "remove it; the `namespaces` of services are listed at their domain, under `spec.domains`",
        _ => {
            "write `domain: NAME` for a document of a domain, whose `namespaces` the Mesh lists; without it, the document is the enterprise's"
        }
    };
    keys.refuse("namespace", namespace, decoder);
    if kind != Kind::Mesh {
        metadata.domain = keys.get("domain").and_then(|node| decoder.name(node));
    }
    if kind == Kind::ContextSchema
        && let Some(text) = keys.get("version").and_then(|node| decoder.string(node))
    {
        metadata.version = version(&text, decoder);
    }
    keys.finish(decoder);
    metadata
}

/// Reads `major.minor.patch` with an optional `-pre` and `+build`, as in semver 2.0.0.
fn version(text: &Spanned<String>, decoder: &mut Decoder<'_>) -> Option<Spanned<Version>> {
    let version = Version::parse(&text.value).ok();
    if version.is_none() {
        let help = "write three numbers, for example `1.2.0`";
        decoder.invalid(text.span, format!("`{}` is not a semantic version", text.value), help);
    }
    version.map(|version| Spanned::new(version, text.span))
}
