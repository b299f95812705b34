//! Percent escapes (RFC 3986, section 2.1).

/// Returns the byte of the escape whose `%` has been read, and what follows the escape. `None` unless two hexadecimal
/// digits, of either case, come first.
pub(crate) fn escaped(after: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = after.split_first_chunk::<2>()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?, rest))
}

/// Returns the two digits of a byte's escape, which follow its `%`.
pub(crate) fn digits(byte: u8) -> [u8; 2] {
    let upper_hex = |digit: u8| digit.saturating_add(if digit < 10 { b'0' } else { b'A' - 10 });
    [upper_hex(byte >> 4), upper_hex(byte & 0xF)]
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_byte_has_two_digits_that_are_read_again() {
        assert_eq!(super::digits(0x2f), *b"2F");
        for byte in 0..=u8::MAX {
            assert_eq!(super::escaped(&super::digits(byte)), Some((byte, &b""[..])));
        }
    }

    #[test]
    fn two_digits_are_a_byte() {
        assert_eq!(super::escaped(b"41BC"), Some((b'A', &b"BC"[..])));
        assert_eq!((super::escaped(b"4"), super::escaped(b"")), (None, None));
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
            assert_eq!(super::escaped(digits).map(|(byte, _)| byte), expected, "{digits:?}");
        }
    }
}
