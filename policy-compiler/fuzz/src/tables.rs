//! The tables that programs of plausible shape refer to: the pools that tests share, regexes, and a small mesh.

use std::sync::LazyLock;

use context_mesh_core::artifact::encode;
use context_mesh_core::artifact::tables::{
    BaggageKey, Classification, Consistency, DictionaryTable, DomainTable, FieldTable, FieldType, Merge, MeshTable,
    Number, ServiceTable, Tables,
};
use context_mesh_core::carrier::dictionary::dictionary_id;
use context_mesh_core::limits::DEFAULT_HEADER_VALUE_BYTES;
use context_mesh_core::testing::pools::{FIELDS, pools};
use policy_compiler::expression::codegen::Builder;

static TABLES: LazyLock<Tables> = LazyLock::new(make);

/// Returns the tables, without programs and rules.
pub fn tables() -> &'static Tables {
    &TABLES
}

/// Returns their body in an artifact: uncompressed sections.
pub fn body() -> Vec<u8> {
    body_of(tables())
}

/// Returns the body of these tables in an artifact.
///
/// # Panics
/// The tables are too large for an artifact.
pub fn body_of(tables: &Tables) -> Vec<u8> {
    const LENGTH_AT: usize = 20;
    const BODY_AT: usize = 56;
    let artifact = encode(tables).expect("the tables fit an artifact");
    let length = artifact.get(LENGTH_AT..LENGTH_AT + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok()).expect("an artifact has a header");
    lz4_flex::block::decompress(&artifact[BODY_AT..], length).expect("an artifact has an lz4 block")
}

fn fields() -> Vec<FieldTable> {
    let field = |(index, (name, value, _)): (usize, &(&str, FieldType, Option<&str>))| FieldTable {
        name: (*name).to_owned(),
        value: *value,
        required: *name == "tenant",
        immutable: index % 3 == 0,
        merge: [Merge::Replace, Merge::Keep, Merge::Union][index % 3],
        pattern: (*name == "tenant").then_some(context_mesh_core::index::PatternIndex(0)),
        allowed: if *name == "user" { vec!["\"u 1\"".to_owned(), "\"x\"".to_owned()] } else { vec![] },
        max_bytes: if *name == "flags" { 64 } else { 0 },
        header: (index % 2 == 0).then(|| format!("x-{name}")),
        baggage: match index % 5 {
            0 => BaggageKey::Key(format!("key.{name}")),
            1 => BaggageKey::Never,
            _ => BaggageKey::Name,
        },
        owner: (index % 2 == 1).then_some(1),
        classification: Classification::ALL[index % 6].1,
        residency: if index % 3 == 1 { vec!["eu".to_owned(), "us".to_owned()] } else { vec![] },
        ttl_ms: if index % 4 == 0 { 60_000 } else { 0 },
        consistency: [Consistency::Session, Consistency::Strong, Consistency::Eventual][index % 3],
        minimum: (*name == "n").then_some(Number::Int(-5)),
        maximum: (*name == "d").then_some(Number::Double(1e3)),
        max_items: if *name == "flags" { 3 } else { 0 },
        origin: if *name == "user" { vec!["a".to_owned()] } else { vec![] },
        routed: index % 4 == 2,
    };
    let mut all: Vec<FieldTable> = FIELDS.iter().enumerate().map(field).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn make() -> Tables {
    let mut builder = Builder::new();
    for (pattern, whole) in [("[a-z]+", true), ("a|b.*c", false)] {
        builder.regex(pattern, whole).expect("the patterns are small");
    }
    let (_, regexes) = builder.finish();
    let words = ["tenant", "acme", "flags", "a", "b"].map(str::to_owned).to_vec();
    let domain = |name: &str, region: &str, frameworks: &[&str]| DomainTable {
        name: name.to_owned(),
        region: region.to_owned(),
        frameworks: frameworks.iter().map(|name| (*name).to_owned()).collect(),
        namespaces: vec!["default".to_owned()],
    };
    let service = |name: &str, domain| ServiceTable { name: name.to_owned(), domain, ..ServiceTable::default() };
    Tables {
        mesh: MeshTable {
            name: "acme".to_owned(),
            trust_domain: "acme.corp".to_owned(),
            identity_path: "/ns/*/sa/{service}".to_owned(),
            require_peer: true,
            present_headers: true,
            present_baggage: true,
            present_mesh_header: true,
            header_value_bytes: DEFAULT_HEADER_VALUE_BYTES,
            memory_slots: 64,
            memory_bytes: 64 << 20,
            memory_ttl_ms: 60_000,
            ..MeshTable::default()
        },
        dictionaries: vec![DictionaryTable { id: dictionary_id(&words), words }],
        fields: fields(),
        services: vec![service("a", 1), service("b", 1), service("z", 0)],
        domains: vec![domain("bank", "eu", &["sox"]), domain("shop", "us", &[])],
        program: pools(),
        regexes,
        ..Tables::default()
    }
}
