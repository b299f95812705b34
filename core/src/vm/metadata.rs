//! Dynamic metadata of the proxy, such as the payload of a verified token.
//!
//! For a single value, the proxy returns bytes without their type: one byte for a bool, eight for a number, its own
//! layout for lists and objects. `true` would read as the text U+0001. For all metadata, it returns the protobuf
//! `envoy.config.core.v3.Metadata`, in which every value has a type:
//!
//! ```text
//! Metadata { map<string, Struct> filter_metadata = 1; }    Struct { map<string, Value> fields = 1; }
//! Value { null = 1; double number = 2; string = 3; bool = 4; Struct = 5; list = 6; }
//! ```

use std::collections::BTreeSet;

use crate::context::json;
use crate::limits::MAX_VALUE_DEPTH;

/// The largest integer up to which every integer is exact as a double. Larger ones have been rounded by the proxy.
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

/// The bytes are not metadata of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Returns the value at `path` (name space, then keys), or `None` if there is none, or if it is null.
pub(super) fn find<'m>(metadata: &'m [u8], path: &[String]) -> Result<Option<Leaf<'m>>, Malformed> {
    match value(metadata, path)? {
        None => Ok(None),
        Some(field) => leaf(field),
    }
}

/// Returns the value at `path` as JSON text, or `None` if there is none, or if it is null.
///
/// # Errors
/// The bytes are not metadata of a proxy, are nested deeper than [`MAX_VALUE_DEPTH`], or contain a number that the
/// proxy rounded.
pub(super) fn json(metadata: &[u8], path: &[String]) -> Result<Option<String>, Malformed> {
    let Some(field) = value(metadata, path)? else { return Ok(None) };
    if field.number == NULL {
        return Ok(None);
    }
    let mut out = String::new();
    write_json(field, MAX_VALUE_DEPTH, &mut out)?;
    Ok(Some(out))
}

/// Returns the strings at `path`: of a string the string itself, of a list its strings. A line break is in front of and
/// behind each, and the lines of a list are within lines of brackets: `"\na\n"`, `"[\na\nb\n]"`. Anything else has no
/// strings, and is empty.
///
/// # Errors
/// The bytes are not metadata of a proxy, or a string is not UTF-8 or has a line break.
pub(super) fn strings(metadata: &[u8], path: &[String]) -> Result<String, Malformed> {
    let mut out = String::new();
    match value(metadata, path)? {
        Some(Field { number: STRING, content: Content::Bytes(text) }) => {
            out.push('\n');
            write_line(text, &mut out)?;
        }
        Some(Field { number: LIST, content: Content::Bytes(list) }) => {
            out.push_str("[\n");
            for element in Fields(list) {
                let Field { number: 1, content: Content::Bytes(element) } = element? else { continue };
                if let Some(Field { number: STRING, content: Content::Bytes(text) }) = last(element, |_| true)? {
                    write_line(text, &mut out)?;
                }
            }
            out.push(']');
        }
        _ => {}
    }
    Ok(out)
}

fn write_line(text: &[u8], out: &mut String) -> Result<(), Malformed> {
    let text = core::str::from_utf8(text).ok().filter(|text| !text.contains('\n')).ok_or(Malformed)?;
    out.push_str(text);
    out.push('\n');
    Ok(())
}

/// Returns the value at `path`, as the field of a `Value`.
fn value<'m>(metadata: &'m [u8], path: &[String]) -> Result<Option<Field<'m>>, Malformed> {
    let Some((space, keys)) = path.split_first() else { return Ok(None) };
    let Some(object) = entry(metadata, space)? else { return Ok(None) };
    let mut found = Field { number: STRUCT, content: Content::Bytes(object) };
    for key in keys {
        let Field { number: STRUCT, content: Content::Bytes(object) } = found else { return Ok(None) };
        let Some(value) = entry(object, key)? else { return Ok(None) };
        let Some(field) = last(value, |_| true)? else { return Ok(None) };
        found = field;
    }
    Ok(Some(found))
}

