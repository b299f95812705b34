//! Reads and writes the elements of binary formats.

use super::CarrierError;

/// Reads a byte sequence from the front. Never reads beyond its end.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns a reader of these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], CarrierError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CarrierError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Returns the next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CarrierError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CarrierError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Returns the next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, CarrierError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Reads a number in LEB128. Rejects numbers that do not fit into 64 bits, and encodings that are longer than
    /// necessary.
    pub(crate) fn varint(&mut self) -> Result<u64, CarrierError> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7F);
            let shifted = part.checked_shl(shift).unwrap_or(0);
            if shifted.checked_shr(shift) != Some(part) || (byte == 0 && shift > 0) {
                return Err(CarrierError::Malformed);
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CarrierError::Malformed)
    }

    /// Reads a length, count or index.
    pub(crate) fn size(&mut self) -> Result<usize, CarrierError> {
        Ok(to_size(self.varint()?))
    }

    /// Returns the next `count` bytes as UTF-8.
    pub(crate) fn text(&mut self, count: usize) -> Result<&'a str, CarrierError> {
        std::str::from_utf8(self.take(count)?).map_err(|_| CarrierError::NotText)
    }

    /// Returns the bytes that were not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Rejects remaining bytes.
    pub(crate) fn finish(self) -> Result<(), CarrierError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CarrierError::Malformed) }
    }
}

/// Converts a number to a size of this machine. A number that does not fit exceeds every limit and every end, as it
/// does on a larger machine. So malformed bytes are rejected with the same error everywhere.
pub(crate) fn to_size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Converts a size to a number.
pub(crate) fn from_size(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Appends a number in LEB128.
pub(crate) fn write_varint(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    loop {
        let [low, ..] = (rest & 0x7F).to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends the length of a text and the text.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_varint(out, from_size(text.len()));
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_read_back() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            write_varint(&mut out, value);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.varint(), Ok(value));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn broken_numbers_are_refused() {
        let cases: [(&[u8], CarrierError); 6] = [
            (&[], CarrierError::Truncated),
            (&[0x80], CarrierError::Truncated),
            (&[0x80, 0x00], CarrierError::Malformed),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], CarrierError::Malformed),
            (&[0xFF; 11], CarrierError::Malformed),
            (&[0x80; 11], CarrierError::Malformed),
        ];
        for (bytes, error) in cases {
            assert_eq!(Reader::new(bytes).varint(), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn reads_no_byte_too_many() {
        let mut reader = Reader::new(b"abc");
        assert_eq!(reader.array(), Ok(*b"ab"));
        assert_eq!(reader.take(2), Err(CarrierError::Truncated));
        assert_eq!(reader.rest(), b"c");
        assert_eq!(Reader::new(b"x").finish(), Err(CarrierError::Malformed));
        assert_eq!(Reader::new(b"\xFF").text(1), Err(CarrierError::NotText));
    }
}
