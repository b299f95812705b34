//! Request headers as the host provides them: one list of names and values, as bytes.

/// A borrowed view of all headers of a request.
///
/// Names are lower case, as Envoy provides them; values are any bytes. Repeated headers stay repeated, so that a second
/// value cannot be overlooked.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
}

/// The value of a header that must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single<'a> {
    /// The header is absent.
    Absent,
    /// The header is present once, with this value.
    Value(&'a [u8]),
    /// The header is repeated: no value can be trusted.
    Repeated,
}

impl<'a> Headers<'a> {
    /// Returns a view of these entries, in their order on the wire.
    pub fn new(entries: Vec<(&'a [u8], &'a [u8])>) -> Self {
        Self { entries }
    }

    /// Parses the layout in which proxy-wasm hosts provide a header map, in place: the number of entries, the sizes of
    /// all names and values (each 4 bytes, little endian), then all names and values with a zero byte after each.
    /// Returns `None` if the sizes do not match.
    pub fn parse(map: &'a [u8]) -> Option<Self> {
        let (count, sizes) = map.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (sizes, mut data) = sizes.split_at_checked(count.checked_mul(8)?)?;
        let mut sizes = sizes.as_chunks::<4>().0.iter().map(|size| usize::try_from(u32::from_le_bytes(*size)).ok());
        let mut take = || {
            let (text, rest) = data.split_at_checked(sizes.next()??)?;
            data = rest.get(1..)?;
            Some(text)
        };
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push((take()?, take()?));
        }
        Some(Self::new(entries))
    }

    /// Returns all values of the header `name` (lower case), in order.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + Clone + 's {
        self.entries.iter().filter(move |(n, _)| *n == name.as_bytes()).map(|(_, v)| *v)
    }

    /// Returns the value of a header that must be unique.
    pub fn single(&self, name: &str) -> Single<'a> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Single::Absent,
            (Some(value), None) => Single::Value(value),
            (Some(_), Some(_)) => Single::Repeated,
        }
    }

    /// Returns whether the header `name` (lower case) is present.
    pub fn contains(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Returns the number of entries, including repeated ones.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all entries, in their order on the wire.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + '_ {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_has_no_single_value() {
        let headers = Headers::new(vec![(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]);
        assert_eq!(headers.single("a"), Single::Repeated);
        assert_eq!(headers.single("b"), Single::Value(b"2"));
        assert_eq!(headers.single("c"), Single::Absent);
    }

    /// Returns the layout that [`Headers::parse`] reads.
    fn map(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
        let texts = || entries.iter().flat_map(|(name, value)| [*name, *value]);
        let mut map = (entries.len() as u32).to_le_bytes().to_vec();
        texts().for_each(|text| map.extend((text.len() as u32).to_le_bytes()));
        texts().for_each(|text| map.extend([text, &[0]].concat()));
        map
    }

    #[test]
    fn the_layout_of_a_header_map_is_read_whole_or_not_at_all() {
        let cases: [&[(&[u8], &[u8])]; 4] = [
            &[],
            &[(b":path", b"/")],
            &[(b"a", b""), (b"", b"v"), (b"a", b"\0\xff\0")],
            &[(b"x-a", b"1"), (b"x-a", b"2"), (b"x-b", &[b'y'; 300])],
        ];
        for entries in cases {
            let map = map(entries);
            assert!(Headers::parse(&map).unwrap().iter().eq(entries.iter().copied()), "{entries:?}");
            for cut in 0..map.len() {
                assert!(Headers::parse(&map[..cut]).is_none(), "{entries:?} cut at {cut}");
            }
        }
        // Sizes beyond the end, and a count that no memory can hold.
        for map in [&[][..], &[1, 0, 0], &[255; 4], &[255; 64], &[1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0]] {
            assert!(Headers::parse(map).is_none(), "{map:?}");
        }
    }

    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(count in 0_u32..5, rest in proptest::collection::vec(0_u8..6, 0..80)) {
            let map = [&count.to_le_bytes(), rest.as_slice()].concat();
            if let Some(headers) = Headers::parse(&map) {
                assert_eq!(headers.len(), count as usize);
            }
        }
    }
}
