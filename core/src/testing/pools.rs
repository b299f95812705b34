//! The pools of generated programs, and the request that they read: constants of every type, attributes of every kind,
//! a time zone.

use std::sync::LazyLock;

use super::{Request, context, tables};
use crate::address::Networks;
use crate::headers::Headers;
use crate::identity;
use crate::tables::{
    Attribute, Constant, DestinationPart, FieldType, HostType, MeshPart, PeerPart, ProgramTable, RequestPart, Scalar,
    ScalarConstant, ZoneTable,
};
use crate::vm::{Destination, MeshView};

/// The fields of the context: name, type, and JSON text if the request has the field.
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

/// The sender of the request: a service of the small mesh.
const PEER: &str = "spiffe://acme.corp/ns/default/sa/b";

static FRAMEWORKS: LazyLock<[String; 2]> = LazyLock::new(|| ["sox", "gdpr"].map(str::to_owned));

/// Returns the request, with all its fields.
pub fn request() -> Request<'static> {
    let fields: Vec<_> = FIELDS.iter().filter_map(|(name, _, value)| Some((*name, (*value)?))).collect();
    Request {
        headers: Headers::new(HEADERS.to_vec()),
        context: context(&fields),
        peer: identity::peer(PEER, &tables()),
        mesh: MeshView { service: "a", domain: "shop", region: "us", direction: "inbound" },
        destination: Destination { service: "z", domain: "bank", region: "eu", regions: &[], frameworks: &*FRAMEWORKS },
    }
}

/// Returns an attribute of the request from the proxy, for [`Attributes`](crate::host::Attributes).
pub fn attribute(path: &[&str]) -> Option<Vec<u8>> {
    match path {
        ["source", "port"] => Some(4711_i64.to_le_bytes().to_vec()),
        ["source", "address"] => Some(b"10.1.2.3:4711".to_vec()),
        ["connection", "mtls"] => Some(vec![1]),
        ["connection", "uri_san_peer_certificate"] => Some(PEER.as_bytes().to_vec()),
        ["request", "time"] => Some(1_800_000_000_000_000_000_i64.to_le_bytes().to_vec()),
        ["metadata", ..] => Some(b"a".to_vec()),
        _ => None,
    }
}

/// Returns the pools, without programs.
pub fn pools() -> ProgramTable {
    ProgramTable {
        constants: constants(),
        attributes: attributes(),
        zones: vec![ZoneTable {
            name: "Europe/Berlin".to_owned(),
            initial: -86_400,
            transitions: vec![(i64::MIN, 86_400), (0, 3600), (i64::MAX, 1)],
        }],
        ..ProgramTable::default()
    }
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
    all.extend(Networks::of(["10.0.0.0/8", "2001:db8::/32"]).map(Constant::Networks));
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
        FIELDS.iter().map(|(name, ty, _)| Attribute::Field((*name).to_owned(), *ty)).collect();
    // Fields whose values are not of the declared type.
    all.push(Attribute::Field("any".to_owned(), FieldType::List(Scalar::Int)));
    all.push(Attribute::Field("many".to_owned(), FieldType::Map(Scalar::Double)));
    all.extend(["x-two", "x-odd", "missing"].map(|name| Attribute::Header(name.to_owned())));
    let host = |path: &[&str], ty| Attribute::Host(path.iter().map(|part| (*part).to_owned()).collect(), ty);
    all.extend([
        Attribute::Headers,
        Attribute::QueryParameters,
        Attribute::Cookies,
        Attribute::HeaderValues("x-two".to_owned()),
        Attribute::HeaderLines("x-two".to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_peer_is_a_service() {
        let peer = request().peer;
        assert_eq!([peer.service, peer.domain, peer.region], ["b", "shop", "us"]);
    }
}
