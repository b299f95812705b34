//! Colours in results for people.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Whether text is coloured. Colour never carries information that the text does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For files and pipes.
    Plain,
    /// With ANSI colours, for a terminal.
    Coloured,
}

impl Paint {
    /// Returns the style with or without colours.
    pub const fn new(coloured: bool) -> Self {
        if coloured { Self::Coloured } else { Self::Plain }
    }

    /// Whether there are colours.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::Coloured)
    }

    /// Paints a good result.
    pub fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    /// Paints a bad result.
    pub fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// Paints something that needs attention.
    pub fn warn(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    /// Paints the most important text, such as a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Paints the least important text.
    pub fn faint(self, text: impl Display) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Paints the text in a style. Text for a column must be padded first.
    fn with(self, style: Style, text: impl Display) -> String {
        let text = text.to_string();
        if self.is_on() && !text.is_empty() { format!("{style}{text}{style:#}") } else { text }
    }
}
