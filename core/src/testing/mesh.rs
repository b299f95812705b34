//! A small mesh, and functions that add to its tables.

use crate::artifact::{VerifiedProgram, encode, load};
use crate::carrier::mesh_header::dictionary_id;
use crate::index::{ProgramIndex, RuleIndex};
use crate::limits::DEFAULT_HEADER_VALUE_BYTES;
use crate::tables::{
    Attribute, Constant, DictionaryTable, DomainTable, Effect, FieldTable, FieldType, Merge, MeshTable, RuleTable,
    Scalar, ScalarConstant, ServiceTable, Tables, WordTable,
};
use crate::vm::op::Op;

/// Returns a mesh `acme` with the services `a` and `b` of the domain `shop`, and `z` of the domain `bank`.
pub fn tables() -> Tables {
    let words: Vec<String> = ["caller", "tenant", "a", "b"].map(str::to_owned).to_vec();
    let numbered = (1..).zip(&words).map(|(number, text)| word(number, text, 0)).collect();
    let service = |name: &str, domain| ServiceTable { name: name.into(), domain, ..ServiceTable::default() };
    Tables {
        mesh: MeshTable {
            name: "acme".into(),
            trust_domain: "acme.corp".into(),
            identity_path: "/ns/*/sa/{service}".into(),
            require_peer: true,
            // A service whose requests have carriers of all kinds.
            peers_without_filter: Some(vec!["b".into()]),
            cluster_domain: "cluster.local".into(),
            present_headers: true,
            present_baggage: true,
            header_value_bytes: DEFAULT_HEADER_VALUE_BYTES,
            memory_slots: 64,
            memory_bytes: 64 << 20,
            memory_ttl_ms: 60_000,
            memory_grace_ms: 5000,
            rollout_window_ms: 1000,
            ..MeshTable::default()
        },
        words: numbered,
        dictionaries: vec![DictionaryTable { id: dictionary_id(&words), words }],
        fields: vec![
            FieldTable { merge: Merge::Union, ..field("flags", FieldType::List(Scalar::String)) },
            FieldTable { immutable: true, header: Some("x-tenant".into()), ..field("tenant", string()) },
            FieldTable { header: Some("x-user".into()), ..field("user", string()) },
        ],
        services: vec![service("a", 1), service("b", 1), service("z", 0)],
        domains: vec![
            DomainTable { name: "bank".into(), region: "eu".into(), ..DomainTable::default() },
            DomainTable { name: "shop".into(), region: "us".into(), ..DomainTable::default() },
        ],
        ..Tables::default()
    }
}

fn string() -> FieldType {
    FieldType::One(Scalar::String)
}

/// Returns a field without constraints.
pub fn field(name: &str, value: FieldType) -> FieldTable {
    FieldTable { name: name.into(), value, ..FieldTable::default() }
}

/// Returns a word with a number, released at this time.
pub fn word(number: u32, text: &str, released_at_ms: u64) -> WordTable {
    WordTable { number, text: text.into(), released_at_ms }
}

/// Adds a program and returns its index.
pub fn add_program(tables: &mut Tables, code: &[Op]) -> ProgramIndex {
    let program = &mut tables.program;
    program.programs.push((program.code.len() as u32, code.len() as u32));
    program.code.extend(code.iter().map(|op| op.encode()));
    ProgramIndex(program.programs.len() as u32 - 1)
}

/// Adds a constant and returns its index.
pub fn add_constant(tables: &mut Tables, constant: Constant) -> u32 {
    tables.program.constants.push(constant);
    tables.program.constants.len() as u32 - 1
}

/// Adds a string constant and returns its index.
pub fn add_string(tables: &mut Tables, text: &str) -> u32 {
    add_constant(tables, Constant::Scalar(ScalarConstant::String(text.into())))
}

/// Adds an attribute and returns its index.
pub fn add_attribute(tables: &mut Tables, attribute: Attribute) -> u32 {
    tables.program.attributes.push(attribute);
    tables.program.attributes.len() as u32 - 1
}

/// Returns a rule without a condition.
pub fn rule(name: &str, effect: Effect) -> RuleTable {
    RuleTable {
        name: name.into(),
        layer: Default::default(),
        condition: None,
        on_error: Default::default(),
        shadow: false,
        effect,
        place: "policy.yaml:1".into(),
    }
}

/// Adds a rule for the inbound requests of a service.
pub fn add_inbound(tables: &mut Tables, service: &str, rule: RuleTable) {
    let index = RuleIndex(tables.rules.len() as u32);
    tables.rules.push(rule);
    let service = tables.services.iter_mut().find(|known| known.name == service).unwrap();
    service.entry.inbound.push(index);
}

/// Encodes and loads the tables.
pub fn verified(tables: &Tables) -> VerifiedProgram {
    load(&encode(tables).unwrap()).unwrap()
}
