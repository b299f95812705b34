//! What proxies are expected to run: the list of digests that `policyc emit --all` writes.

use serde_json::{Value, json};

/// Most entries of a list.
const MAX_ENTRIES: usize = 200_000;

/// The artifact of one service in one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The service.
    pub service: String,
    /// The role of the filter.
    pub role: String,
    /// The file with its configuration, below the folder of the list.
    pub file: Option<String>,
    /// The digest of the artifact, in hex.
    pub digest: String,
    /// The revision of the artifact.
    pub revision: Option<String>,
}

/// Sorts the entries, and returns the list.
pub fn to_json(entries: &mut [Entry]) -> Value {
    entries.sort();
    let entry = |entry: &Entry| {
        json!({
            "service": entry.service,
            "role": entry.role,
            "file": entry.file,
            "digest": entry.digest,
            "revision": entry.revision,
        })
    };
    entries.iter().map(entry).collect()
}

/// Reads a list.
///
/// # Errors
/// It is not JSON, not a list of such entries, or longer than any mesh. The text says where.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
    let list = value.as_array().ok_or("it is not a list; `policyc emit ... --all` writes one")?;
    if list.len() > MAX_ENTRIES {
        return Err(format!("it has more than {MAX_ENTRIES} entries"));
    }
    list.iter().enumerate().map(|(at, value)| entry(value).map_err(|key| problem(at, key))).collect()
}

fn problem(at: usize, key: &str) -> String {
    let form = if key == "digest" { "64 hex digits" } else { "a text" };
    format!("`{key}` of entry {} is not {form}", at + 1)
}

/// Reads one entry. The error is the key that is missing or wrong.
fn entry(value: &Value) -> Result<Entry, &'static str> {
    let text = |key: &'static str| value[key].as_str().map(str::to_owned).ok_or(key);
    let optional = |key: &'static str| if value[key].is_null() { Ok(None) } else { text(key).map(Some) };
    let digest = text("digest")?;
    if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
        return Err("digest");
    }
    Ok(Entry {
        service: text("service")?,
        role: text("role")?,
        file: optional("file")?,
        digest,
        revision: optional("revision")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(service: &str, role: &str) -> Entry {
        let (file, revision) = (Some(format!("{service}/{role}.json")), Some("v1".to_owned()));
        Entry { service: service.to_owned(), role: role.to_owned(), file, digest: "ab".repeat(32), revision }
    }

    #[test]
    fn a_list_reads_back_sorted() {
        let mut entries = [sample("b", "inbound"), sample("a", "outbound"), sample("a", "inbound")];
        entries[0].revision = None;
        let list = to_json(&mut entries);
        assert_eq!(parse(list.to_string().as_bytes()).unwrap(), entries);
        let order: Vec<_> = entries.iter().map(|entry| (entry.service.as_str(), entry.role.as_str())).collect();
        assert_eq!(order, [("a", "inbound"), ("a", "outbound"), ("b", "inbound")]);
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        let digest = "ab".repeat(32);
        let cases = [
            ("{".to_owned(), "it is not JSON: "),
            ("{}".to_owned(), "it is not a list; `policyc emit ... --all` writes one"),
            ("[1]".to_owned(), "`digest` of entry 1 is not 64 hex digits"),
            (format!(r#"[{{"role":"inbound","digest":"{digest}"}}]"#), "`service` of entry 1 is not a text"),
            (format!(r#"[{{"service":"a","digest":"{digest}"}}]"#), "`role` of entry 1 is not a text"),
            (
                format!(r#"[{{"service":"a","role":"b","digest":"{digest}","file":1}}]"#),
                "`file` of entry 1 is not a text",
            ),
            (r#"[{"service":"a","role":"b","digest":"AB"}]"#.to_owned(), "`digest` of entry 1 is not 64 hex digits"),
        ];
        for (text, expected) in cases {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
