//! The parts of a context that cannot be read here: fields whose names or values are numbers that the artifact does not
//! list, and extensions of the header that later versions define. They are forwarded unchanged to the next hop.

/// The parts of a context that cannot be read here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The fields, in the order of arrival.
    pub(crate) fields: Vec<CarriedField>,
    /// The extensions of `x-mesh-context` that every hop forwards.
    pub(crate) extensions: Vec<Extension>,
}

/// A field whose name or value is an unknown number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CarriedField {
    /// Its name.
    pub(crate) name: CarriedName,
    /// Its value, encoded as in the payload.
    pub(crate) value: Vec<u8>,
    /// Largest size of the name and the value as text, in bytes, for the limit of the context.
    pub(crate) most_bytes: usize,
}

/// The name of a carried field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CarriedName {
    /// A readable name; only the value is unknown.
    Text(String),
    /// The number of an unknown word.
    Number(u64),
}

impl CarriedName {
    /// Returns the name in reports.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(name) => name.clone(),
            Self::Number(number) => format!("#{number}"),
        }
    }

    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(name) if name == text)
    }
}

/// An extension of `x-mesh-context`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    /// Its number.
    pub(crate) number: u64,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

impl Carried {
    /// Returns whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.extensions.is_empty()
    }

    /// Returns whether the value of this field is unread.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.is(name))
    }

    /// Removes the field with this name. Returns whether it was present.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|field| !field.name.is(name));
        self.fields.len() < before
    }

    /// Returns the number of bytes that it adds to the size of a context.
    pub(crate) fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(|field| field.most_bytes.max(field.value.len()));
        let extensions = self.extensions.iter().map(|extension| extension.content.len());
        fields.chain(extensions).fold(0, usize::saturating_add)
    }
}
