//! Names and labels that the Kubernetes API server accepts.

use std::fmt::Write as _;

use context_mesh_core::artifact::stamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Longest DNS-1123 label, in bytes, and longest value of a label.
const MAX_LABEL_BYTES: usize = 63;

/// Longest DNS-1123 subdomain, in bytes: names of most resources, and the prefix of a label's key.
const MAX_SUBDOMAIN_BYTES: usize = 253;

/// Bytes of the digest at the end of a name that had to be changed, written in hex. So few services have the same name
/// after the change that 32 bits distinguish them.
const DIGEST_BYTES: usize = 4;

/// Returns the name of a resource for the service, or for all: `context-mesh`, followed by the service's name.
///
/// A service's name may have capitals, dots and underscores, and 253 bytes; the name of a resource is a DNS-1123 label.
/// If something had to be changed, part of the digest of the service's name is appended, which distinguishes `a_b` from
/// `a.b`.
pub(super) fn resource_name(service: Option<&str>) -> String {
    const PREFIX: &str = "context-mesh";
    let Some(service) = service else { return PREFIX.to_owned() };
    let plain = format!("{PREFIX}-{service}");
    if is_dns_label(&plain) {
        return plain;
    }
    let fitting = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    // Only ASCII remains, so bytes are characters.
    let room = MAX_LABEL_BYTES - 2 * DIGEST_BYTES - 1;
    let mut name: String = plain.chars().map(fitting).take(room).collect();
    name.truncate(name.trim_end_matches('-').len());
    name.push('-');
    for byte in Sha256::digest(service.as_bytes()).iter().take(DIGEST_BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Annotation with the revision of the artifact in a resource.
pub const REVISION: &str = "contextmesh.io/revision";

/// Annotation with the digest of the artifact in a resource.
pub const DIGEST: &str = "contextmesh.io/digest";

/// Returns the metadata of a resource for the service, or for all, with annotations that say which artifact is inside.
pub(super) fn metadata(service: Option<&str>, namespace: &str, artifact: &[u8]) -> Value {
    let mut metadata = json!({"name": resource_name(service), "namespace": namespace});
    if let Ok(stamp) = stamp(artifact) {
        metadata["annotations"] = json!({DIGEST: stamp.digest.to_string()});
        if let Some(revision) = stamp.revision {
            metadata["annotations"][REVISION] = revision.as_str().into();
        }
    }
    metadata
}

/// Whether the text is a DNS-1123 label, such as the name of a namespace.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= MAX_LABEL_BYTES && is_enclosed(text, inner)
}

/// Whether the text is a DNS-1123 subdomain, such as the name of a Gateway or a Secret.
pub fn is_dns_subdomain(text: &str) -> bool {
    let part = |part: &str| is_enclosed(part, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    text.len() <= MAX_SUBDOMAIN_BYTES && text.split('.').all(part)
}

/// Whether the text can be the key of a label: a name, with or without a DNS subdomain and `/` before it.
pub fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_dns_subdomain) && !name.is_empty() && is_label_value(name)
}

/// Whether the text can be the value of a label.
pub fn is_label_value(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.is_empty() || (text.len() <= MAX_LABEL_BYTES && is_enclosed(text, inner))
}

/// Whether all bytes are `inner`, and the first and the last are letters or digits.
fn is_enclosed(text: &str, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    end(bytes.first()) && end(bytes.last()) && bytes.iter().all(|b| inner(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays_and_others_are_told_apart() {
        assert_eq!(resource_name(None), "context-mesh");
        assert_eq!(resource_name(Some("ledger")), "context-mesh-ledger");
        assert_eq!(resource_name(Some("a-b")), "context-mesh-a-b");
        let changed = ["a_b", "a.b", "A-b", "ledger_", &"x".repeat(253), &"y".repeat(253), &"-".repeat(253)];
        let names: Vec<String> = changed.iter().map(|service| resource_name(Some(service))).collect();
        assert_eq!(names[0], "context-mesh-a-b-648fa9b3");
        for (index, name) in names.iter().enumerate() {
            assert!(is_dns_label(name), "{name}");
            assert!(!names[..index].contains(name), "{name}");
        }
    }

    #[test]
    fn names_and_labels_are_those_of_kubernetes() {
        let long = |n| "a".repeat(n);
        type Case<'a> = (fn(&str) -> bool, &'a str, &'a [&'a str], &'a [&'a str]);
        let (a63, a64, a253, a254) = (long(63), long(64), long(253), long(254));
        let cases: [Case<'_>; 4] = [
            (is_dns_label, "label", &["a", "a-1", "1a", &a63], &["", "-a", "a-", "A", "a.b", "a_b", &a64]),
            (is_dns_subdomain, "subdomain", &["a", "a.b-c.d", &a253], &["", ".a", "a..b", "a.B", &a254]),
            (
                is_label_key,
                "key",
                &["app", "A_b.c", "x.io/app"],
                &["", "/app", "x.io/", "X.io/app", "a*", "a/b/c", &a64],
            ),
            (is_label_value, "value", &["", "v1.2_B", "2", &a63], &["-a", "a b", "*", "ä", &a64]),
        ];
        for (holds, what, good, bad) in cases {
            good.iter().for_each(|text| assert!(holds(text), "{what}: {text}"));
            bad.iter().for_each(|text| assert!(!holds(text), "{what}: {text}"));
        }
    }
}
