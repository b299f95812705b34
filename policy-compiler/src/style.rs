//! Colours in results for people.

/// Whether text gets colours. The words say everything; colours only help to find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For files and pipes.
    Plain,
    /// With ANSI colours, for a terminal.
    Coloured,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }

    /// What is as it should be.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What is not.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// What matters most.
    pub fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What matters least.
    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }
}
