//! One request, the same for every execution: what programs see of it.

use std::collections::HashMap;
use std::sync::LazyLock;

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::host::{Attributes, Randomness, SharedMemory, VersionChanged};
use context_mesh_core::vm::{Destination, Machine, MeshView, Peer, Snapshot};

/// The time of the request, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_800_000_000_000;

/// The fields of the context: name, type, and JSON text if the request has it.
pub const FIELDS: &[(&str, FieldType, Option<&str>)] = &[
    ("tenant", FieldType::One(Scalar::String), Some("\"acme\"")),
    ("user", FieldType::One(Scalar::String), None),
    ("n", FieldType::One(Scalar::Int), Some("3")),
    ("d", FieldType::One(Scalar::Double), Some("2.5")),
    ("b", FieldType::One(Scalar::Bool), Some("true")),
    ("flags", FieldType::List(Scalar::String), Some(r#"["a","n\u0065w"]"#)),
    ("limits", FieldType::Map(Scalar::Int), Some(r#"{"rps":10,"x":-1}"#)),
    (
        "any",
        FieldType::One(Scalar::Any),
        Some(r#"{"n":2,"n":3,"deep":{"l":[1,[2]]},"s":"ac\nme","2":null,"d":1.5e3,"big":18446744073709551615}"#),
    ),
    ("many", FieldType::One(Scalar::Any), Some(r#"["x","y\n",0,1,2,3,4,5,6,7,8,9,true,null,{},[]]"#)),
];

/// The headers of the request.
pub const HEADERS: &[(&[u8], &[u8])] = &[
    (b":method", b"POST"),
    (b":path", b"/v1/pay?x=1&y=2"),
    (b":authority", b"shop.example"),
    (b"x-two", b"a"),
    (b"x-two", b"b"),
    (b"x-odd", b"\xff"),
    (b"x-tenant", b"acme"),
    (b"baggage", b"tenant=acme,user=u%201,flags=%5B%22a%22%5D"),
    (b"x-request-id", b"6e9a1c3e-5f7c-4d3e-9b43-0d7c3f2a8b11"),
    (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
];

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let mut context = Context::new();
    for (name, _, value) in FIELDS {
        if let Some(value) = value {
            assert!(context.insert(name, value).is_ok(), "{name}");
        }
    }
    context
});

static PEER: LazyLock<Peer> = LazyLock::new(|| Peer {
    principal: "spiffe://acme.corp/ns/default/sa/b".to_owned(),
    service: "b".to_owned(),
    domain: "shop".to_owned(),
    region: "us".to_owned(),
    namespace: "default".to_owned(),
    account: "b".to_owned(),
});

/// A proxy: some attributes, and memory that lives as long as one execution.
#[derive(Default)]
pub struct Proxy {
    memory: std::cell::RefCell<HashMap<String, (Vec<u8>, u32)>>,
}

impl Attributes for Proxy {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        match path {
            ["source", "port"] => Some(4711_i64.to_le_bytes().to_vec()),
            ["source", "address"] => Some(b"10.1.2.3:4711".to_vec()),
            ["connection", "mtls"] => Some(vec![1]),
            ["connection", "uri_san_peer_certificate"] => Some(PEER.principal.clone().into_bytes()),
            ["request", "time"] => Some(1_800_000_000_000_000_000_i64.to_le_bytes().to_vec()),
            ["metadata", ..] => Some(b"a".to_vec()),
            _ => None,
        }
    }
}

impl SharedMemory for Proxy {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        self.memory.borrow().get(key).map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let mut memory = self.memory.borrow_mut();
        let known = memory.get(key).map(|(_, version)| *version);
        match (known, version) {
            (Some(known), Some(expected)) if known != expected => Err(VersionChanged),
            _ => {
                memory.insert(key.to_owned(), (value.to_vec(), known.unwrap_or(0).wrapping_add(1)));
                Ok(())
            }
        }
    }
}

impl Randomness for Proxy {
    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn secret(&self) -> Option<[u8; 16]> {
        Some([9; 16])
    }
}

/// What programs see of the request.
pub fn with_snapshot<R>(read: impl FnOnce(Snapshot<'_>) -> R) -> R {
    let headers = Headers::new(HEADERS.to_vec());
    let mesh = MeshView { service: "a", domain: "shop", region: "us", direction: "inbound" };
    let frameworks = ["sox".to_owned(), "gdpr".to_owned()];
    let destination = Destination { service: "z", domain: "bank", region: "eu", frameworks: &frameworks };
    let proxy = Proxy::default();
    read(Snapshot { headers: &headers, context: &CONTEXT, peer: &PEER, mesh, destination, attributes: &proxy })
}

/// A machine for the request.
pub fn with_machine<R>(verified: &VerifiedProgram, read: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    // The machine's arena, whose type is its own affair.
    let arena = Default::default();
    with_snapshot(|snapshot| read(&mut Machine::new(verified.code(), snapshot, &arena)))
}
