//! What the tests of this crate share: a small mesh, and hosts made of plain data.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::artifact::{VerifiedProgram, encode, load};
use crate::carrier::mesh_header::dictionary_id;
use crate::host::{Attributes, Randomness, SharedMemory, VersionChanged};
use crate::index::{ProgramIndex, RuleIndex};
use crate::tables::{
    Attribute, Constant, DictionaryTable, DomainTable, Effect, FieldTable, FieldType, Merge, MeshTable, RuleTable,
    Scalar, ScalarConstant, ServiceTable, Tables, WordTable,
};
use crate::vm::op::Op;

/// A mesh `acme` with the services `a` and `b` of the domain `shop`, and `z` of the domain `bank`.
pub(crate) fn tables() -> Tables {
    let words: Vec<String> = ["caller", "tenant", "a", "b"].map(str::to_owned).to_vec();
    let numbered = (1..).zip(&words).map(|(number, text)| word(number, text, 0)).collect();
    let service = |name: &str, domain| ServiceTable { name: name.into(), domain, ..ServiceTable::default() };
    Tables {
        mesh: MeshTable {
            name: "acme".into(),
            trust_domain: "acme.corp".into(),
            identity_path: "/ns/*/sa/{service}".into(),
            require_peer: true,
            // A service whose requests bring carriers of all kinds.
            peers_without_filter: Some(vec!["b".into()]),
            cluster_domain: "cluster.local".into(),
            present_headers: true,
            present_baggage: true,
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

/// A field with nothing special about it.
pub(crate) fn field(name: &str, value: FieldType) -> FieldTable {
    FieldTable { name: name.into(), value, ..FieldTable::default() }
}

/// A word with a number, released at this time.
pub(crate) fn word(number: u32, text: &str, released_at_ms: u64) -> WordTable {
    WordTable { number, text: text.into(), released_at_ms }
}

/// Adds a program and gives its index.
pub(crate) fn add_program(tables: &mut Tables, code: &[Op]) -> ProgramIndex {
    let program = &mut tables.program;
    program.programs.push((program.code.len() as u32, code.len() as u32));
    program.code.extend(code.iter().map(|op| op.encode()));
    ProgramIndex(program.programs.len() as u32 - 1)
}

/// Adds a constant and gives its index.
pub(crate) fn add_constant(tables: &mut Tables, constant: Constant) -> u32 {
    tables.program.constants.push(constant);
    tables.program.constants.len() as u32 - 1
}

/// Adds a string constant and gives its index.
pub(crate) fn add_string(tables: &mut Tables, text: &str) -> u32 {
    add_constant(tables, Constant::Scalar(ScalarConstant::String(text.into())))
}

/// Adds an attribute and gives its index.
pub(crate) fn add_attribute(tables: &mut Tables, attribute: Attribute) -> u32 {
    tables.program.attributes.push(attribute);
    tables.program.attributes.len() as u32 - 1
}

/// A rule without a condition.
pub(crate) fn rule(name: &str, effect: Effect) -> RuleTable {
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

/// Lets a rule apply to the inbound requests of a service.
pub(crate) fn add_inbound(tables: &mut Tables, service: &str, rule: RuleTable) {
    let index = RuleIndex(tables.rules.len() as u32);
    tables.rules.push(rule);
    let service = tables.services.iter_mut().find(|known| known.name == service).unwrap();
    service.entry.inbound.push(index);
}

/// Writes and loads the tables.
pub(crate) fn verified(tables: &Tables) -> VerifiedProgram {
    load(&encode(tables).unwrap()).unwrap()
}

/// A proxy made of plain data.
#[derive(Default)]
pub(crate) struct FakeHost {
    pub(crate) attributes: HashMap<String, Vec<u8>>,
    pub(crate) memory: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    /// Whether there is no source of secrets.
    pub(crate) no_secrets: Cell<bool>,
    /// How many secrets were given.
    pub(crate) secrets: Cell<u64>,
    /// How many shared values were read.
    pub(crate) reads: Cell<usize>,
}

impl FakeHost {
    /// A proxy whose peer has this SPIFFE ID.
    pub(crate) fn with_peer(principal: &str) -> Self {
        let mut host = Self::default();
        host.attributes.insert("connection.uri_san_peer_certificate".into(), principal.into());
        host
    }
}

impl Attributes for FakeHost {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.attributes.get(&path.join(".")).cloned()
    }
}

impl SharedMemory for FakeHost {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        self.reads.set(self.reads.get() + 1);
        self.memory.borrow().get(key).map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let mut memory = self.memory.borrow_mut();
        let known = memory.get(key).map(|(_, version)| *version);
        match (known, version) {
            (Some(known), Some(expected)) if known != expected => Err(VersionChanged),
            _ => {
                memory.insert(key.into(), (value.to_vec(), known.unwrap_or(0) + 1));
                Ok(())
            }
        }
    }
}

impl Randomness for FakeHost {
    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn secret(&self) -> Option<[u8; 16]> {
        let number = self.secrets.get() + 1;
        self.secrets.set(number);
        let [a, b] =
            [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03_u64].map(|odd| number.wrapping_mul(odd).to_le_bytes());
        (!self.no_secrets.get()).then(|| [a, b].concat().try_into().unwrap())
    }
}
