//! Mapped headers: one header for each declared field that has one, such as `x-tenant-id`.

use super::CarrierError;
use crate::context::{Context, json};
use crate::headers::{Headers, Single};
use crate::limits::MAX_CARRIER_BYTES;
use crate::tables::{FieldTable, FieldType, Scalar};

/// Reads the mapped headers into `into`, where they replace existing fields. An empty header counts as absent.
///
/// Each header is a separate carrier. A problem is added to `problems` with the field and the error of its header, and
/// the other headers are still read.
pub(crate) fn extract(
    headers: &Headers<'_>,
    fields: &[FieldTable],
    into: &mut Context,
    problems: &mut impl FnMut(&str, CarrierError),
) {
    for field in fields {
        let Some(header) = &field.header else { continue };
        let result = match headers.single(header) {
            Single::Absent | Single::Value(b"") => continue,
            Single::Value(value) => read(field, value, into),
            Single::Repeated => Err(CarrierError::Repeated),
        };
        if let Err(error) = result {
            problems(&field.name, error);
        }
    }
}

fn read(field: &FieldTable, value: &[u8], into: &mut Context) -> Result<(), CarrierError> {
    if value.len() > MAX_CARRIER_BYTES {
        return Err(CarrierError::TooLarge);
    }
    let text = std::str::from_utf8(value).map_err(|_| CarrierError::NotText)?;
    if field.value == FieldType::One(Scalar::String) {
        into.insert_string(&field.name, text)?;
    } else {
        into.insert(&field.name, text)?;
    }
    Ok(())
}

/// Returns the value of the field's header that shows `json_text` to an application: the content of a string, the JSON
/// text of any other type.
///
/// Returns `None` if it cannot be shown: an empty string (which would read as absent), a value that is not of a field's
/// string type, a string with white space around it (which HTTP strips) or with control characters (which could end the
/// header and begin another), or more than [`MAX_CARRIER_BYTES`].
pub fn value(field: &FieldTable, json_text: &str) -> Option<Vec<u8>> {
    let shown = if field.value == FieldType::One(Scalar::String) {
        let content = json::string_content(json_text)?;
        if !fits_header(&content) {
            return None;
        }
        content.into_owned().into_bytes()
    } else if json_text.contains('\u{7f}') {
        return None;
    } else {
        // Between the tokens of JSON, a line break and a space mean the same. Tokens cannot contain a line break.
        json_text.bytes().map(|byte| byte.max(b' ')).collect()
    };
    (shown.len() <= MAX_CARRIER_BYTES).then_some(shown)
}

/// Returns whether an application sees a string exactly as rules do, in the field's header and in `baggage`, which
/// libraries trim after decoding. Other values are not shown as strings.
pub(crate) fn is_shown_as_it_is(field: &FieldTable, json_text: &str) -> bool {
    let Some(content) = json::string_content(json_text) else { return false };
    if field.header.is_some() { fits_header(&content) } else { !has_white_edges(&content) }
}

fn fits_header(content: &str) -> bool {
    // The control characters beyond ASCII are U+0080 to U+009F, which begin with the byte C2.
    let suspicious = content.bytes().any(|byte| byte.is_ascii_control() || byte == 0xC2);
    !(content.is_empty() || has_white_edges(content) || (suspicious && content.chars().any(char::is_control)))
}

/// Returns whether a string begins or ends with characters that some language trims.
fn has_white_edges(content: &str) -> bool {
    let trimmed = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    content.starts_with(trimmed) || content.ends_with(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::test_fields::field;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const STRING: FieldType = FieldType::One(Scalar::String);

    fn fields() -> Vec<FieldTable> {
        let unmapped = FieldTable { header: None, ..field("internal", STRING) };
        vec![field("feature_flags", FieldType::List(Scalar::String)), unmapped, field("tenant", STRING)]
    }

    /// Names and texts of the fields that were read, and the reported problems.
    type Read = (Vec<(String, String)>, Vec<(String, CarrierError)>);

    fn read_all(entries: &[(&str, &[u8])]) -> Read {
        let headers = Headers::new(entries.iter().map(|(name, value)| (name.as_bytes(), *value)).collect());
        let mut context = Context::new();
        let mut problems = Vec::new();
        let mut report = |field: &str, error| problems.push((field.to_owned(), error));
        extract(&headers, &fields(), &mut context, &mut report);
        (context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), problems)
    }

    #[test]
    fn reads_what_is_mapped() {
        let (context, problems) = read_all(&[
            ("x-tenant", "a \"b\" é".as_bytes()),
            ("x-internal", b"no"),
            ("x-feature-flags", b"[\"x\", \"y\"]"),
        ]);
        let expected = [("feature_flags", "[\"x\", \"y\"]"), ("tenant", "\"a \\\"b\\\" é\"")];
        assert_eq!(context, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(problems, []);
    }

    #[test]
    fn a_broken_header_is_told_and_the_others_are_read() {
        for (value, error) in [
            (b"[".as_slice(), CarrierError::NotJson),
            (b"x", CarrierError::NotJson),
            (b"\xFF", CarrierError::NotText),
            (&[b'1'; MAX_CARRIER_BYTES + 1], CarrierError::TooLarge),
        ] {
            let (context, problems) = read_all(&[("x-feature-flags", value), ("x-tenant", b"acme")]);
            assert_eq!(context, [("tenant".to_owned(), "\"acme\"".to_owned())]);
            assert_eq!(problems, [("feature_flags".to_owned(), error)]);
        }
        let (context, problems) = read_all(&[("x-tenant", b"a"), ("x-tenant", b"a")]);
        assert_eq!(context, []);
        assert_eq!(problems, [("tenant".to_owned(), CarrierError::Repeated)]);
    }

    #[test]
    fn an_empty_header_is_absent() {
        assert_eq!(read_all(&[("x-tenant", b""), ("x-feature-flags", b"")]), (vec![], vec![]));
    }

    #[test]
    fn shows_what_a_header_can_hold() {
        let any = FieldType::One(Scalar::Any);
        let long = format!("\"{}\"", "x".repeat(MAX_CARRIER_BYTES + 1));
        for (declared, text, expected) in [
            (STRING, "\"acme\"", Some("acme")),
            (STRING, "\"\\u00e9 \\\"x\\\"\"", Some("é \"x\"")),
            (STRING, "\"admin \"", None),
            (STRING, "\"\\u2003admin\"", None),
            (STRING, "\"\"", None),
            (STRING, "\"a\\r\\nx-evil: 1\"", None),
            (STRING, "\"a\\u0000\"", None),
            (STRING, "\"a\u{7f}\"", None),
            (STRING, "\"\u{85}\"", None),
            (STRING, "5", None),
            (STRING, &long, None),
            (any, "\"acme\"", Some("\"acme\"")),
            (any, "\"a\\r\\n\"", Some("\"a\\r\\n\"")),
            (any, "[1,\r\n\t2]", Some("[1,   2]")),
            (any, "\"\u{7f}\"", None),
            (any, "1.0", Some("1.0")),
        ] {
            let shown = value(&field("f", declared), text);
            assert_eq!(shown.as_deref(), expected.map(str::as_bytes), "{declared:?} {text}");
        }
    }
}
