//! A sample request with its expectations, in the format of `requests.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Context as _, Result};

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// A heading.
    pub name: String,
    /// What to look at, and why it happens.
    pub about: String,
    /// The HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The claims of the client's token; without them, the client sends none.
    #[serde(default)]
    pub token: Option<Value>,
    /// Additional headers of the client, in this order.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// Whether it is a gRPC call.
    #[serde(default)]
    pub grpc: bool,
    /// The expected result.
    pub expect: Expect,
}

/// The expected result of a request. Parts that are not mentioned are not checked, with one exception: without
/// `refused`, no filter may refuse the request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The HTTP status that the client receives.
    pub status: u16,
    /// The filter that refuses it, and the answer.
    #[serde(default)]
    pub refused: Option<Refused>,
    /// What each application sees, by service.
    #[serde(default)]
    pub applications: BTreeMap<String, Hop>,
    /// The report of each filter, by `<service> <role>`: parts of the access log's `context_mesh`. A list may be in any
    /// order. An empty list means that the part is missing.
    #[serde(default)]
    pub reports: BTreeMap<String, Map<String, Value>>,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The filter that refuses: `<service> <role>`.
    pub by: String,
    /// The rule.
    pub rule: String,
    /// The status of the rule's answer.
    pub status: u16,
    /// The gRPC status that a gRPC caller receives.
    #[serde(default)]
    pub grpc_status: Option<u8>,
    /// The text that the caller receives.
    pub message: String,
}

/// The part of a request that an application sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// Headers and their values; `*` is any value.
    #[serde(default)]
    pub sees: BTreeMap<String, String>,
    /// Members of `baggage` and their values, as they are written in the header; `*` is any value.
    #[serde(default)]
    pub baggage: BTreeMap<String, String>,
    /// Headers that must not be present.
    #[serde(default)]
    pub lacks: Vec<String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// Reads a list of samples.
///
/// # Errors
/// The file cannot be read, or does not contain such a list. The error names the position.
pub fn read(file: &Path) -> Result<Vec<Sample>> {
    let text = std::fs::read_to_string(file).context(format_args!("cannot read `{}`", file.display()))?;
    serde_json::from_str(&text).context(format_args!("`{}` is not a list of requests", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_demo_read() {
        let samples = read(&crate::policy::shop_folder().join("requests.json")).unwrap();
        assert!(samples.len() >= 7);
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requests.json");
        std::fs::write(&file, r#"[{"name": "a", "about": "b", "paht": "/"}]"#).unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("`paht`") && error.contains("line 1"), "{error}");
    }
}
