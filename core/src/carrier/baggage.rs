//! W3C Baggage: the carrier that applications forward without knowing it.
//!
//! Only members whose key is a declared field are ours; all others are foreign and kept byte for byte. Our members
//! carry the content of a string, and the JSON text of any other type, percent-encoded. Properties after a `;` are not
//! read. See <https://www.w3.org/TR/baggage/>.
//!
//! Libraries are more tolerant than the W3C specification. They also decode keys, trim what they decoded, read a `+` as
//! a space, or ignore case. So a foreign member whose key is one of our names to any of them is an alias: it is never
//! read and always removed. A `+` in a value of ours is read as W3C specifies, and written as `%2B`, so that every
//! library reads it as a plus.

use super::CarrierError;
use crate::context::{Context, json};
use crate::limits::{MAX_BAGGAGE_BYTES, MAX_BAGGAGE_MEMBERS, MAX_CARRIER_BYTES};
use crate::percent;
use crate::sort;
use crate::tables::{BaggageKey, FieldTable, FieldType, Scalar};

/// The name of the header.
pub const NAME: &str = "baggage";

/// Older names of the header, which .NET and Jaeger still read. They are not carriers, and contain none of our members.
pub(crate) const OTHER_NAMES: [&str; 2] = ["correlation-context", "jaeger-baggage"];

/// The key of the member that carries a ticket. No field has this name, because field names have no dot.
pub const TICKET_KEY: &str = "cmesh.ticket";

/// How often a key is decoded before it is compared. Ordinary keys are never encoded twice.
const MAX_DECODINGS: usize = 4;

/// Capacity for our members of a typical header, so that it is written without reallocation.
const TYPICAL_BYTES: usize = 256;

/// Reads our members from all `baggage` headers of a request into `into`, where they replace existing fields. A member
/// that is malformed, or repeated with another value, only loses its own field. It is passed to `report` with the
/// field's name. Foreign members are not read, so they have no limit except their bytes.
///
/// # Errors
/// [`CarrierError::TooLarge`]: the headers have more bytes than the limit, or our members do not fit. `into` is then
/// unchanged.
pub(crate) fn extract<'v>(
    values: impl Iterator<Item = &'v [u8]>,
    fields: &[FieldTable],
    into: &mut Context,
    report: &mut impl FnMut(&str, CarrierError),
) -> Result<(), CarrierError> {
    let mut ours = Context::new();
    let mut broken: Vec<&str> = Vec::new();
    let mut bytes = 0_usize;
    for value in values {
        bytes = bytes.saturating_add(value.len());
        if bytes > MAX_CARRIER_BYTES {
            return Err(CarrierError::TooLarge);
        }
        for (field, value) in members(value).filter_map(|member| declared(member, fields)) {
            let name = field.name.as_str();
            if broken.contains(&name) {
                continue;
            }
            let error = match to_json(field.value, value) {
                // Several libraries in one application write every member twice.
                Ok(value) if ours.get(name).is_some_and(|known| known == value) => continue,
                Ok(_) if ours.contains(name) => CarrierError::Repeated,
                Ok(value) => {
                    ours.insert_checked(name, &value)?;
                    continue;
                }
                Err(error) => error,
            };
            ours.remove(name);
            broken.push(name);
            report(name, error);
        }
    }
    // On a copy, so that `into` stays unchanged if a limit is exceeded halfway.
    let mut merged = into.clone();
    for (name, value) in ours.iter() {
        merged.insert_checked(name, value)?;
    }
    *into = merged;
    Ok(())
}

/// The new content of a `baggage` header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// The header's value; `None` if there is nothing to show.
    pub value: Option<Vec<u8>>,
    /// Whether foreign members were left out, because they are malformed or too many.
    pub left_out: bool,
    /// Whether members were left out whose keys some libraries read as ours.
    pub alias: bool,
}

