//! The combined value of all lines of one header.

/// All lines of one header, and all values of a line: some readers join lines with commas, others split them there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Line<'h> {
    /// The header is absent.
    #[default]
    Absent,
    /// The header is present once.
    Once(&'h [u8]),
    /// The header is present more than once, with equal values.
    Again(&'h [u8]),
    /// The header is present with different values.
    Differs,
}

impl<'h> Line<'h> {
    /// Returns the value that all lines agree on.
    pub(super) fn value(self) -> Option<&'h [u8]> {
        match self {
            Self::Once(value) | Self::Again(value) => Some(value),
            Self::Absent | Self::Differs => None,
        }
    }

    /// Returns the header with one more line.
    pub(super) fn add(self, line: &'h [u8]) -> Self {
        self.add_alike(line, |known, value| known == value)
    }

    /// Returns the header with one more line, where different values may mean the same. Of these the first one is kept.
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
