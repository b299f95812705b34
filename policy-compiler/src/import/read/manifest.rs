//! What all resources of Kubernetes have: kind, version, name, namespace.

use crate::{
    read::{
        document::Decoder,
        foreign::{entries, get, path, scalar, text},
        yaml::{Node, Value},
    },
    report::{
        diagnostic::{Diagnostic, code},
        source::{Span, Spanned},
    },
};

/// Longest name of a resource, in bytes.
const MAX_NAME_BYTES: usize = 253;

/// Longest name of a namespace, in bytes.
const MAX_NAMESPACE_BYTES: usize = 63;

/// A resource.
pub(super) struct Manifest<'n> {
    /// The group; empty for Kubernetes' own.
    pub(super) group: &'n str,
    pub(super) version: &'n str,
    pub(super) kind: &'n str,
    pub(super) name: Spanned<String>,
    pub(super) namespace: String,
    pub(super) node: &'n Node,
    pub(super) span: Span,
}

impl<'n> Manifest<'n> {
    /// Returns a resource, or `None` if the document is something else. An item of a list may leave out its version and
    /// kind. Reports what cannot be told apart from a policy.
    pub(super) fn new(
        node: &'n Node,
        list: Option<&Self>,
        default_namespace: &str,
        decoder: &mut Decoder<'_>,
    ) -> Option<Self> {
        let of_list = list.and_then(|list| Some((list.group, list.version, list.kind.strip_suffix("List")?)));
        let of_list = of_list.filter(|(.., kind)| !kind.is_empty());
        let (group, version) = match (plain(node, "apiVersion"), of_list) {
            (Some(text), _) => text.split_once('/').unwrap_or(("", text)),
            (None, Some((group, version, _))) => (group, version),
            (None, None) => return missing(node, "apiVersion", "kind", "AuthorizationPolicy", decoder),
        };
        let Some(kind) = plain(node, "kind").or(of_list.map(|(.., kind)| kind)) else {
            return missing(node, "kind", "apiVersion", "security.istio.io/", decoder);
        };
        let metadata = |key| text(get(node, "metadata")?, key);
        let name = metadata("name").unwrap_or_else(|| Spanned::new(String::new(), node.span));
        let namespace = metadata("namespace").map_or_else(|| default_namespace.to_owned(), |found| found.value);
        Some(Self { group, version, kind, name, namespace, node, span: node.span })
    }

    /// Returns the items of a list.
    pub(super) fn items(&self) -> Option<&'n [Node]> {
        match get(self.node, "items").map(|node| &node.value) {
            Some(Value::Sequence(items)) if self.kind.ends_with("List") => Some(items),
            _ => None,
        }
    }

    /// Returns an annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<Spanned<String>> {
        entries(path(self.node, &["metadata", "annotations"])?)
            .iter()
            .find(|(key, _)| key.value == name)
            .and_then(|(_, node)| scalar(node))
    }

    /// Checks that the name and the namespace are what Kubernetes accepts, and reports what is not.
    pub(super) fn check_names(&self, decoder: &mut Decoder<'_>) -> bool {
        let kind = self.kind;
        if self.name.value.is_empty() {
            let message = format!("the {kind} has no name");
            decoder.report(Diagnostic::error(code::MISSING_KEY, self.span, message).help("add `metadata.name`"));
            return false;
        }
        let named = is_name(&self.name.value, MAX_NAME_BYTES, true);
        if !named || !is_name(&self.namespace, MAX_NAMESPACE_BYTES, false) {
            let (what, text) = if named { ("namespace", &self.namespace) } else { ("name", &self.name.value) };
            let message = format!("`{text}` is no {what} in Kubernetes");
            let help = "use small letters, digits and `-`; templates must be filled in first, for example by \
                        `helm template`";
            decoder.invalid(self.name.span, message, help);
            return false;
        }
        true
    }
}

/// Returns `None`, and reports that a key is missing if another one begins as a policy has it.
fn missing<T>(node: &Node, key: &str, other: &str, begin: &str, decoder: &mut Decoder<'_>) -> Option<T> {
    if plain(node, other).is_some_and(|text| text.starts_with(begin)) {
        let message = format!("the document has no `{key}`");
        decoder.report(Diagnostic::error(code::MISSING_KEY, node.span, message).help(format!("add `{key}`")));
    }
    None
}

/// Returns the text of a key that is written exactly like this.
fn plain<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &entries(node).iter().find(|(name, _)| name.value == key)?.1.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
        _ => None,
    }
}

/// Whether a text is a DNS label, or with `dots` labels with dots between them.
fn is_name(text: &str, limit: usize, dots: bool) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (dots && c == '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= limit && text.chars().all(inside) && ends(text.chars().next()) && ends(text.chars().last())
}
