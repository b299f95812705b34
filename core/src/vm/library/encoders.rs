//! Base64 and hashes.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha2::{Digest as _, Sha256};

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

/// Like cel-go, it accepts text with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `base64.encode()`
pub(in crate::vm) fn encode<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Bytes(bytes)] => env.text(&STANDARD.encode(bytes)),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `base64.decode()`
pub(in crate::vm) fn decode<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text)] => {
            let bytes = LENIENT.decode(text).map_err(|_| EvalErrorKind::InvalidArgument)?;
            env.bytes(&bytes)
        }
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// `hash()`: the first eight bytes of the text's SHA-256, big endian, without the highest bit. It stays the same in all
/// releases, because rules use it to select a percentage of the traffic.
pub(in crate::vm) fn hash<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(EvalErrorKind::NoSuchOverload) };
    let digest: [u8; 32] = Sha256::digest(text).into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    Ok(Value::Int(i64::from_be_bytes(first) & i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn base64_reads_what_it_writes() {
        assert_eq!(call("base64.encode", &[Value::Bytes(b"hello")]), r#"String("aGVsbG8=")"#);
        let hello = format!("Bytes({:?})", b"hello");
        assert_eq!(call("base64.decode", &[Value::String("aGVsbG8=")]), hello);
        assert_eq!(call("base64.decode", &[Value::String("aGVsbG8")]), hello);
        assert_eq!(call("base64.decode", &[Value::String("aGVsb-8=")]), "invalid-argument");
        assert_eq!(call("base64.decode", &[Value::Bytes(b"")]), "no-such-overload");
    }

    #[test]
    fn the_hash_of_a_text_never_changes() {
        assert_eq!(call("hash", &[Value::String("")]), "Int(7183457195969485844)");
        assert_eq!(call("hash", &[Value::String("tenant_1")]), call("hash", &[Value::String("tenant_1")]));
        assert_eq!(call("hash", &[Value::Int(1)]), "no-such-overload");
    }
}
