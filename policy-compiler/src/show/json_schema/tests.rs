//! Checks that the schemas and the decoder know the same keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::of_all_kinds;
use crate::{
    read::document::{self, record},
    report::{diagnostic::Diagnostics, source::Sources},
};

/// The definitions for each owner of keys in the decoder.
const OWNERS: &[(&str, &[&str])] = &[
    ("the document", &["Mesh", "ContextSchema", "ContextPolicy", "PolicyTest"]),
    ("metadata", &["Metadata", "MeshMetadata", "SchemaMetadata"]),
    ("the spec of a Mesh", &["MeshSpec"]),
    ("a domain", &["Domain"]),
    ("a service", &["NamedService"]),
    ("claims", &["Claims"]),
    ("a claim", &["NestedClaim"]),
    ("carriers", &["Carriers"]),
    ("trust", &["Trust"]),
    ("gateway", &["Gateway"]),
    ("memory", &["Memory"]),
    ("rollout", &["Rollout"]),
    ("routing", &["Routing"]),
    ("the spec of a ContextSchema", &["SchemaSpec"]),
    ("a field", &["Field"]),
    ("the spec of a ContextPolicy", &["PolicySpec"]),
    ("a variable", &["Variable"]),
    ("an entry of `silence`", &["Silence"]),
    ("a rule", &["Rule"]),
    ("deny", &["Reply"]),
    ("require", &["RequireFields"]),
    ("redact", &["FieldChoice"]),
    ("mask", &["Mask"]),
    ("the spec of a PolicyTest", &["TestSpec"]),
    ("a principal", &["Principal"]),
    ("a request", &["Request"]),
    ("a test", &["Test"]),
    ("a case", &["Case"]),
    ("expect", &["Expect"]),
    // What `policyc eval` reads is not a document.
    ("the request", &[]),
];

/// Keys that the decoder knows only to report that they are not supported yet.
const NOT_SUPPORTED: [(&str, &str); 2] = [("a rule", "limit"), ("a rule", "route")];

type Keys = BTreeMap<String, BTreeSet<String>>;

/// Returns the keys that the decoder asks for when it reads all documents of the tests and examples.
fn decoded() -> Keys {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Sources::new("t");
    for path in yaml_files(&package.join("tests")).into_iter().chain(yaml_files(&package.join("../examples"))) {
        sources.add(path.display().to_string(), fs::read(&path).unwrap());
    }
    record::take();
    document::read(&sources, &mut Diagnostics::new(), &mut crate::report::progress::nobody);
    let owned = |keys: BTreeSet<&str>| keys.into_iter().map(str::to_owned).collect();
    record::take().into_iter().map(|(owner, keys)| (owner.to_owned(), owned(keys))).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = |path: PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        _ if path.is_dir() => yaml_files(&path),
        Some("yaml" | "yml") => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(found).collect()
}

fn described() -> Keys {
    let all = of_all_kinds();
    let keys = |definition: &&str| match &all["definitions"][*definition]["properties"] {
        Value::Object(properties) => properties.keys().cloned().collect::<Vec<_>>(),
        _ => panic!("{definition} has no keys"),
    };
    let keys = |definitions: &[&str]| definitions.iter().flat_map(keys).collect();
    OWNERS.iter().map(|(owner, definitions)| ((*owner).to_owned(), keys(definitions))).collect()
}

/// Returns the keys of the first that the second does not have.
fn missing(of: &Keys, from: &Keys) -> Vec<(String, String)> {
    let none = BTreeSet::new();
    let of_owner = |(owner, keys): (&String, &BTreeSet<String>)| {
        let others = from.get(owner).unwrap_or(&none);
        keys.difference(others).map(|key| (owner.clone(), key.clone())).collect::<Vec<_>>()
    };
    of.iter().flat_map(of_owner).collect()
}

#[test]
fn what_the_decoder_reads_the_schemas_describe() {
    let mut missing = missing(&decoded(), &described());
    missing.retain(|(owner, key)| owner != "the request" && !NOT_SUPPORTED.contains(&(owner, key)));
    assert_eq!(missing, [], "add them to src/json_schema, and a new owner to OWNERS");
}

#[test]
fn what_the_schemas_describe_the_decoder_reads() {
    let missing = missing(&described(), &decoded());
    assert_eq!(missing, [], "take them out of src/json_schema, or use them in a document of the tests");
}

#[test]
fn every_definition_with_keys_has_an_owner() {
    let all = of_all_kinds();
    for (name, definition) in all["definitions"].as_object().unwrap() {
        let described = OWNERS.iter().any(|(_, definitions)| definitions.contains(&name.as_str()));
        assert_eq!(!definition["properties"].is_null(), described, "{name}");
    }
}
