//! The check of tokens in front of RBAC, as Istio configures it for a `RequestAuthentication`.

use serde_json::{Value, json};

/// Returns the filter for tokens of any issuer that a key of `jwks` has signed. A request without a token passes.
pub fn filter(jwks: &str) -> Value {
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typedConfig": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"origins-0": {
                "localJwks": {"inlineString": jwks},
                "payloadInMetadata": "payload",
                "normalizePayloadInMetadata": {"spaceDelimitedClaims": ["scope", "permission"]},
            }},
            "rules": [{
                "match": {"prefix": "/"},
                "requires": {"requiresAny": {"requirements": [{"providerName": "origins-0"}, {"allowMissing": {}}]}},
            }],
            "bypassCorsPreflight": true,
        },
    })
}
