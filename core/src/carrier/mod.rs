//! The carriers of a context: its forms in headers.
//!
//! A carrier is accepted as a whole or not at all: a malformed one results in a [`CarrierError`] and adds nothing.
//! Which carriers are trusted, and what a malformed one means for the request, is not decided here.

pub mod baggage;
pub mod dictionary;
pub(crate) mod extension;
pub mod mapped;
pub mod mesh_header;
pub(crate) mod payload;
pub mod tracestate;
pub(crate) mod wire;
pub mod words;

use crate::context::ContextError;

/// The reason why a carrier could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarrierError {
    /// It exceeds a limit in bytes: [`crate::limits::MAX_CARRIER_BYTES`] on the wire or
    /// [`crate::limits::MAX_CONTEXT_BYTES`] after decompression.
    TooLarge,
    /// It contains text that is not UTF-8.
    NotText,
    /// It is not base64url without padding, or not its canonical form.
    NotBase64,
    /// It ends too early.
    Truncated,
    /// It contains something impossible, such as a word number beyond the dictionary.
    Malformed,
    /// It has a version that is not known here.
    UnknownVersion,
    /// It uses a flag that is not known here.
    UnknownFlags,
    /// It has a critical extension that is not known here.
    UnknownExtension,
    /// It has more extensions than the limit.
    TooManyExtensions,
    /// It was written with a dictionary that the artifact does not list.
    UnknownDictionary,
    /// A value is not JSON.
    NotJson,
    /// The name of a field is empty or too long.
    FieldName,
    /// It has more fields or members than the limit.
    TooManyFields,
    /// A header, member or field that must be unique is repeated.
    Repeated,
    /// It was issued too long ago.
    Expired,
    /// It is sealed, which cannot be verified here.
    Sealed,
}

impl CarrierError {
    /// Returns the name in logs, reports and metrics. Names are never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotText => "not-text",
            Self::NotBase64 => "not-base64",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown-version",
            Self::UnknownFlags => "unknown-flags",
            Self::UnknownExtension => "unknown-extension",
            Self::TooManyExtensions => "too-many-extensions",
            Self::UnknownDictionary => "unknown-dictionary",
            Self::NotJson => "not-json",
            Self::FieldName => "field-name",
            Self::TooManyFields => "too-many-fields",
            Self::Repeated => "repeated",
            Self::Expired => "expired",
            Self::Sealed => "sealed",
        }
    }
}

impl From<ContextError> for CarrierError {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::FieldName => Self::FieldName,
            ContextError::TooManyFields => Self::TooManyFields,
            ContextError::TooLarge => Self::TooLarge,
            ContextError::NotJson => Self::NotJson,
        }
    }
}

/// Puts a checked value under a name that must be new.
fn insert_new(context: &mut crate::context::Context, name: &str, value: &str) -> Result<(), CarrierError> {
    let before = context.len();
    context.insert_checked(name, value)?;
    if context.len() == before { Err(CarrierError::Repeated) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod test_fields {
    //! Declared fields for the tests of this crate.

    use crate::tables::{FieldTable, FieldType};

    /// Returns a field without constraints.
    pub(crate) fn field(name: &str, value: FieldType) -> FieldTable {
        let header = Some(format!("x-{}", name.replace('_', "-")));
        FieldTable { name: name.to_owned(), value, header, ..FieldTable::default() }
    }
}