/// Returns the header that shows `context` to an application, as one line: the ticket, the declared fields that the
/// context has, then the foreign members of `existing`, byte for byte and in order. Libraries cut off what is too long,
/// and some drop the whole header because of one malformed member. So our members come first, and if there is a ticket,
/// malformed or excess members are left out.
///
/// A field is left out if its name cannot be a baggage key, or if the value would become longer than
/// [`MAX_CARRIER_BYTES`].
pub fn present<'v>(
    existing: impl Iterator<Item = &'v [u8]>,
    ticket: Option<&str>,
    context: &Context,
    fields: &[FieldTable],
) -> Presented {
    let mut out = Vec::with_capacity(if context.is_empty() { 0 } else { TYPICAL_BYTES });
    let mut count = 0_usize;
    if let Some(ticket) = ticket {
        out.extend([TICKET_KEY.as_bytes(), b"=", ticket.as_bytes()].concat());
        count = 1;
    }
    for (name, value) in context.iter() {
        let Some(field) = FieldTable::find(fields, name) else { continue };
        let before = out.len();
        if write_member(&mut out, field, value).is_none() || out.len() > MAX_CARRIER_BYTES {
            out.truncate(before);
        } else {
            count = count.saturating_add(1);
        }
    }
    let (mut left_out, mut alias) = (false, false);
    let mut lower = None;
    for member in existing.flat_map(members) {
        match owner(member, fields, lower.get_or_insert_with(|| capitals(fields))) {
            Owner::Us => continue,
            Owner::Alias => {
                alias = true;
                continue;
            }
            Owner::Foreign => {}
        }
        let room = count < MAX_BAGGAGE_MEMBERS && out.len().saturating_add(member.len()) < MAX_BAGGAGE_BYTES;
        if ticket.is_some() && !(room && is_whole(member)) {
            left_out = true;
            continue;
        }
        separate(&mut out);
        out.extend_from_slice(member);
        count = count.saturating_add(1);
    }
    Presented { value: (!out.is_empty()).then_some(out), left_out, alias }
}

/// Returns the header's value without our members and their aliases, or `None` if nothing is left.
pub fn strip<'v>(existing: impl Iterator<Item = &'v [u8]>, fields: &[FieldTable]) -> Option<Vec<u8>> {
    present(existing, None, &Context::new(), fields).value
}

/// Returns whether a member is ours, or an alias.
pub(crate) fn has_ours<'v>(lines: impl Iterator<Item = &'v [u8]>, fields: &[FieldTable]) -> bool {
    let mut lower = None;
    lines.flat_map(members).any(|member| {
        let capitals = lower.get_or_insert_with(|| capitals(fields));
        owner(member, fields, capitals) != Owner::Foreign
    })
}

/// Returns the values of all members that carry a ticket, at any position, decoded and without properties.
pub fn tickets<'v>(lines: impl Iterator<Item = &'v [u8]>) -> impl Iterator<Item = Vec<u8>> {
    lines.flat_map(members).filter(|member| is_ticket(member)).map(|member| {
        let value = member.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default();
        let mut value = decode_all(value);
        value.truncate(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
        value.trim_ascii().to_vec()
    })
}

/// Returns whether a member is a ticket to a reader that decodes, trims, or ignores case.
fn is_ticket(member: &[u8]) -> bool {
    let key = key(member);
    key.len() >= TICKET_KEY.len() && loose(key).eq_ignore_ascii_case(TICKET_KEY)
}

/// The owner of a member of `baggage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Its key is a declared field's, or the ticket's.
    Us,
    /// Its key is not ours, but some library reads it as ours.
    Alias,
    /// Its key belongs to someone else.
    Foreign,
}

/// Returns the owner of a member. `capitals` is the result of [`capitals`] for the fields.
fn owner(member: &[u8], fields: &[FieldTable], capitals: &[String]) -> Owner {
    let key = key(member);
    let plain = key.trim_ascii();
    // A field with another key, or without one, is not read under its name. No other member may use the name either.
    let known = |key| FieldTable::find(fields, key).or_else(|| FieldTable::of_baggage(fields, key)).is_some();
    if std::str::from_utf8(plain).is_ok_and(known) || is_ticket(member) {
        return Owner::Us;
    }
    // In nearly all cases there is nothing to decode or to trim. Then only the case can differ.
    let lower = if plain.iter().copied().all(is_simple) {
        String::from_utf8_lossy(plain).to_ascii_lowercase()
    } else {
        loose(key).to_ascii_lowercase()
    };
    let taken = FieldTable::find(fields, &lower).is_some() || capitals.binary_search(&lower).is_ok();
    if taken { Owner::Alias } else { Owner::Foreign }
}

