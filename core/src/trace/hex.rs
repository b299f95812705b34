//! Ids in hexadecimal digits.

/// Returns the value of exactly `length` (at most 32) digits in lower case.
pub(super) fn hex(digits: &[u8], length: usize) -> Option<u128> {
    if digits.len() != length {
        return None;
    }
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a' - 10),
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

/// Returns the value of the digits of an id, which is never zero.
pub(super) fn nonzero_hex(digits: &[u8], length: usize) -> Option<u128> {
    hex(digits, length).filter(|value| *value != 0)
}
