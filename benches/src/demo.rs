//! The context of the demo, which all measurements send.

/// The time of the requests that have no clock, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_772_450_000_000;

/// The SPIFFE ID of the calling service.
pub const PEER: &str = "spiffe://shop.example/ns/default/sa/web-frontend";

/// The fields with their JSON texts, as the gateway sets them.
pub const FIELDS: [(&str, &str); 7] = [
    ("tenant_id", "\"tenant_acme\""),
    ("user_id", "\"user_7\""),
    ("loyalty_tier", "\"gold\""),
    ("feature_flags", "[\"new_checkout\"]"),
    ("correlation_id", "\"5f9a31aa-7d10-4ba3-823d-8c197d2c99e6\""),
    ("environment", "\"production\""),
    ("caller", "\"web-frontend\""),
];