/// Returns the names that have capitals, and the keys that are not names, in lower case and sorted.
fn capitals(fields: &[FieldTable]) -> Vec<String> {
    let names = fields.iter().map(|field| field.name.as_str());
    let names = names.filter(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()));
    let keys = fields.iter().filter(|field| matches!(field.baggage, BaggageKey::Key(_)));
    let keys = keys.filter_map(FieldTable::baggage_key);
    let mut lower: Vec<String> = names.chain(keys).map(str::to_ascii_lowercase).collect();
    sort::sort(&mut lower);
    lower
}

fn is_simple(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the number of members whose keys must be decoded to determine their owner. Each of them takes time.
pub(crate) fn encoded_keys<'v>(lines: impl Iterator<Item = &'v [u8]>) -> usize {
    lines.flat_map(members).filter(|member| !key(member).trim_ascii().iter().copied().all(is_simple)).count()
}

/// Returns the key of a member. A member without `=` is malformed; its key still determines its owner.
fn key(member: &[u8]) -> &[u8] {
    member.split(|byte| matches!(byte, b'=' | b';')).next().unwrap_or_default()
}

/// Returns a key as the most tolerant library reads it: decoded, with each `+` as a space, and trimmed of everything
/// that any language trims.
fn loose(key: &[u8]) -> String {
    let decoded: Vec<u8> = decode_all(key).into_iter().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    let text = String::from_utf8_lossy(&decoded);
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}').to_owned()
}

/// Decodes repeatedly, as several readers in a row do. Text that cannot be decoded is kept.
fn decode_all(encoded: &[u8]) -> Vec<u8> {
    let mut value = encoded.to_vec();
    for _ in 0..MAX_DECODINGS {
        match percent_decode(&value) {
            Ok(decoded) if decoded != value => value = decoded,
            _ => break,
        }
    }
    value
}

/// Returns whether the value `sent` is the value `shown` with its spaces written as `+`. Python's and .NET's libraries
/// forward members in this way.
pub(crate) fn came_back(sent: &str, shown: &str) -> bool {
    let same = |(sent, shown): (u8, u8)| sent == shown || (sent == b'+' && shown == b' ');
    sent.len() == shown.len() && sent.bytes().zip(shown.bytes()).all(same)
}

/// Returns whether a foreign member has a key and a value, as W3C requires. Some libraries drop the whole header
/// because of a member that does not.
fn is_whole(member: &[u8]) -> bool {
    let pair = member.split(|byte| *byte == b';').next().unwrap_or_default();
    let Some(at) = pair.iter().position(|byte| *byte == b'=') else { return false };
    let key = pair.get(..at).unwrap_or_default().trim_ascii();
    !key.is_empty() && key.iter().copied().all(is_token)
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

/// Returns the members of one header value, without surrounding white space and without empty members.
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Returns the declared field of a member and its value, still encoded.
fn declared<'f, 'v>(member: &'v [u8], fields: &'f [FieldTable]) -> Option<(&'f FieldTable, &'v [u8])> {
    let pair = member.split(|byte| *byte == b';').next()?;
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let key = std::str::from_utf8(parts.next()?.trim_ascii()).ok()?;
    let value = parts.next()?.trim_ascii();
    Some((FieldTable::of_baggage(fields, key)?, value))
}

fn to_json(declared: FieldType, encoded: &[u8]) -> Result<String, CarrierError> {
    // Octets that are not valid UTF-8 become U+FFFD, as W3C Baggage section 3.3.1.3 specifies.
    let content = String::from_utf8_lossy(&percent_decode(encoded)?).into_owned();
    if declared == FieldType::One(Scalar::String) {
        let mut text = String::with_capacity(content.len().saturating_add(2));
        json::write_string(&mut text, &content);
        return Ok(text);
    }
    json::check(&content).map_err(|_| CarrierError::NotJson)?;
    Ok(content)
}

fn percent_decode(encoded: &[u8]) -> Result<Vec<u8>, CarrierError> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        if *byte == b'%' {
            let (byte, more) = percent::escaped(more).ok_or(CarrierError::Malformed)?;
            rest = more;
            out.push(byte);
        } else {
            out.push(*byte);
        }
    }
    Ok(out)
}

