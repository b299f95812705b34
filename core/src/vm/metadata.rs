//! Dynamic metadata of the proxy, such as the payload of a verified token.
//!
//! Asked for one value, the proxy hands over bytes without their type: one byte for a bool, eight for a number, a layout
//! of its own for lists and objects. `true` would read as the text U+0001. Asked for all of it, it gives the protobuf
//! `envoy.config.core.v3.Metadata`, in which every value says what it is:
//!
//! ```text
//! Metadata { map<string, Struct> filter_metadata = 1; }    Struct { map<string, Value> fields = 1; }
//! Value { null = 1; double number = 2; string = 3; bool = 4; Struct = 5; list = 6; }
//! ```

/// The largest integer up to which every one has a double of its own. Above, the proxy has rounded.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// One value of metadata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leaf<'m> {
    /// A string.
    Text(&'m [u8]),
    /// A number.
    Number(f64),
    /// A bool.
    Bool(bool),
    /// A list or an object.
    Compound,
}

/// The bytes are not the metadata of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value at `path` (name space, then keys); `None` when there is none, or null.
pub(super) fn find<'m>(metadata: &'m [u8], path: &[String]) -> Result<Option<Leaf<'m>>, Malformed> {
    let Some((space, keys)) = path.split_first() else { return Ok(None) };
    let Some(mut object) = entry(metadata, space)? else { return Ok(None) };
    let mut keys = keys.iter().peekable();
    while let Some(key) = keys.next() {
        let Some(value) = entry(object, key)? else { return Ok(None) };
        let Some(field) = last(value, |_| true)? else { return Ok(None) };
        match (field, keys.peek()) {
            (Field { number: STRUCT, content: Content::Bytes(inner) }, Some(_)) => object = inner,
            (_, Some(_)) => return Ok(None),
            (field, None) => return leaf(field),
        }
    }
    Ok(Some(Leaf::Compound))
}

/// A number as a text: an integer without point and exponent, everything else with its digits. `None` for an integer that is
/// too large to be the one that was sent.
pub fn number_text(number: f64) -> Option<String> {
    let exact = number.is_finite() && number.abs() <= MAX_EXACT;
    // Minus zero prints with its sign, and is zero.
    exact.then(|| format!("{}", if number == 0.0 { 0.0 } else { number }))
}

const NULL: u64 = 1;
const NUMBER: u64 = 2;
const STRING: u64 = 3;
const BOOL: u64 = 4;
const STRUCT: u64 = 5;
const LIST: u64 = 6;

fn leaf(field: Field<'_>) -> Result<Option<Leaf<'_>>, Malformed> {
    Ok(Some(match (field.number, field.content) {
        (NULL, Content::Varint(_)) => return Ok(None),
        (NUMBER, Content::Eight(bits)) => Leaf::Number(f64::from_bits(bits)),
        (STRING, Content::Bytes(text)) => Leaf::Text(text),
        (BOOL, Content::Varint(value)) => Leaf::Bool(value != 0),
        (STRUCT | LIST, Content::Bytes(_)) => Leaf::Compound,
        _ => return Err(Malformed),
    }))
}

/// The value of a map's entry; the last of several, as protobuf says. The map is field 1.
fn entry<'m>(map: &'m [u8], key: &str) -> Result<Option<&'m [u8]>, Malformed> {
    let mut found = None;
    for field in Fields(map) {
        let Field { number: 1, content: Content::Bytes(entry) } = field? else { continue };
        let named = last(entry, |field| field.number == 1)?;
        if matches!(named, Some(Field { content: Content::Bytes(name), .. }) if name == key.as_bytes()) {
            found = match last(entry, |field| field.number == 2)? {
                Some(Field { content: Content::Bytes(value), .. }) => Some(value),
                Some(_) => return Err(Malformed),
                None => Some(&[][..]),
            };
        }
    }
    Ok(found)
}

