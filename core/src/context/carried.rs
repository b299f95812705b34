//! What a context brings along that cannot be read here: fields under or with numbers that the artifact does not list,
//! and extensions of the header that later versions define. It goes on unchanged to the next hop.

/// What cannot be read here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The fields, in the order in which they came.
    pub(crate) fields: Vec<CarriedField>,
    /// The extensions of `x-mesh-context` that every hop passes on.
    pub(crate) extensions: Vec<Extension>,
}

/// A field whose name or value is a number that is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CarriedField {
    /// Its name.
    pub(crate) name: CarriedName,
    /// Its value as it stands in the payload.
    pub(crate) value: Vec<u8>,
    /// The most bytes that name and value can take as text, for the limit of the context.
    pub(crate) most_bytes: usize,
}

/// The name of a carried field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CarriedName {
    /// The name can be read, but not the value.
    Text(String),
    /// The number of a word that is not known here.
    Number(u64),
}

impl CarriedName {
    /// The name in reports.
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
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.extensions.is_empty()
    }

    /// Whether the value of this field is among it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.is(name))
    }

    /// Takes the field of this name out; says whether it was there.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|field| !field.name.is(name));
        self.fields.len() < before
    }

    /// What it adds to the size of a context.
    pub(crate) fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(|field| field.most_bytes.max(field.value.len()));
        let extensions = self.extensions.iter().map(|extension| extension.content.len());
        fields.chain(extensions).fold(0, usize::saturating_add)
    }
}