/// Appends one member. Returns `None` if it cannot be written; a part of it may have been written then.
fn write_member(out: &mut Vec<u8>, field: &FieldTable, value: &str) -> Option<()> {
    let key = field.baggage_key().filter(|key| !key.is_empty() && key.bytes().all(is_token))?;
    separate(out);
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
    if field.value == FieldType::One(Scalar::String) {
        percent_encode(out, &json::string_content(value)?);
    } else {
        percent_encode(out, value);
    }
    Some(())
}

fn percent_encode(out: &mut Vec<u8>, content: &str) {
    // Runs of plain bytes are copied at once. Most values are one such run.
    let mut rest = content.as_bytes();
    while let Some((plain, special)) = rest.iter().position(|byte| !is_plain(*byte)).map(|at| rest.split_at(at)) {
        out.extend_from_slice(plain);
        let Some((byte, behind)) = special.split_first() else { break };
        out.push(b'%');
        out.extend(percent::digits(*byte));
        rest = behind;
    }
    out.extend_from_slice(rest);
}

/// Returns whether every library reads a byte in a value as itself: `baggage-octet` without `%`, and without `+`, which
/// some read as a space.
fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

/// One entry for each byte, because every byte of every value is looked up.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut rest: &mut [bool] = &mut plain;
    let mut byte = 0_u8;
    while let Some((entry, behind)) = rest.split_first_mut() {
        *entry = byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%' | b'+');
        rest = behind;
        byte = byte.wrapping_add(1);
    }
    plain
};

