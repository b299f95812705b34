//! Request headers as the host hands them over: one list of names and values, as bytes.

/// A borrowed view of all headers of a request.
///
/// Names are lower case, as Envoy hands them over; values are any bytes. Repeated headers stay repeated, so
/// that nobody can be fooled by a second value.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
}

/// What a header that must stand alone looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single<'a> {
    /// The header is not there.
    Absent,
    /// The header is there once, with this value.
    Value(&'a [u8]),
    /// The header is there more than once: no value can be trusted.
    Repeated,
}

impl<'a> Headers<'a> {
    /// A view of these entries, in their order on the wire.
    pub fn new(entries: Vec<(&'a [u8], &'a [u8])>) -> Self {
        Self { entries }
    }

    /// All values of the header `name` (lower case), in order.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.entries.iter().filter(move |(n, _)| *n == name.as_bytes()).map(|(_, v)| *v)
    }

    /// The value of a header that must not repeat.
    pub fn single(&self, name: &str) -> Single<'a> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Single::Absent,
            (Some(value), None) => Single::Value(value),
            (Some(_), Some(_)) => Single::Repeated,
        }
    }

    /// Whether the header `name` (lower case) is there at all.
    pub fn contains(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// How many entries there are, repeated ones counted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, in their order on the wire.
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
}
