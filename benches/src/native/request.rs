//! The request of all expressions: ten headers, seven fields, a peer.

use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::headers::Headers;
use context_mesh_core::testing::{Request, context};
use context_mesh_core::vm::{Destination, MeshView, Peer};

/// The headers, in the order in which Envoy provides them.
pub const HEADERS: [(&str, &str); 10] = [
    (":authority", "checkout.shop.example"),
    (":path", "/svc7/cart/4711?step=2"),
    (":method", "GET"),
    (":scheme", "https"),
    ("user-agent", "Mozilla/5.0 (Linux; Android 15) Mobile shop/1.0"),
    ("accept", "application/json"),
    ("x-request-id", "5f9a31aa-7d10-4ba3-823d-8c197d2c99e6"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x-attempt", "3"),
    ("x-canary", "blue"),
];

/// The fields: name, type and JSON text.
pub const FIELDS: [(&str, FieldType, &str); 7] = [
    ("tenant_id", FieldType::One(Scalar::String), "\"tenant_acme\""),
    ("user_id", FieldType::One(Scalar::String), "\"user_7\""),
    ("loyalty_tier", FieldType::One(Scalar::String), "\"gold\""),
    ("feature_flags", FieldType::List(Scalar::String), "[\"new_checkout\",\"fast_search\",\"beta_cart\"]"),
    ("attempt", FieldType::One(Scalar::Int), "3"),
    ("risk_score", FieldType::One(Scalar::Double), "0.35"),
    ("limits", FieldType::Map(Scalar::Int), "{\"rate\":100,\"burst\":20}"),
];

/// The time of the request, in nanoseconds since 1970: 2026-03-02, a Monday.
pub const TIME_NS: i64 = 1_772_450_000_000_000_000;

/// The workload that decides.
pub const MESH: MeshView<'static> =
    MeshView { service: "checkout-service", domain: "shop", region: "us", direction: "inbound" };

/// Returns the sender of the request.
pub fn peer() -> Peer {
    Peer {
        principal: "spiffe://shop.example/ns/default/sa/web-frontend".to_owned(),
        service: "web-frontend".to_owned(),
        domain: "shop".to_owned(),
        region: "us".to_owned(),
        namespace: "default".to_owned(),
        account: "web-frontend".to_owned(),
    }
}

/// Returns the request in the form that the filter uses.
pub fn request() -> Request<'static> {
    Request {
        headers: Headers::new(HEADERS.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()),
        context: context(&FIELDS.map(|(name, _, json)| (name, json))),
        peer: peer(),
        mesh: MESH,
        destination: Destination::default(),
    }
}

/// Returns an attribute of the request from the proxy. Like in the proxy, the bytes are allocated for each call.
pub fn attribute(path: &[&str]) -> Option<Vec<u8>> {
    (path == ["request", "time"]).then(|| TIME_NS.to_le_bytes().to_vec())
}
