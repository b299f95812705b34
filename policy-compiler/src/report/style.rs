//! Colours in results for people.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Whether text gets colours. What is painted is the same text: nothing is said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For files and pipes.
    Plain,
    /// With ANSI colours, for a terminal.
    Coloured,
}

impl Paint {
    /// With colours or without.
    pub const fn new(coloured: bool) -> Self {
        if coloured { Self::Coloured } else { Self::Plain }
    }

    /// Whether there are colours.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::Coloured)
    }

    /// What is as it should be.
    pub fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    /// What is not.
    pub fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// What needs attention.
    pub fn warn(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    /// What matters most, such as a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What matters least.
    pub fn faint(self, text: impl Display) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// The text in a style. A text that is to stand in a column must be padded before.
    fn with(self, style: Style, text: impl Display) -> String {
        let text = text.to_string();
        if self.is_on() && !text.is_empty() { format!("{style}{text}{style:#}") } else { text }
    }
}
