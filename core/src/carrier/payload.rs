//! The fields of a context as compact bytes, for [`super::mesh_header`] and for the memory.
//!
//! ```text
//! payload  extensions (see `extension`), then the fields; version 1 of the header has no extensions
//! fields   count, then each field
//! field    name, value
//! name     n: even is the word with the number n/2; odd is a text of n/2 bytes, which follow
//! value    n: the form is n % 8 and its argument n / 8
//!          0 constant   0 null, 1 false, 2 true
//!          1 word       a string: the word with this number
//!          2 string     a string without escapes; the argument is the number of its bytes, which follow
//!          3 integer    zigzag
//!          4 list       the argument is the number of values, which follow; each of the forms 0 to 3
//!          5 text       JSON text; the argument is the number of its bytes, which follow
//! ```
//!
//! Numbers are LEB128. The writer takes the first form that reproduces the value's text byte for byte; form 5 always
//! does. A field with a number that is not known here is forwarded unchanged: only this field cannot be read.

use super::wire::{Reader, from_size, to_size, write_varint};
use super::words::{Words, Writer};
use super::{CarrierError, extension, insert_new};
use crate::context::carried::{CarriedField, CarriedName};
use crate::context::{Context, json};
use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_FIELD_NAME_BYTES, MAX_WORD_BYTES};

const CONSTANT: u64 = 0;
const WORD: u64 = 1;
const STRING: u64 = 2;
const INTEGER: u64 = 3;
const LIST: u64 = 4;
const TEXT: u64 = 5;

/// The texts of the constants. Their positions are their numbers.
const CONSTANTS: [&str; 3] = ["null", "false", "true"];

/// Appends the payload of `context`. Without a writer all words are written as text.
pub(crate) fn write(out: &mut Vec<u8>, context: &Context, words: Option<Writer<'_>>) {
    extension::write(out, context.carried());
    write_fields(out, context, words);
}

/// Appends the fields of `context`, including those that could not be read here.
pub(super) fn write_fields(out: &mut Vec<u8>, context: &Context, words: Option<Writer<'_>>) {
    let carried = &context.carried().fields;
    write_varint(out, from_size(context.len().saturating_add(carried.len())));
    for (name, value) in context.iter() {
        write_name(out, name, words);
        write_value(out, value, words);
    }
    for field in carried {
        match &field.name {
            CarriedName::Text(name) => write_name(out, name, words),
            CarriedName::Number(number) => write_varint(out, number << 1),
        }
        out.extend_from_slice(&field.value);
    }
}

fn write_name(out: &mut Vec<u8>, name: &str, words: Option<Writer<'_>>) {
    match words.and_then(|words| words.number(name)) {
        Some(number) => write_varint(out, number << 1),
        None => {
            write_varint(out, from_size(name.len()) << 1 | 1);
            out.extend_from_slice(name.as_bytes());
        }
    }
}

