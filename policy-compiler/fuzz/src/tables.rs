//! The tables that programs of plausible shape refer to: constants of every type, attributes of every kind, a regex, a
//! time zone, a small mesh.

use std::sync::LazyLock;

use context_mesh_core::artifact::encode;
use context_mesh_core::artifact::tables::{
    Attribute, Classification, Consistency, Constant, DestinationPart, DictionaryTable, DomainTable, EntryTable,
    FieldTable, FieldType, HostType, Merge, MeshPart, MeshTable, Number, PeerPart, ProgramTable, RequestPart, Scalar,
    ScalarConstant, ServiceTable, Tables, ZoneTable,
};
use context_mesh_core::carrier::dictionary::dictionary_id;
use policy_compiler::expression::codegen::Builder;

use crate::request;

static TABLES: LazyLock<Tables> = LazyLock::new(make);

/// The tables, without programs and rules.
pub fn tables() -> &'static Tables {
    &TABLES
}

/// Their body in an artifact: sections, not compressed.
pub fn body() -> Vec<u8> {
    body_of(tables())
}

/// The body of these tables in an artifact.
///
/// # Panics
/// Where the tables are too large for an artifact.
pub fn body_of(tables: &Tables) -> Vec<u8> {
    const LENGTH_AT: usize = 20;
    const BODY_AT: usize = 56;
    let artifact = encode(tables).expect("the tables fit an artifact");
    let length = artifact.get(LENGTH_AT..LENGTH_AT + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok()).expect("an artifact has a header");
    lz4_flex::block::decompress(&artifact[BODY_AT..], length).expect("an artifact has an lz4 block")
}

fn scalars() -> Vec<ScalarConstant> {
    let texts = [
        "",
        "a",
        "flags",
        "n",
        "deep",
        "ä\u{10ffff}-%s %.3f",
        "2001:db8::/32",
        "10.0.0.1",
        "10.0.0.0/8",
        "%d %x %e %b %%",
        "2024-02-29T23:59:60Z",
        "2009-02-13T23:31:30.5+02:00",
        "-1h2.5s",
        "Europe/Berlin",
        "aGVsbG8",
        "a,b,,c",
        "12",
        "-0.5e3",
        "true",
    ];
    let mut all: Vec<ScalarConstant> = texts.map(|text| ScalarConstant::String(text.to_owned())).to_vec();
    all.extend([i64::MIN, i64::MAX, -1, 0, 1, 2, 60].map(ScalarConstant::Int));
    all.extend([0, 1, u64::MAX].map(ScalarConstant::Uint));
    all.extend([f64::NAN, f64::NEG_INFINITY, -1e300, -0.0, 0.5, 9.3e18].map(ScalarConstant::Double));
    all.extend([vec![], vec![0xff, 0, b'a'], b"hello".to_vec()].map(ScalarConstant::Bytes));
    all.extend([i64::MIN, 1, 3_600_000_000_000].map(ScalarConstant::Duration));
    all.extend([ScalarConstant::Null, ScalarConstant::Bool(true), ScalarConstant::Bool(false)]);
    all.push(ScalarConstant::Timestamp { seconds: -62_135_596_800, nanos: 0 });
    all.push(ScalarConstant::Timestamp { seconds: 253_402_300_799, nanos: 999_999_999 });
    all.push(ScalarConstant::Timestamp { seconds: 1_800_000_000, nanos: 1 });
    all.push(ScalarConstant::Type("int".to_owned()));
    all
}

fn constants() -> Vec<Constant> {
    let entry = |key: i64| (ScalarConstant::Int(key), ScalarConstant::String(key.to_string()));
    let mut all: Vec<Constant> = scalars().into_iter().map(Constant::Scalar).collect();
    all.push(Constant::List((0..12).map(ScalarConstant::Int).collect()));
    all.push(Constant::List(scalars().into_iter().take(5).collect()));
    all.push(Constant::List(vec![]));
    all.push(Constant::StringSet(["a", "acme", "b"].map(str::to_owned).to_vec()));
    all.push(Constant::Map((0..5).map(entry).collect()));
    all.push(Constant::Map(vec![
        (ScalarConstant::Bool(true), ScalarConstant::Null),
        (ScalarConstant::Uint(7), ScalarConstant::Double(1.5)),
        (ScalarConstant::String("a".to_owned()), ScalarConstant::Int(1)),
    ]));
    all
}

fn attributes() -> Vec<Attribute> {
    let mut all: Vec<Attribute> =
        request::FIELDS.iter().map(|(name, ty, _)| Attribute::Field((*name).to_owned(), *ty)).collect();
    // Fields whose values do not have the type that is stated.
    all.push(Attribute::Field("any".to_owned(), FieldType::List(Scalar::Int)));
    all.push(Attribute::Field("many".to_owned(), FieldType::Map(Scalar::Double)));
    all.extend(["x-two", "x-odd", "missing"].map(|name| Attribute::Header(name.to_owned())));
    let host = |path: &[&str], ty| Attribute::Host(path.iter().map(|part| (*part).to_owned()).collect(), ty);
    all.extend([
        Attribute::Headers,
        Attribute::Request(RequestPart::UrlPath),
        Attribute::Request(RequestPart::Query),
        Attribute::Peer(PeerPart::Domain),
        Attribute::Mesh(MeshPart::Direction),
        Attribute::Destination(DestinationPart::Region),
        Attribute::Destination(DestinationPart::Frameworks),
        host(&["source", "port"], HostType::Int),
        host(&["source", "port"], HostType::Bool),
        host(&["connection", "mtls"], HostType::Bool),
        host(&["request", "time"], HostType::Timestamp),
        host(&["metadata", "a"], HostType::String),
    ]);
    all
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
    let mut all: Vec<FieldTable> = request::FIELDS.iter().enumerate().map(field).collect();
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
    let service = |name: &str, domain| ServiceTable { name: name.to_owned(), domain, entry: EntryTable::default() };
    Tables {
        mesh: MeshTable {
            name: "acme".to_owned(),
            trust_domain: "acme.corp".to_owned(),
            identity_path: "/ns/*/sa/{service}".to_owned(),
            require_peer: true,
            present_headers: true,
            present_baggage: true,
            present_mesh_header: true,
            memory_slots: 64,
            memory_bytes: 64 << 20,
            memory_ttl_ms: 60_000,
            ..MeshTable::default()
        },
        dictionaries: vec![DictionaryTable { id: dictionary_id(&words), words }],
        fields: fields(),
        services: vec![service("a", 1), service("b", 1), service("z", 0)],
        domains: vec![domain("bank", "eu", &["sox"]), domain("shop", "us", &[])],
        program: ProgramTable {
            constants: constants(),
            attributes: attributes(),
            zones: vec![ZoneTable {
                name: "Europe/Berlin".to_owned(),
                initial: -86_400,
                transitions: vec![(i64::MIN, 86_400), (0, 3600), (i64::MAX, 1)],
            }],
            ..ProgramTable::default()
        },
        regexes,
        ..Tables::default()
    }
}
