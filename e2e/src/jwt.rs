//! JSON Web Tokens for clients of the gateway, signed with HS256 (RFC 7515, RFC 7518).
//!
//! A shared secret is sufficient for tests: the gateway's template accepts any JWKS, so a real one lists public keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use crate::error::{Context as _, Result};

/// The key id in the JWKS and in the header of each token.
const KEY_ID: &str = "e2e";

/// Signs tokens that the gateway of one mesh accepts.
pub struct Signer {
    issuer: String,
    secret: [u8; 32],
}

impl Signer {
    /// Returns a signer with a new secret. Its tokens have `issuer` as `iss`.
    ///
    /// # Errors
    /// The system provides no randomness.
    pub fn new(issuer: &str) -> Result<Self> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).context("cannot make a signing key")?;
        Ok(Self { issuer: issuer.to_owned(), secret })
    }

    /// Returns the `iss` of the tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the key as a JSON Web Key Set (RFC 7517), on one line.
    pub fn jwks(&self) -> String {
        json!({"keys": [{"kty": "oct", "alg": "HS256", "kid": KEY_ID, "k": URL_SAFE_NO_PAD.encode(self.secret)}]})
            .to_string()
    }

    /// Returns a token with these claims. `iss` is added if `claims` (an object) has none, so that a test can set any
    /// other. `exp` is not added: without it the token does not expire.
    pub fn token(&self, claims: &Value) -> String {
        let mut claims = claims.clone();
        if let Some(members) = claims.as_object_mut() {
            members.entry("iss").or_insert_with(|| self.issuer.clone().into());
        }
        self.sign(&claims)
    }

    /// Returns a token with exactly these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": KEY_ID});
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

impl std::fmt::Debug for Signer {
    /// Does not show the secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Signer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_signed_parts_and_their_tag() {
        // RFC 7515, appendix A.1, uses other spacing in its JSON, so the tag is checked with ring itself.
        let signer = Signer::new("https://login.shop.example").unwrap();
        let token = signer.token(&json!({"sub": "user-1"}));
        let (signed, tag) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &signer.secret);
        hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims, json!({"sub": "user-1", "iss": "https://login.shop.example"}));
    }

    #[test]
    fn an_issuer_in_the_claims_stays() {
        let token = Signer::new("us").unwrap().token(&json!({"iss": "them"}));
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(claims, br#"{"iss":"them"}"#);
    }
}
