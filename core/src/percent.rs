//! Percent escapes (RFC 3986, section 2.1).

/// Returns the byte of two hexadecimal digits, of either case.
pub(crate) fn byte(digits: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low] = digits;
    digit(high)?.checked_mul(16)?.checked_add(digit(low)?)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn two_digits_are_a_byte() {
        let cases = [
            (b"00", Some(0)),
            (b"2F", Some(0x2f)),
            (b"2f", Some(0x2f)),
            (b"fF", Some(0xff)),
            (b"g0", None),
            (b"0 ", None),
            (b"+1", None),
        ];
        for (digits, expected) in cases {
            assert_eq!(super::byte(*digits), expected, "{digits:?}");
        }
    }
}