fn write_value(out: &mut Vec<u8>, text: &str, words: Option<Writer<'_>>) {
    let start = out.len();
    if write_scalar(out, text, words).is_some() {
        return;
    }
    if write_list(out, text, words).is_none() {
        out.truncate(start);
        write_head(out, TEXT, from_size(text.len()));
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes the form and its argument. The argument is below 2^61.
fn write_head(out: &mut Vec<u8>, form: u64, argument: u64) {
    write_varint(out, argument << 3 | form);
}

/// Writes a value that forms 0 to 3 can represent. Otherwise writes nothing and returns `None`.
fn write_scalar(out: &mut Vec<u8>, text: &str, words: Option<Writer<'_>>) -> Option<()> {
    match json::kind(text) {
        json::JsonKind::Null | json::JsonKind::Bool => {
            let number = CONSTANTS.iter().position(|constant| *constant == text)?;
            write_head(out, CONSTANT, from_size(number));
        }
        json::JsonKind::String => {
            let content = text.strip_prefix('"')?.strip_suffix('"')?;
            if content.contains('\\') {
                return None;
            }
            match words.and_then(|words| words.number(content)) {
                Some(number) => write_head(out, WORD, number),
                None => {
                    write_head(out, STRING, from_size(content.len()));
                    out.extend_from_slice(content.as_bytes());
                }
            }
        }
        json::JsonKind::Number => {
            // Of all integers in JSON, only this one has a second form.
            let value = json::as_i64(text).filter(|_| text != "-0")?;
            let zigzag = (value << 1 ^ value >> 63).cast_unsigned();
            if zigzag.leading_zeros() < 3 {
                return None;
            }
            write_head(out, INTEGER, zigzag);
        }
        json::JsonKind::Array | json::JsonKind::Object => return None,
    }
    Some(())
}

/// Writes an array that has no whitespace between its elements and only elements of forms 0 to 3. Otherwise returns
/// `None`; a part of it may have been written then.
fn write_list(out: &mut Vec<u8>, text: &str, words: Option<Writer<'_>>) -> Option<()> {
    if json::kind(text) != json::JsonKind::Array {
        return None;
    }
    let (count, length) = json::elements(text).fold((0_usize, 0_usize), |(count, length), element| {
        (count.saturating_add(1), length.saturating_add(element.len()))
    });
    // Two brackets, and a comma between every two elements.
    let compact = length.saturating_add(count.saturating_sub(1)).saturating_add(2);
    if compact != text.len() {
        return None;
    }
    write_head(out, LIST, from_size(count));
    json::elements(text).try_for_each(|element| write_scalar(out, element, words))
}

/// The source of the numbers of a payload.
#[derive(Clone, Copy)]
pub(super) enum Numbers<'w> {
    /// Lasting numbers: one that is not listed may belong to a newer artifact.
    Lasting(Option<&'w Words>),
    /// The numbers of a dictionary of version 1, from 0: all are known, or the header is malformed.
    Listed(&'w [String]),
}

impl<'w> Numbers<'w> {
    fn word(self, number: u64) -> Result<Option<&'w str>, CarrierError> {
        match self {
            Self::Lasting(words) => Ok(words.and_then(|words| words.word(number))),
            Self::Listed(words) => {
                let word = usize::try_from(number).ok().and_then(|number| words.get(number));
                word.map(|word| Some(word.as_str())).ok_or(CarrierError::Malformed)
            }
        }
    }
}

/// Reads a payload to the end of the bytes.
pub(crate) fn read(bytes: &[u8], words: Option<&Words>) -> Result<Context, CarrierError> {
    let mut reader = Reader::new(bytes);
    let mut context = Context::new();
    extension::read(&mut reader, &mut context)?;
    read_fields(reader.rest(), Numbers::Lasting(words), context)
}

/// Reads fields to the end of the bytes, into a context without fields.
pub(super) fn read_fields(bytes: &[u8], numbers: Numbers<'_>, start: Context) -> Result<Context, CarrierError> {
    let mut reader = Reader::new(bytes);
    let count = reader.size()?;
    if count > MAX_CONTEXT_FIELDS {
        return Err(CarrierError::TooManyFields);
    }
    // Names and short values are mostly words: numbers here, and text in the context.
    let mut context = Context::with_capacity(count, bytes.len().saturating_mul(3).min(MAX_CONTEXT_BYTES));
    context.set_carried(start.into_carried());
    let mut value = String::with_capacity(64);
    // The fields, by their indices in the context, whose names were numbers.
    let mut numbered: u128 = 0;
    for _ in 0..count {
        let name = read_name(&mut reader, numbers)?;
        let before = reader.rest();
        value.clear();
        let unknown = read_value(&mut reader, numbers, &mut value)?;
        let text = match &name {
            Name::Text(text) | Name::Word(text) => *text,
            Name::Unknown(_) => "",
        };
        if unknown > 0 || matches!(name, Name::Unknown(_)) {
            let raw = before.get(..before.len().saturating_sub(reader.rest().len())).unwrap_or_default();
            carry(&mut context, &name, raw, value.len().saturating_add(unknown.saturating_mul(MAX_WORD_BYTES)))?;
            continue;
        }
        let place = context.place(text).or_else(|| context.is_unread(text).then_some(usize::MAX));
        match (place, &name) {
            (None, _) => {}
            // Only one of the two can be a number: a hop that did not know it forwarded the number, and an application
            // sent the name. The number is the mesh's own.
            (Some(place), Name::Text(_)) if bit(place) & numbered != 0 => continue,
            (Some(place), Name::Word(_)) if place != usize::MAX && bit(place) & numbered == 0 => {
                context.remove(text);
                numbered = without(numbered, place);
            }
            (Some(_), _) => return Err(CarrierError::Repeated),
        }
        if matches!(name, Name::Word(_)) {
            numbered |= bit(context.len());
        }
        insert_new(&mut context, text, &value)?;
    }
    reader.finish()?;
    Ok(context)
}

/// Returns the bit of an index among at most [`MAX_CONTEXT_FIELDS`] fields.
fn bit(place: usize) -> u128 {
    u32::try_from(place).ok().and_then(|place| 1_u128.checked_shl(place)).unwrap_or(0)
}

/// Returns the bits after the field at this index was removed: those after it move down by one.
fn without(bits: u128, place: usize) -> u128 {
    let below = bit(place).wrapping_sub(1);
    bits & below | bits >> 1 & !below
}

/// Adds a field that cannot be read here. `text_bytes` is the largest size of its value as text.
fn carry(context: &mut Context, name: &Name<'_>, value: &[u8], text_bytes: usize) -> Result<(), CarrierError> {
    let (name, name_bytes) = match *name {
        Name::Unknown(number) => (CarriedName::Number(number), MAX_FIELD_NAME_BYTES),
        Name::Text(text) | Name::Word(text) => {
            if text.is_empty() || text.len() > MAX_FIELD_NAME_BYTES {
                return Err(CarrierError::FieldName);
            }
            if context.contains(text) {
                return Err(CarrierError::Repeated);
            }
            (CarriedName::Text(text.to_owned()), text.len())
        }
    };
    if context.carried().fields.iter().any(|field| field.name == name) {
        return Err(CarrierError::Repeated);
    }
    let most_bytes = text_bytes.saturating_add(name_bytes);
    Ok(context.carry_field(CarriedField { name, value: value.to_owned(), most_bytes })?)
}

/// The name of a field, as it is written.
enum Name<'a> {
    Text(&'a str),
    Word(&'a str),
    Unknown(u64),
}

fn read_name<'a>(reader: &mut Reader<'a>, numbers: Numbers<'a>) -> Result<Name<'a>, CarrierError> {
    let head = reader.varint()?;
    if head & 1 == 1 {
        return Ok(Name::Text(reader.text(to_size(head >> 1))?));
    }
    Ok(numbers.word(head >> 1)?.map_or(Name::Unknown(head >> 1), Name::Word))
}

/// Reads a value. Returns the number of its words that are not known here. If there are any, `out` is not the value's
/// text.
fn read_value(reader: &mut Reader<'_>, numbers: Numbers<'_>, out: &mut String) -> Result<usize, CarrierError> {
    let (form, argument) = read_head(reader)?;
    match form {
        LIST => {
            let mut unknown = 0_usize;
            out.push('[');
            for index in 0..argument {
                if index > 0 {
                    out.push(',');
                }
                let (form, argument) = read_head(reader)?;
                unknown = unknown.saturating_add(usize::from(!read_scalar(reader, numbers, form, argument, out)?));
                // A word takes one byte here and many as text, so the sum is checked while it grows.
                if out.len() > MAX_CONTEXT_BYTES {
                    return Err(CarrierError::TooLarge);
                }
            }
            out.push(']');
            Ok(unknown)
        }
        TEXT => {
            let text = reader.text(to_size(argument))?;
            json::check(text).map_err(|_| CarrierError::NotJson)?;
            out.push_str(text);
            Ok(0)
        }
        _ => Ok(usize::from(!read_scalar(reader, numbers, form, argument, out)?)),
    }
}

fn read_head(reader: &mut Reader<'_>) -> Result<(u64, u64), CarrierError> {
    let head = reader.varint()?;
    Ok((head & 7, head >> 3))
}

/// Reads a value that is not a list. Returns whether it is known here.
fn read_scalar(
    reader: &mut Reader<'_>,
    numbers: Numbers<'_>,
    form: u64,
    argument: u64,
    out: &mut String,
) -> Result<bool, CarrierError> {
    match form {
        CONSTANT => {
            let constant = CONSTANTS.get(to_size(argument));
            out.push_str(constant.ok_or(CarrierError::Malformed)?);
        }
        WORD => match numbers.word(argument)? {
            Some(word) => json::write_string(out, word),
            None => return Ok(false),
        },
        STRING => {
            let content = reader.text(to_size(argument))?;
            if content.as_bytes().iter().any(|byte| json::needs_escape(*byte)) {
                return Err(CarrierError::Malformed);
            }
            out.push('"');
            out.push_str(content);
            out.push('"');
        }
        INTEGER => {
            let value = (argument >> 1).cast_signed() ^ (argument & 1).cast_signed().wrapping_neg();
            out.push_str(&value.to_string());
        }
        _ => return Err(CarrierError::Malformed),
    }
    Ok(true)
}
