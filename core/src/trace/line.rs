//! What all lines of one header say together.

/// All lines of one header, and all values of a line: what one reader joins with commas, another splits at them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Line<'h> {
    /// The header is not there.
    #[default]
    Absent,
    /// It is there once.
    Once(&'h [u8]),
    /// It is there more than once, with equal values.
    Again(&'h [u8]),
    /// It is there with different values.
    Differs,
}

impl<'h> Line<'h> {
    /// The value that all lines agree on.
    pub(super) fn value(self) -> Option<&'h [u8]> {
        match self {
            Self::Once(value) | Self::Again(value) => Some(value),
            Self::Absent | Self::Differs => None,
        }
    }

    /// The header with one more line.
    pub(super) fn add(self, line: &'h [u8]) -> Self {
        if !line.contains(&b',') {
            return self.add_value(line);
        }
        line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).fold(self, Self::add_value)
    }

    fn add_value(self, value: &'h [u8]) -> Self {
        match self.value() {
            None if self == Self::Absent => Self::Once(value),
            Some(known) if known == value => Self::Again(value),
            _ => Self::Differs,
        }
    }
}