/// Returns whether a byte may be part of a key: `tchar` of RFC 9110.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::test_fields::field;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn fields() -> Vec<FieldTable> {
        vec![
            field("bad key", FieldType::One(Scalar::String)),
            field("flags", FieldType::List(Scalar::String)),
            field("level", FieldType::One(Scalar::Int)),
            field("tenant", FieldType::One(Scalar::String)),
        ]
    }

    fn read(values: &[&[u8]]) -> Result<Vec<(String, String)>, CarrierError> {
        let (read, broken) = read_with_problems(values)?;
        assert_eq!(broken, [], "{values:?}");
        Ok(read)
    }

    type Read = (Vec<(String, String)>, Vec<(String, CarrierError)>);

    fn read_with_problems(values: &[&[u8]]) -> Result<Read, CarrierError> {
        let (mut context, mut broken) = (Context::new(), Vec::new());
        let mut report = |field: &str, error| broken.push((field.to_owned(), error));
        extract(values.iter().copied(), &fields(), &mut context, &mut report)?;
        Ok((context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), broken))
    }

    #[test]
    fn reads_only_declared_members() {
        type Case<'a> = (&'a [&'a [u8]], &'a [(&'a str, &'a str)]);
        let cases: [Case<'_>; 9] = [
            (&[], &[]),
            (&[b""], &[]),
            (&[b"tenant=acme"], &[("tenant", "\"acme\"")]),
            (&[b"other=1, tenant = acme ;ttl=5;x , more=%ZZ"], &[("tenant", "\"acme\"")]),
            (&[b"tenant=a%20b%22%C3%A9+"], &[("tenant", "\"a b\\\"é+\"")]),
            (&[b"tenant=a=b"], &[("tenant", "\"a=b\"")]),
            (&[b"tenant="], &[("tenant", "\"\"")]),
            (&[b"level=5", b"flags=%5B%22a%22%2C%22b%22%5D"], &[("level", "5"), ("flags", "[\"a\",\"b\"]")]),
            (&[b"tenant", b"Tenant=acme", b"\xFF=1", b"x=\xFF"], &[]),
        ];
        for (values, expected) in cases {
            let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(read(values), Ok(expected.collect()), "{values:?}");
        }
    }

    #[test]
    fn a_field_may_have_another_key_than_its_name_or_none() {
        let field = |name: &str, baggage| FieldTable {
            name: name.to_owned(),
            value: FieldType::One(Scalar::String),
            baggage,
            ..FieldTable::default()
        };
        let fields = [
            field("iban", BaggageKey::Never),
            field("session", BaggageKey::Key("Session.id".to_owned())),
            field("tenant", BaggageKey::Name),
        ];
        let mut context = Context::new();
        let sent: &[u8] = b"iban=1,session=2,Session.id=3,session.ID=4,tenant=5,x=6";
        let read = extract([sent].into_iter(), &fields, &mut context, &mut |name, error| panic!("{name} {error:?}"));
        assert_eq!(read, Ok(()));
        assert_eq!(context.iter().collect::<Vec<_>>(), [("session", "\"3\""), ("tenant", "\"5\"")]);
        context.insert_string("iban", "DE1").unwrap();
        // A member that could be read as a field is removed, whoever sent it, and the field without a key is not shown.
        let shown = present([sent].into_iter(), None, &context, &fields);
        assert_eq!(shown.value.as_deref(), Some(&b"Session.id=3,tenant=5,x=6"[..]));
        assert!(shown.alias);
    }

    #[test]
    fn a_broken_member_costs_its_field_and_no_other() {
        let cases: [(&[&[u8]], &str, CarrierError); 7] = [
            (&[b"tenant=a", b"tenant=b", b"tenant=a"], "tenant", CarrierError::Repeated),
            (&[b"tenant=%,tenant=a"], "tenant", CarrierError::Malformed),
            (&[b"tenant=%4"], "tenant", CarrierError::Malformed),
            (&[b"tenant=%4g"], "tenant", CarrierError::Malformed),
            (&[b"level="], "level", CarrierError::NotJson),
            (&[b"level=%FF"], "level", CarrierError::NotJson),
            (&[b"flags=%5B"], "flags", CarrierError::NotJson),
        ];
        for (values, field, error) in cases {
            let other: (&[u8], (&str, &str)) =
                if field == "level" { (b"tenant=t", ("tenant", "\"t\"")) } else { (b"level=7", ("level", "7")) };
            let (read, broken) = read_with_problems(&[values, &[other.0]].concat()).unwrap();
            assert_eq!(broken, [(field.to_owned(), error)], "{values:?}");
            assert_eq!(read, [(other.1.0.to_owned(), other.1.1.to_owned())], "{values:?}");
        }
        let long = format!("a={}", "x".repeat(MAX_CARRIER_BYTES));
        assert_eq!(read(&[long.as_bytes()]), Err(CarrierError::TooLarge));
    }

    #[test]
    fn what_stands_twice_and_says_the_same_is_read_and_others_use_up_no_limit() {
        let tenant = |text: &str| Ok(vec![("tenant".to_owned(), format!("\"{text}\""))]);
        assert_eq!(read(&[b"tenant=a,x=1,tenant=%61", b"tenant=a;p=1"]), tenant("a"));
        for others in [64, 65, 1000] {
            let others = "a=1,".repeat(others);
            assert_eq!(read(&[others.as_bytes(), b"tenant=a"]), tenant("a"));
            assert_eq!(read(&[b"tenant=a", others.as_bytes()]), tenant("a"));
        }
        // Invalid UTF-8 is shown as such, as W3C specifies.
        assert_eq!(read(&[b"tenant=a%FFb"]), tenant("a\u{fffd}b"));
    }

    #[test]
    fn a_value_that_libraries_wrote_as_a_form_came_back_unchanged() {
        for (shown, sent, expected) in [
            ("Jane Doe", "Jane+Doe", true),
            ("Jane Doe", "Jane Doe", true),
            ("+49 30 1", "+49+30+1", true),
            ("+49 30 1", " 49 30 1", false),
            ("a+b", "a b", false),
            ("a b", "a+c", false),
            ("a b", "a+b ", false),
            ("[\"a b\", \"c\"]", "[\"a+b\",+\"c\"]", true),
        ] {
            assert_eq!(came_back(sent, shown), expected, "{shown} {sent}");
        }
    }

    #[test]
    fn an_error_leaves_the_context_alone() {
        let mut context = Context::new();
        context.insert("tenant", "\"old\"").unwrap();
        let before = context.clone();
        let long = format!("tenant=new,a={}", "x".repeat(MAX_CARRIER_BYTES));
        let result = extract([long.as_bytes()].into_iter(), &fields(), &mut context, &mut |_, _| {});
        assert_eq!(result, Err(CarrierError::TooLarge));
        assert_eq!(context, before);
        extract([&b"tenant=new"[..]].into_iter(), &fields(), &mut context, &mut |_, _| {}).unwrap();
        assert_eq!(context.get("tenant"), Some("\"new\""));
    }

    #[test]
    fn presents_our_fields_before_the_foreign_ones() {
        let mut context = Context::new();
        context.insert("tenant", "\"a, b;\\u00e9%\\\\\"").unwrap();
        context.insert("undeclared", "1").unwrap();
        context.insert("flags", "[\"x\"]").unwrap();
        context.insert("bad key", "\"v\"").unwrap();
        context.insert("level", "7").unwrap();
        let ours = "tenant=a%2C%20b%3B%C3%A9%25%5C,flags=[%22x%22],level=7";
        let cases: [(&[&[u8]], Vec<u8>); 3] = [
            (&[], ours.into()),
            (&[b" k = v;p=1 ,tenant=old;p, x=%zz\xFF", b",level", b"last"], {
                [ours.as_bytes(), b",k = v;p=1,x=%zz\xFF,last"].concat()
            }),
            (&[b"tenant=old"], ours.into()),
        ];
        for (existing, expected) in cases {
            let presented = present(existing.iter().copied(), None, &context, &fields());
            assert_eq!(presented.value, Some(expected), "{existing:?}");
        }
        assert_eq!(present([&b"tenant=old"[..]].into_iter(), None, &Context::new(), &fields()).value, None);
    }

    #[test]
    fn keys_that_some_library_takes_for_ours_are_aliases() {
        for (member, expected) in [
            ("tenant=a", Owner::Us),
            ("tenant", Owner::Us),
            (" tenant ;p", Owner::Us),
            ("cmesh.ticket=1", Owner::Us),
            ("cmesh%2eticket=1", Owner::Us),
            ("+cmesh.ticket=1", Owner::Us),
            ("%74enant=a", Owner::Alias),
            ("%2574enant=a", Owner::Alias),
            ("tena%6Et;p=1", Owner::Alias),
            ("TENANT=a", Owner::Alias),
            ("Tenant", Owner::Alias),
            ("+tenant=a", Owner::Alias),
            ("%2Btenant=a", Owner::Alias),
            ("tenant%20=a", Owner::Alias),
            ("tenant%0a=a", Owner::Alias),
            ("%C2%A0tenant=a", Owner::Alias),
            ("tenant%00=a", Owner::Alias),
            ("bad+key=a", Owner::Alias),
            ("tenants=a", Owner::Foreign),
            ("tenant.id=a", Owner::Foreign),
            ("x%3Dtenant=a", Owner::Foreign),
            ("%zztenant=a", Owner::Foreign),
            ("k=tenant", Owner::Foreign),
        ] {
            assert_eq!(owner(member.as_bytes(), &fields(), &[]), expected, "{member}");
        }
        let camel = [field("tenantId", FieldType::One(Scalar::String))];
        assert_eq!(owner(b"tenantid=a", &camel, &capitals(&camel)), Owner::Alias);
    }

    #[test]
    fn aliases_are_neither_read_nor_passed_on() {
        let line = &b"%74enant=evil,k=v,TENANT=evil,tenant=a"[..];
        assert_eq!(read(&[line]), Ok(vec![("tenant".to_owned(), "\"a\"".to_owned())]));
        let mut context = Context::new();
        context.insert_string("tenant", "a+b").unwrap();
        let presented = present([line].into_iter(), None, &context, &fields());
        assert_eq!(presented.value, Some(b"tenant=a%2Bb,k=v".to_vec()));
        assert!(presented.alias && !presented.left_out);
        assert_eq!(strip([line].into_iter(), &fields()), Some(b"k=v".to_vec()));
    }

    #[test]
    fn strips_ours_and_nothing_else() {
        let strip = |values: &[&[u8]]| strip(values.iter().copied(), &fields());
        assert_eq!(strip(&[b"tenant=a, k=v;p , level=1", b"flags=[]"]), Some(b"k=v;p".to_vec()));
        assert_eq!(strip(&[b"tenant=a"]), None);
        assert_eq!(strip(&[]), None);
        assert_eq!(strip(&[b"k=v"]), Some(b"k=v".to_vec()));
    }

    #[test]
    fn a_field_that_makes_it_too_long_is_left_out() {
        let mut context = Context::new();
        context.insert_string("tenant", &"\"".repeat(MAX_CARRIER_BYTES / 2 - 100)).unwrap();
        context.insert("level", "7").unwrap();
        assert_eq!(present(std::iter::empty(), None, &context, &fields()).value, Some(b"level=7".to_vec()));
    }

    #[test]
    fn the_ticket_stands_first_and_once() {
        let mut context = Context::new();
        context.insert_string("tenant", "a").unwrap();
        for (existing, foreign) in [
            (vec![], ""),
            (vec!["k=v"], ",k=v"),
            (vec!["cmesh.ticket=1,k=v", "cmesh.ticket=2"], ",k=v"),
            (
                vec![
                    "cmesh%2Eticket=1",
                    "%63mesh.ticket=2;p=1",
                    "cmesh%252eticket=3",
                    "CMESH.Ticket = 4",
                    "cmesh.ticket",
                ],
                "",
            ),
            (vec!["xcmesh.ticket=1,cmesh.tickets=2"], ",xcmesh.ticket=1,cmesh.tickets=2"),
        ] {
            let presented = present(existing.iter().map(|line| line.as_bytes()), Some("t"), &context, &fields());
            let text = String::from_utf8(presented.value.unwrap()).unwrap();
            assert_eq!(text, format!("cmesh.ticket=t,tenant=a{foreign}"), "{existing:?}");
            assert!(!presented.left_out);
        }
    }

    #[test]
    fn foreign_members_that_are_broken_or_too_many_are_left_out() {
        let shown = |existing: &str| {
            let presented = present([existing.as_bytes()].into_iter(), Some("t"), &Context::new(), &fields());
            (String::from_utf8(presented.value.unwrap()).unwrap(), presented.left_out)
        };
        for broken in ["x", "=v", " =v", "a b=c", "x;p=1", "\u{e9}=1"] {
            assert_eq!(shown(&format!("{broken},k=a b;p")), ("cmesh.ticket=t,k=a b;p".to_owned(), true), "{broken}");
        }
        let many: Vec<String> = (0..64).map(|number| format!("k{number}=v")).collect();
        let (text, left_out) = shown(&many.join(","));
        assert!(text.ends_with(",k62=v") && left_out, "{text}");
        let (text, left_out) = shown(&format!("k={},l=1", "v".repeat(8192)));
        assert_eq!((text.as_str(), left_out), ("cmesh.ticket=t,l=1", true));
    }

    #[test]
    fn tickets_are_found_wherever_they_stand() {
        let found = |values: &[&str]| -> Vec<String> {
            let found = tickets(values.iter().map(|value| value.as_bytes()));
            found.map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
        };
        assert_eq!(found(&["k=v,cmesh.ticket=1", "cmesh%2eticket = %32%2E;p=1,cmesh.ticket=3%3Bp"]), ["1", "2.", "3"]);
        assert_eq!(found(&["k=cmesh.ticket=1", "cmesh=2"]), [""; 0]);
    }

    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    mod properties {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn what_is_presented_reads_back(tenant: String, flags in proptest::collection::vec(any::<String>(), 0..4)) {
                let mut context = Context::new();
                context.insert_string("tenant", &tenant).unwrap();
                let list = flags.iter().map(|flag| {
                    let mut text = String::new();
                    json::write_string(&mut text, flag);
                    text
                });
                context.insert("flags", &format!("[{}]", list.collect::<Vec<_>>().join(", "))).unwrap();
                let value = present([&b"k=v"[..]].into_iter(), None, &context, &fields()).value.unwrap();
                prop_assert!(value.iter().all(u8::is_ascii_graphic));
                let mut read = Context::new();
                extract([value.as_slice()].into_iter(), &fields(), &mut read, &mut |_, _| {}).unwrap();
                prop_assert_eq!(read, context);
                prop_assert_eq!(strip([value.as_slice()].into_iter(), &fields()), Some(b"k=v".to_vec()));
            }

            #[test]
            fn no_bytes_panic(value in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b','), Just(b'=')], 0..60)) {
                let value = [b"tenant=".as_slice(), &value].concat();
                let mut context = Context::new();
                let _ = extract([value.as_slice()].into_iter(), &fields(), &mut context, &mut |_, _| {});
                let _ = present([value.as_slice()].into_iter(), Some("t"), &context, &fields());
            }
        }
    }
}
