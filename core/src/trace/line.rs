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
        self.add_alike(line, |known, value| known == value)
    }

    /// The same where other values can mean the same, too: of these the first one stays.
    pub(super) fn add_alike(self, line: &'h [u8], alike: fn(&[u8], &[u8]) -> bool) -> Self {
        let add = |all: Self, value| match all.value() {
            None if all == Self::Absent => Self::Once(value),
            Some(known) if alike(known, value) => Self::Again(known),
            _ => Self::Differs,
        };
        if !line.contains(&b',') {
            return add(self, line);
        }
        line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).fold(self, add)
    }
}
