//! `description`, `owner` and `expires` of a rule: what people know of it. Nothing of this goes into an artifact.

use jiff::civil::Date;

use super::decode::{Decoder, Keys};
use crate::{read::yaml::Node, report::source::Spanned};

/// Longest description, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// Longest name of an owner, in bytes.
const MAX_OWNER_BYTES: usize = 253;

/// What people know of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Why it is there.
    pub description: Option<String>,
    /// Who answers questions about it.
    pub owner: Option<String>,
    /// The last day for which it is meant. It applies after it, too.
    pub expires: Option<Spanned<Date>>,
}

impl About {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.description.is_none() && self.owner.is_none() && self.expires.is_none()
    }
}

pub(super) fn read(keys: &mut Keys<'_>, decoder: &mut Decoder<'_>) -> About {
    About {
        description: keys.get("description").and_then(|node| text(node, MAX_DESCRIPTION_BYTES, true, decoder)),
        owner: keys.get("owner").and_then(|node| text(node, MAX_OWNER_BYTES, false, decoder)),
        expires: keys.get("expires").and_then(|node| date(node, decoder)),
    }
}

fn text(node: &Node, limit: usize, lines: bool, decoder: &mut Decoder<'_>) -> Option<String> {
    let text = decoder.string(node)?;
    let said = text.value.trim();
    let strange = |c: char| c.is_control() && !(lines && c == '\n');
    if said.is_empty() || said.len() > limit || said.contains(strange) {
        let of = if lines { "a text" } else { "one line" };
        let message = format!("this must be {of} of 1 to {limit} bytes");
        decoder.invalid(text.span, message, "write such a text, or leave the key out");
        return None;
    }
    Some(said.to_owned())
}

/// Reads a day, for example `2026-12-31`.
fn date(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<Date>> {
    let text = decoder.string(node)?;
    let date = parse_date(&text.value);
    if date.is_none() {
        decoder.invalid(text.span, format!("`{}` is not a day", text.value), "write it as `2026-12-31`");
    }
    date.map(|date| Spanned::new(date, text.span))
}

/// Returns the day that is written as `2026-12-31`.
pub fn parse_date(text: &str) -> Option<Date> {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('-');
    let fine =
        digits(parts.next()?, 4) && digits(parts.next()?, 2) && digits(parts.next()?, 2) && parts.next().is_none();
    if fine { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_form() {
        let rows = [
            ("2026-12-31", true),
            ("2028-02-29", true),
            ("2027-02-29", false),
            ("2026-13-01", false),
            ("2026-1-1", false),
            ("20261231", false),
            ("2026-12-31T00:00:00Z", false),
            ("-2026-12-31", false),
            ("31.12.2026", false),
            ("", false),
        ];
        for (text, valid) in rows {
            assert_eq!(parse_date(text).is_some(), valid, "{text}");
        }
    }
}