fn last<'m>(message: &'m [u8], wanted: impl Fn(&Field<'m>) -> bool) -> Result<Option<Field<'m>>, Malformed> {
    let mut found = None;
    for field in Fields(message) {
        found = Some(field?).filter(&wanted).or(found);
    }
    Ok(found)
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field<'m> {
    number: u64,
    content: Content<'m>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content<'m> {
    Varint(u64),
    Eight(u64),
    Bytes(&'m [u8]),
    Four,
}

/// The fields of a message, up to the first that is broken.
struct Fields<'m>(&'m [u8]);

impl<'m> Fields<'m> {
    fn read(&mut self) -> Option<Field<'m>> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Eight(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Content::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Content::Four
            }
            _ => return None,
        };
        Some(Field { number: tag >> 3, content })
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = Result<Field<'m>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// What Envoy 1.40 gives for the payload of a token with a claim of each kind.
    const OF_ENVOY: &[u8] = b"\n\xdd\x01\n\x1cenvoy.filters.http.jwt_authn\x12\xbc\x01\n\xb9\x01\n\x0bjwt_payload\
        \x12\xa9\x01*\xa6\x01\n\x19\n\x01o\x12\x14*\x12\n\x10\n\x01x\x12\x0b*\t\n\x07\n\x01y\x12\x02 \x00\
        \n\x1b\n\x05roles\x12\x122\x10\n\x03\x1a\x01a\n\t\x11\x00\x00\x00\x00\x00\x00\xf0?\
        \n#\n\x03iss\x12\x1c\x1a\x1ahttps://login.shop.example\n\x17\n\x06tenant\x12\r\x1a\x0btenant_acme\
        \n\r\n\x07nothing\x12\x02\x08\x00\n\x0f\n\tsuspended\x12\x02 \x01\
        \n\x0e\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00\x14@";

    fn read(metadata: &[u8], path: &[&str]) -> Result<Option<String>, Malformed> {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        Ok(find(metadata, &path)?.map(|leaf| match leaf {
            Leaf::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
            Leaf::Number(number) => number.to_string(),
            Leaf::Bool(value) => value.to_string(),
            Leaf::Compound => "compound".to_owned(),
        }))
    }

    #[test]
    fn values_have_the_types_of_their_claims() {
        for (path, expected) in [
            (&["tenant"][..], Some("\"tenant_acme\"")),
            (&["suspended"], Some("true")),
            (&["n"], Some("5")),
            (&["o", "x", "y"], Some("false")),
            (&["o"], Some("compound")),
            (&["o", "x"], Some("compound")),
            (&["roles"], Some("compound")),
            (&[], Some("compound")),
            (&["nothing"], None),
            (&["never"], None),
            (&["o", "never"], None),
            (&["tenant", "x"], None),
            (&["roles", "0"], None),
        ] {
            let path = [&["envoy.filters.http.jwt_authn", "jwt_payload"][..], path].concat();
            assert_eq!(read(OF_ENVOY, &path), Ok(expected.map(str::to_owned)), "{path:?}");
        }
        assert_eq!(read(OF_ENVOY, &["other", "jwt_payload"]), Ok(None));
        assert_eq!(read(OF_ENVOY, &[]), Ok(None));
        assert_eq!(read(b"", &["a", "b"]), Ok(None));
    }

    #[test]
    fn what_is_cut_or_of_another_shape_is_malformed_or_absent() {
        let path = ["envoy.filters.http.jwt_authn", "jwt_payload", "suspended"];
        for end in 1..OF_ENVOY.len() {
            assert_eq!(read(&OF_ENVOY[..end], &path), Err(Malformed), "{end}");
        }
        for bytes in [&b"\x0b"[..], b"\x0a\xff", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\x02\x0a\x05"] {
            assert_eq!(read(bytes, &path), Err(Malformed), "{bytes:?}");
        }
        // A value that is said to be a bool and is written as a text.
        let odd = b"\x0a\x0e\x0a\x01a\x12\x09\x0a\x07\x0a\x01b\x12\x02\x22\x00";
        assert_eq!(read(odd, &["a", "b"]), Err(Malformed));
    }

    #[test]
    fn the_last_of_two_entries_counts() {
        let one = |value: u8| [&b"\x0a\x0e\x0a\x01a\x12\x09\x0a\x07\x0a\x01b\x12\x02\x20"[..], &[value]].concat();
        let twice = [one(0), one(1)].concat();
        assert_eq!(read(&twice, &["a", "b"]), Ok(Some("true".to_owned())));
    }

    #[test]
    fn numbers_become_texts_where_they_are_exact() {
        for (number, text) in [
            (0.0, Some("0")),
            (-0.0, Some("0")),
            (5.0, Some("5")),
            (-1.5, Some("-1.5")),
            (1_700_000_000.0, Some("1700000000")),
            (MAX_EXACT, Some("9007199254740992")),
            (MAX_EXACT * 2.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(number_text(number).as_deref(), text, "{number}");
        }
    }
}
