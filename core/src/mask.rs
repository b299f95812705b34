//! Masking: replaces a string by one that reveals less.
//!
//! - `KeepLast(n)`: `*` for every character except the last `n`;
//! - `Hash`: `sha256:` and the first 16 bytes of the SHA-256, in hex;
//! - `Pseudonym`: `psn:` and the first 16 bytes of an HMAC-SHA-256, in hex, under a key that is derived for each domain
//!   (HMAC-SHA-256 of the domain's name under the mesh's secret), so that two domains cannot compare their pseudonyms.

use core::cell::RefCell;
use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::tables::MaskMethod;

/// Shortest secret for pseudonyms, in bytes.
pub const MIN_SECRET_BYTES: usize = 16;

/// The prefix of a domain's name when it is hashed, so that the secret derives no key for any other purpose.
const DERIVATION: &[u8] = b"context-mesh pseudonym v1\0";

/// Number of bytes of a hash that are shown: enough to avoid chance collisions between a mesh's values.
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
    /// Returns a secret of these bytes, or `None` if they are fewer than [`MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= MIN_SECRET_BYTES).then(|| Self(bytes.to_vec()))
    }

    /// Returns the key for the pseudonyms of a domain.
    pub fn key(&self, domain: &str) -> Option<PseudonymKey> {
        let mut derivation = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        derivation.update(DERIVATION);
        derivation.update(domain.as_bytes());
        Hmac::<Sha256>::new_from_slice(&derivation.finalize().into_bytes()).ok().map(PseudonymKey)
    }
}

/// Makes the pseudonyms of one domain: an HMAC initialised with its key. It is never shown.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

/// The keys of the domains, each derived from the secret once.
pub struct Pseudonyms {
    secret: PseudonymSecret,
    /// One key for each requested domain. Domains come from the artifact, so there are few.
    keys: RefCell<BTreeMap<String, PseudonymKey>>,
}

impl core::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

impl Pseudonyms {
    /// Returns the keys of a secret.
    pub fn new(secret: PseudonymSecret) -> Self {
        Self { secret, keys: RefCell::default() }
    }

    /// Returns the key of a domain.
    pub fn key(&self, domain: &str) -> Option<PseudonymKey> {
        let known = self.keys.try_borrow().ok().and_then(|keys| keys.get(domain).cloned());
        known.or_else(|| {
            let key = self.secret.key(domain)?;
            if let Ok(mut keys) = self.keys.try_borrow_mut() {
                keys.insert(domain.to_owned(), key.clone());
            }
            Some(key)
        })
    }
}

/// Returns the stricter of two methods: the one that reveals less.
pub fn stricter(a: MaskMethod, b: MaskMethod) -> MaskMethod {
    let rank = |method| match method {
        MaskMethod::KeepLast(kept) => (0, u16::MAX.saturating_sub(kept)),
        MaskMethod::Hash => (1, 0),
        MaskMethod::Pseudonym => (2, 0),
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Returns the replacement of `text`. The key is that of the domain that will see it. Returns `None` for a pseudonym
/// without a key: the caller must then show nothing.
pub fn mask(text: &str, method: MaskMethod, key: Option<&PseudonymKey>) -> Option<String> {
    Some(match method {
        MaskMethod::KeepLast(kept) => keep_last(text, usize::from(kept)),
        MaskMethod::Hash => hex("sha256:", &Sha256::digest(text.as_bytes())),
        MaskMethod::Pseudonym => {
            let PseudonymKey(mut mac) = key?.clone();
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
    let mut text = String::with_capacity(prefix.len().saturating_add(SHOWN_BYTES.saturating_mul(2)));
    text.push_str(prefix);
    for byte in bytes.iter().take(SHOWN_BYTES) {
        let digits = [byte >> 4, byte & 0xF];
        text.extend(digits.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
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
            // Nothing is shown of a text that is not longer than the part that may be shown.
            ("abc", 3, "***"),
            ("ab", 3, "**"),
            ("", 3, ""),
            ("grüße", 2, "***ße"),
        ] {
            assert_eq!(mask(text, MaskMethod::KeepLast(kept), None).as_deref(), Some(expected), "{text} {kept}");
        }
    }

    #[test]
    fn a_hash_is_the_sha256_of_the_text() {
        // From FIPS 180-2, appendix B.1.
        let expected = Some("sha256:ba7816bf8f01cfea414140de5dae2223".to_owned());
        assert_eq!(mask("abc", MaskMethod::Hash, None), expected);
    }

    #[test]
    fn a_pseudonym_is_stable_in_its_domain_and_differs_in_others() {
        let secret = PseudonymSecret::new(b"0123456789abcdef").unwrap();
        let other = PseudonymSecret::new(b"0123456789abcdeg").unwrap();
        let of = |text, secret: &PseudonymSecret, domain| {
            mask(text, MaskMethod::Pseudonym, secret.key(domain).as_ref()).unwrap()
        };
        let shop = of("user_1", &secret, "shop");
        assert_eq!(shop, of("user_1", &secret, "shop"));
        assert_eq!(shop.len(), "psn:".len() + 32);
        for different in [of("user_1", &secret, "bank"), of("user_2", &secret, "shop"), of("user_1", &other, "shop")] {
            assert_ne!(shop, different);
        }
        assert!(!format!("{secret:?}").contains("0123"));
    }

    #[test]
    fn known_answers_never_change() {
        // From `printf '%s' TEXT | sha256sum`, and for the pseudonyms from two runs of `openssl dgst -sha256 -mac
        // HMAC`.
        let secret = PseudonymSecret::new(b"0123456789abcdef").unwrap();
        for (text, method, domain, expected) in [
            ("", MaskMethod::Hash, "shop", "sha256:e3b0c44298fc1c149afbf4c8996fb924"),
            ("grüße", MaskMethod::Hash, "shop", "sha256:8285d1ad84c6b6e475d3b50dbf90389c"),
            ("user_1", MaskMethod::Pseudonym, "shop", "psn:77c04afc903ecc9beae7569de760a88d"),
            ("user_1", MaskMethod::Pseudonym, "", "psn:74adeeac191c738acf91f7a4c123875a"),
            ("grüße", MaskMethod::Pseudonym, "bank", "psn:dc3613ebe78da4444e4c3cd5450b2706"),
        ] {
            let keys = Pseudonyms::new(secret.clone());
            for _ in 0..2 {
                let masked = mask(text, method, keys.key(domain).as_ref());
                assert_eq!(masked.as_deref(), Some(expected), "{text} {method:?} {domain}");
            }
        }
    }

    #[test]
    fn without_a_secret_there_is_no_pseudonym() {
        assert_eq!(mask("user_1", MaskMethod::Pseudonym, None), None);
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
