//! The order of the keys of documents, as `policyc fmt` writes them.

use super::header::is_foreign;
use crate::{
    read::yaml::{self, Left},
    report::{
        diagnostic::Diagnostics,
        source::{FileId, SourceFile},
    },
};

/// Paths of mappings, and their keys in order. `*` stands for any key, `[]` for the elements of a list. A path begins
/// with the kind of the document, or with `*`.
const ORDER: &[(&str, &[&str])] = &[
    ("*", &["apiVersion", "kind", "metadata", "spec"]),
    ("* metadata", &["name", "domain", "version", "labels", "annotations"]),
    (
        "Mesh spec",
        &[
            "trustDomain",
            "trustDomainAliases",
            "clusterDomain",
            "identity",
            "domains",
            "gateways",
            "default",
            "ambiguousPath",
            "headerValueBytes",
            "claims",
            "parameters",
            "environments",
            "carriers",
            "trust",
            "onInvalid",
            "maxAge",
            "routing",
            "rollout",
            "gateway",
            "memory",
            "ambiguousRecall",
            "lostRecall",
        ],
    ),
    ("Mesh spec domains *", &["services", "namespaces", "region", "frameworks", "default"]),
    ("ContextSchema spec fields *", &["type", "required"]),
    ("ContextPolicy spec", &["workloads", "direction", "sharedVariables", "variables", "rules"]),
    ("ContextPolicy spec variables []", &["name", "expression"]),
    ("ContextPolicy spec sharedVariables []", &["name", "expression"]),
    (
        "ContextPolicy spec rules []",
        &[
            "name",
            "description",
            "owner",
            "expires",
            "when",
            "onError",
            "enforcement",
            "deny",
            "allow",
            "require",
            "redact",
            "mask",
            "set",
            "audit",
            "silence",
        ],
    ),
    ("ContextPolicy spec rules [] deny", &["status", "grpcStatus", "message"]),
    ("ContextPolicy spec rules [] silence []", &["code", "reason"]),
    ("PolicyTest spec", &["now", "principals", "requests", "contexts", "tests"]),
    ("PolicyTest spec tests []", TEST),
    ("PolicyTest spec tests [] cases []", TEST),
    ("PolicyTest spec tests [] expect", EXPECT),
    ("PolicyTest spec tests [] cases [] expect", EXPECT),
];

const TEST: &[&str] = &[
    "name",
    "workload",
    "role",
    "region",
    "principal",
    "request",
    "context",
    "destination",
    "remembered",
    "age",
    "now",
    "expect",
    "cases",
];

const EXPECT: &[&str] = &[
    "decision",
    "rule",
    "status",
    "grpcStatus",
    "message",
    "rules",
    "audited",
    "shadow",
    "redacted",
    "masked",
    "context",
    "absent",
    "headers",
];

/// Returns the text of a file with its keys in order and its blocks indented by two spaces. Documents of other API
/// groups keep their lines.
///
/// # Errors
/// Why the text is left as it is.
pub fn formatted(id: FileId, file: &SourceFile) -> Result<String, Left> {
    let nodes = yaml::parse(id, file, &mut Diagnostics::new());
    let kinds: Vec<Option<String>> = nodes.iter().map(kind).collect();
    let is_ours = |document: usize| kinds.get(document).is_some_and(Option::is_some);
    yaml::format(file.text(), &is_ours, &|document, path, key| {
        let kind = kinds.get(document)?.as_deref()?;
        let keys = ORDER.iter().find(|(of, _)| is(of, kind, path)).map(|(_, keys)| *keys)?;
        keys.iter().position(|known| *known == key)
    })
}

/// Returns the kind of a document of ours.
fn kind(node: &yaml::Node) -> Option<String> {
    let yaml::Value::Mapping(entries) = &node.value else { return None };
    let (_, kind) = entries.iter().find(|(key, _)| key.value == "kind")?;
    match &kind.value {
        yaml::Value::Scalar(scalar) if !is_foreign(node) => Some(scalar.text.clone()),
        _ => None,
    }
}

fn is(of: &str, kind: &str, path: &[String]) -> bool {
    let fits = |(wanted, found): (&str, &str)| wanted == "*" || wanted == found;
    let (mut wanted, found) = (of.split(' '), std::iter::once(kind).chain(path.iter().map(String::as_str)));
    wanted.clone().count() == path.len() + 1 && found.zip(wanted.by_ref()).map(|(f, w)| (w, f)).all(fits)
}