fn write_json(field: Field<'_>, depth: usize, out: &mut String) -> Result<(), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed)?;
    match (field.number, field.content) {
        (STRUCT, Content::Bytes(object)) => {
            let mut names = BTreeSet::new();
            out.push('{');
            for entry in Fields(object) {
                let Field { number: 1, content: Content::Bytes(entry) } = entry? else { continue };
                let Some(Field { content: Content::Bytes(name), .. }) = last(entry, |field| field.number == 1)? else {
                    return Err(Malformed);
                };
                // A repeated name is ambiguous.
                if !names.insert(name) {
                    return Err(Malformed);
                }
                separate(names.len(), out);
                json::write_string(out, core::str::from_utf8(name).map_err(|_| Malformed)?);
                out.push(':');
                match last(entry, |field| field.number == 2)? {
                    Some(Field { content: Content::Bytes(value), .. }) => write_value(value, depth, out)?,
                    _ => return Err(Malformed),
                }
            }
            out.push('}');
        }
        (LIST, Content::Bytes(list)) => {
            let mut count = 0_usize;
            out.push('[');
            for element in Fields(list) {
                let Field { number: 1, content: Content::Bytes(element) } = element? else { continue };
                count = count.saturating_add(1);
                separate(count, out);
                write_value(element, depth, out)?;
            }
            out.push(']');
        }
        _ => match leaf(field)? {
            None => out.push_str("null"),
            Some(Leaf::Text(text)) => json::write_string(out, core::str::from_utf8(text).map_err(|_| Malformed)?),
            Some(Leaf::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
            Some(Leaf::Number(number)) => out.push_str(&number_text(number).ok_or(Malformed)?),
            Some(Leaf::Compound) => return Err(Malformed),
        },
    }
    Ok(())
}

fn write_value(value: &[u8], depth: usize, out: &mut String) -> Result<(), Malformed> {
    match last(value, |_| true)? {
        Some(field) => write_json(field, depth, out),
        None => {
            out.push_str("null");
            Ok(())
        }
    }
}

/// Writes a comma between the items of a list or an object.
fn separate(number: usize, out: &mut String) {
    if number > 1 {
        out.push(',');
    }
}

/// Returns a number as text: an integer without point and exponent, any other number with its digits. Returns `None`
/// for an integer that is so large that it may differ from the one that was sent.
pub fn number_text(number: f64) -> Option<String> {
    let exact = number.is_finite() && number.abs() <= MAX_EXACT;
    // Minus zero is written with its sign, but equals zero.
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

/// Returns the value of a map's entry; the last of several, as protobuf specifies. The map is field 1.
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

/// The fields of a message, up to the first malformed one.
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

    /// The metadata of Envoy 1.40 for the payload of a token with a claim of each kind.
    const OF_ENVOY: &[u8] = b"\n\xdd\x01\n\x1cenvoy.filters.http.jwt_authn\x12\xbc\x01\n\xb9\x01\n\x0bjwt_payload\
        \x12\xa9\x01*\xa6\x01\n\x19\n\x01o\x12\x14*\x12\n\x10\n\x01x\x12\x0b*\t\n\x07\n\x01y\x12\x02 \x00\
        \n\x1b\n\x05roles\x12\x122\x10\n\x03\x1a\x01a\n\t\x11\x00\x00\x00\x00\x00\x00\xf0?\
        \n#\n\x03iss\x12\x1c\x1a\x1ahttps://login.shop.example\n\x17\n\x06tenant\x12\r\x1a\x0btenant_acme\
        \n\r\n\x07nothing\x12\x02\x08\x00\n\x0f\n\tsuspended\x12\x02 \x01\
        \n\x0e\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00\x14@";

    #[test]
    fn a_value_is_read_as_json() {
        let of = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            super::json(OF_ENVOY, &path)
        };
        let payload = |claim| of(&["envoy.filters.http.jwt_authn", "jwt_payload", claim]);
        assert_eq!(payload("tenant"), Ok(Some(r#""tenant_acme""#.to_owned())));
        assert_eq!(payload("suspended"), Ok(Some("true".to_owned())));
        assert_eq!(payload("n"), Ok(Some("5".to_owned())));
        assert_eq!(payload("roles"), Ok(Some(r#"["a",1]"#.to_owned())));
        assert_eq!(payload("o"), Ok(Some(r#"{"x":{"y":false}}"#.to_owned())));
        assert_eq!(payload("nothing"), Ok(None));
        assert_eq!(payload("other"), Ok(None));
        let whole = of(&["envoy.filters.http.jwt_authn"]).unwrap().unwrap();
        assert_eq!(crate::context::json::check(&whole), Ok(()));
        assert_eq!(of(&["other"]), Ok(None));
        assert_eq!(of(&[]), Ok(None));
    }

    #[test]
    fn strings_are_lines() {
        let of = |claim: &str| {
            let path = ["envoy.filters.http.jwt_authn", "jwt_payload", claim].map(str::to_owned);
            super::strings(OF_ENVOY, &path)
        };
        for (claim, expected) in [
            ("tenant", "\ntenant_acme\n"),
            ("roles", "[\na\n]"),
            ("suspended", ""),
            ("n", ""),
            ("o", ""),
            ("nothing", ""),
            ("other", ""),
        ] {
            assert_eq!(of(claim).as_deref(), Ok(expected), "{claim}");
        }
        let path = ["f", "c"].map(str::to_owned);
        let of = |value: &[u8]| super::strings(&metadata(value), &path);
        let list = message(6, &[message(1, &message(3, b"a")), message(1, &message(3, b""))].concat());
        assert_eq!(of(&list).as_deref(), Ok("[\na\n\n]"));
        assert_eq!(of(&message(6, &[])).as_deref(), Ok("[\n]"));
        assert_eq!(of(&message(3, b"")).as_deref(), Ok("\n\n"));
        for wrong in [message(3, b"a\nb"), message(3, b"\xff"), message(6, &message(1, &message(3, b"a\nb")))] {
            assert_eq!(of(&wrong), Err(Malformed));
        }
    }

    /// Returns a message with one field of bytes.
    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 128);
        [&[number << 3 | 2, length][..], content].concat()
    }

    /// Returns metadata with one value.
    fn metadata(value: &[u8]) -> Vec<u8> {
        let entry = |name: &str, value: &[u8]| message(1, &[message(1, name.as_bytes()), message(2, value)].concat());
        entry("f", &entry("c", value))
    }

    #[test]
    fn a_value_is_not_read_as_json_beyond_its_limits() {
        let entry = |name: &str, value: &[u8]| message(1, &[message(1, name.as_bytes()), message(2, value)].concat());
        let nested = |levels: usize| (1..levels).fold(message(6, &[]), |inner, _| message(6, &message(1, &inner)));
        let path = ["f".to_owned(), "c".to_owned()];
        assert_eq!(super::json(&metadata(&nested(3)), &path), Ok(Some("[[[]]]".to_owned())));
        let twice = message(5, &[entry("a", &[0x20, 1]), entry("a", &[0x20, 0])].concat());
        let rounded = [&[0x11][..], &1e300_f64.to_le_bytes()].concat();
        for (what, value) in [
            ("a name twice", twice),
            ("a number that the proxy rounded", rounded),
            ("no UTF-8", message(3, &[0xff])),
            ("a broken value", vec![0x0f]),
        ] {
            assert_eq!(super::json(&metadata(&value), &path), Err(Malformed), "{what}");
        }
        let mut deep = message(6, &[]);
        for _ in 0..MAX_VALUE_DEPTH {
            let length = deep.len();
            let varint = |length: usize| vec![(length & 0x7f | 0x80) as u8, (length >> 7) as u8];
            let one = [vec![0x0a], varint(length), deep].concat();
            deep = [vec![0x32], varint(one.len()), one].concat();
        }
        let mut out = String::new();
        let field = last(&deep, |_| true).unwrap().unwrap();
        assert_eq!(write_json(field, MAX_VALUE_DEPTH, &mut out), Err(Malformed));
        assert_eq!(write_json(field, MAX_VALUE_DEPTH + 1, &mut String::new()), Ok(()));
    }

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
        // A value that is tagged as a bool and encoded as a text.
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
