//! The fields of a context as compact bytes, for [`super::mesh_header`] and for the memory.
//!
//! ```text
//! payload  count, then each field
//! field    name, value
//! name     n: even is word n/2 of the dictionary; odd is a text of n/2 bytes, which follow
//! value    n: the form is n % 8 and its argument n / 8
//!          0 constant   0 null, 1 false, 2 true
//!          1 word       a string: this word of the dictionary
//!          2 string     a string without escapes of so many bytes, which follow
//!          3 integer    zigzag
//!          4 list       so many values, which follow; each of the forms 0 to 3
//!          5 text       JSON text of so many bytes, which follow
//! ```
//!
//! Numbers are LEB128. The writer takes the first form that gives the value's text back byte for byte; form 5
//! always does.

use super::dictionary::Dictionary;
use super::wire::{Reader, from_size, to_size, write_varint};
use super::{CarrierError, insert_new};
use crate::context::{Context, json};
use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS};

const CONSTANT: u64 = 0;
const WORD: u64 = 1;
const STRING: u64 = 2;
const INTEGER: u64 = 3;
const LIST: u64 = 4;
const TEXT: u64 = 5;

/// The texts of the constants; their place is their number.
const CONSTANTS: [&str; 3] = ["null", "false", "true"];

/// Appends the payload of `context`.
pub(crate) fn write(out: &mut Vec<u8>, context: &Context, dictionary: Option<&Dictionary>) {
    write_varint(out, from_size(context.len()));
    for (name, value) in context.iter() {
        write_name(out, name, dictionary);
        write_value(out, value, dictionary);
    }
}

fn write_name(out: &mut Vec<u8>, name: &str, dictionary: Option<&Dictionary>) {
    match dictionary.and_then(|words| words.number(name)) {
        Some(number) => write_varint(out, from_size(number) << 1),
        None => {
            write_varint(out, from_size(name.len()) << 1 | 1);
            out.extend_from_slice(name.as_bytes());
        }
    }
}

fn write_value(out: &mut Vec<u8>, text: &str, dictionary: Option<&Dictionary>) {
    let start = out.len();
    if write_scalar(out, text, dictionary).is_some() {
        return;
    }
    if write_list(out, text, dictionary).is_none() {
        out.truncate(start);
        write_head(out, TEXT, from_size(text.len()));
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes the form and its argument. The argument is below 2^61.
fn write_head(out: &mut Vec<u8>, form: u64, argument: u64) {
    write_varint(out, argument << 3 | form);
}

/// Writes a value that forms 0 to 3 can express; `None` and nothing written otherwise.
fn write_scalar(out: &mut Vec<u8>, text: &str, dictionary: Option<&Dictionary>) -> Option<()> {
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
            match dictionary.and_then(|words| words.number(content)) {
                Some(number) => write_head(out, WORD, from_size(number)),
                None => {
                    write_head(out, STRING, from_size(content.len()));
                    out.extend_from_slice(content.as_bytes());
                }
            }
        }
        json::JsonKind::Number => {
            // Of all integers that JSON can write, only this one has a second form.
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

/// Writes an array that has no whitespace between its elements and only elements of forms 0 to 3; `None`
/// otherwise, and then something may have been written.
fn write_list(out: &mut Vec<u8>, text: &str, dictionary: Option<&Dictionary>) -> Option<()> {
    if json::kind(text) != json::JsonKind::Array {
        return None;
    }
    let (count, length) = json::elements(text).fold((0_usize, 0_usize), |(count, length), element| {
        (count.saturating_add(1), length.saturating_add(element.len()))
    });
    // Two brackets, and a comma between each two elements.
    let compact = length.saturating_add(count.saturating_sub(1)).saturating_add(2);
    if compact != text.len() {
        return None;
    }
    write_head(out, LIST, from_size(count));
    json::elements(text).try_for_each(|element| write_scalar(out, element, dictionary))
}

/// Reads a payload up to the end of the bytes.
pub(crate) fn read(bytes: &[u8], dictionary: Option<&Dictionary>) -> Result<Context, CarrierError> {
    let mut reader = Reader::new(bytes);
    let count = reader.size()?;
    if count > MAX_CONTEXT_FIELDS {
        return Err(CarrierError::TooManyFields);
    }
    // Names and short values are mostly words of the dictionary: a number here, a text there.
    let mut context = Context::with_capacity(count, bytes.len().saturating_mul(3).min(MAX_CONTEXT_BYTES));
    let mut value = String::with_capacity(64);
    for _ in 0..count {
        let name = read_name(&mut reader, dictionary)?;
        value.clear();
        read_value(&mut reader, dictionary, &mut value)?;
        insert_new(&mut context, name, &value)?;
    }
    reader.finish()?;
    Ok(context)
}

fn read_name<'a>(reader: &mut Reader<'a>, dictionary: Option<&'a Dictionary>) -> Result<&'a str, CarrierError> {
    let head = reader.varint()?;
    let argument = to_size(head >> 1)?;
    if head & 1 == 0 { word(dictionary, argument) } else { reader.text(argument) }
}

fn word(dictionary: Option<&Dictionary>, number: usize) -> Result<&str, CarrierError> {
    dictionary.and_then(|words| words.word(number)).ok_or(CarrierError::Malformed)
}

fn read_value(reader: &mut Reader<'_>, dictionary: Option<&Dictionary>, out: &mut String) -> Result<(), CarrierError> {
    let (form, argument) = read_head(reader)?;
    match form {
        LIST => {
            out.push('[');
            for index in 0..argument {
                if index > 0 {
                    out.push(',');
                }
                let (form, argument) = read_head(reader)?;
                read_scalar(reader, dictionary, form, argument, out)?;
                // A word takes a byte here and many there, so the sum is bounded while it grows.
                if out.len() > MAX_CONTEXT_BYTES {
                    return Err(CarrierError::TooLarge);
                }
            }
            out.push(']');
        }
        TEXT => {
            let text = reader.text(to_size(argument)?)?;
            json::check(text).map_err(|_| CarrierError::NotJson)?;
            out.push_str(text);
        }
        _ => read_scalar(reader, dictionary, form, argument, out)?,
    }
    Ok(())
}

fn read_head(reader: &mut Reader<'_>) -> Result<(u64, u64), CarrierError> {
    let head = reader.varint()?;
    Ok((head & 7, head >> 3))
}

fn read_scalar(
    reader: &mut Reader<'_>,
    dictionary: Option<&Dictionary>,
    form: u64,
    argument: u64,
    out: &mut String,
) -> Result<(), CarrierError> {
    match form {
        CONSTANT => {
            let constant = to_size(argument).ok().and_then(|number| CONSTANTS.get(number));
            out.push_str(constant.ok_or(CarrierError::Malformed)?);
        }
        WORD => json::write_string(out, word(dictionary, to_size(argument)?)?),
        STRING => {
            let content = reader.text(to_size(argument)?)?;
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
    Ok(())
}
