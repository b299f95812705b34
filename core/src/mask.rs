//! Masking: what takes the place of a string so that it tells less.
//!
//! - `KeepLast(n)`: `*` for every character but the last `n`;
//! - `Hash`: `sha256:` and the first 16 bytes of the SHA-256, in hex;
//! - `Pseudonym`: `psn:` and the first 16 bytes of an HMAC-SHA-256, in hex, under a key that is derived for each domain
//!   (HMAC-SHA-256 of the domain's name under the mesh's secret), so that two domains cannot compare their pseudonyms.

use core::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::artifact::tables::MaskMethod;

/// Shortest secret for pseudonyms, in bytes.
pub const MIN_SECRET_BYTES: usize = 16;

/// What is hashed in front of a domain's name, so that the secret makes no key for anything else.
const DERIVATION: &[u8] = b"context-mesh pseudonym v1\0";

/// Bytes of a hash that are shown: no two of a mesh's values meet by chance.
const SHOWN_BYTES: usize = 16;

/// The secret from which the keys of pseudonyms are derived. It is never shown.
#[derive(Clone)]
pub struct PseudonymSecret(Vec<u8>);

impl core::fmt::Debug for PseudonymSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PseudonymSecret(..)")
    }
}

impl PseudonymSecret {
    /// A secret of these bytes; `None` when they are fewer than [`MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= MIN_SECRET_BYTES).then(|| Self(bytes.to_vec()))
    }

    /// What makes the pseudonyms of a domain.
    fn domain(&self, domain: &str) -> Option<Hmac<Sha256>> {
        let mut derivation = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        derivation.update(DERIVATION);
        derivation.update(domain.as_bytes());
        Hmac::<Sha256>::new_from_slice(&derivation.finalize().into_bytes()).ok()
    }
}

/// The order of two methods by how little they leave to see.
pub fn stricter(a: MaskMethod, b: MaskMethod) -> MaskMethod {
    let rank = |method| match method {
        MaskMethod::KeepLast(kept) => (0, u16::MAX.saturating_sub(kept)),
        MaskMethod::Hash => (1, 0),
        MaskMethod::Pseudonym => (2, 0),
    };
    if rank(b) > rank(a) { b } else { a }
}

/// What takes the place of `text`. `domain` is the one that gets to see it. `None` for a pseudonym without a secret:
/// the caller must then show nothing.
pub fn mask(text: &str, method: MaskMethod, secret: Option<&PseudonymSecret>, domain: &str) -> Option<String> {
    Some(match method {
        MaskMethod::KeepLast(kept) => keep_last(text, usize::from(kept)),
        MaskMethod::Hash => hex("sha256:", &Sha256::digest(text.as_bytes())),
        MaskMethod::Pseudonym => {
            let mut mac = secret?.domain(domain)?;
            mac.update(text.as_bytes());
            hex("psn:", &mac.finalize().into_bytes())
        }
    })
}

fn keep_last(text: &str, kept: usize) -> String {
    let length = text.chars().count();
    let hidden = if length > kept { length.saturating_sub(kept) } else { length };
    text.chars().enumerate().map(|(place, c)| if place < hidden { '*' } else { c }).collect()
}

fn hex(prefix: &str, bytes: &[u8]) -> String {
    let mut text = prefix.to_owned();
    for byte in bytes.iter().take(SHOWN_BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_last_characters_stay() {
        for (text, kept, expected) in [
            ("4111111111111111", 4, "************1111"),
            ("abc", 0, "***"),
            ("abc", 2, "*bc"),
            // Nothing is shown of what is not longer than the part that may be.
            ("abc", 3, "***"),
            ("ab", 3, "**"),
            ("", 3, ""),
            ("grüße", 2, "***ße"),
        ] {
            assert_eq!(mask(text, MaskMethod::KeepLast(kept), None, "").as_deref(), Some(expected), "{text} {kept}");
        }
    }

    #[test]
    fn a_hash_is_the_sha256_of_the_text() {
        // From FIPS 180-2, appendix B.1.
        let expected = Some("sha256:ba7816bf8f01cfea414140de5dae2223".to_owned());
        assert_eq!(mask("abc", MaskMethod::Hash, None, "shop"), expected);
    }

    #[test]
    fn a_pseudonym_is_stable_in_its_domain_and_differs_in_others() {
        let secret = PseudonymSecret::new(b"0123456789abcdef").unwrap();
        let other = PseudonymSecret::new(b"0123456789abcdeg").unwrap();
        let of = |text, secret, domain| mask(text, MaskMethod::Pseudonym, Some(secret), domain).unwrap();
        let shop = of("user_1", &secret, "shop");
        assert_eq!(shop, of("user_1", &secret, "shop"));
        assert_eq!(shop.len(), "psn:".len() + 32);
        for different in [of("user_1", &secret, "bank"), of("user_2", &secret, "shop"), of("user_1", &other, "shop")] {
            assert_ne!(shop, different);
        }
        assert!(!format!("{secret:?}").contains("0123"));
    }

    #[test]
    fn without_a_secret_there_is_no_pseudonym() {
        assert_eq!(mask("user_1", MaskMethod::Pseudonym, None, "shop"), None);
        assert!(PseudonymSecret::new(b"too short").is_none());
    }

    #[test]
    fn the_stricter_method_counts_in_either_order() {
        use MaskMethod::{Hash, KeepLast, Pseudonym};
        for (weaker, stricter_one) in [(KeepLast(4), KeepLast(2)), (KeepLast(0), Hash), (Hash, Pseudonym)] {
            assert_eq!(stricter(weaker, stricter_one), stricter_one);
            assert_eq!(stricter(stricter_one, weaker), stricter_one);
        }
    }
}
