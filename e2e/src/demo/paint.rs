//! Colour, if the output is a terminal.

use std::fmt::Display;
use std::io::IsTerminal as _;

/// Writes with or without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// Without colour.
    pub const PLAIN: Self = Self { colour: false };

    /// Returns colour if standard output is a terminal with colours and `NO_COLOR` (see no-color.org) is not set.
    pub fn of_stdout() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        Self { colour: std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    fn code(self, code: &str, text: impl Display) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Formats the name of a step, in a separate column.
    pub(super) fn step(self, name: &str) -> String {
        self.code("1;36", format_args!("{name:>9}"))
    }

    /// Formats a heading.
    pub(super) fn bold(self, text: impl Display) -> String {
        self.code("1", text)
    }

    /// Formats less important text.
    pub(super) fn dim(self, text: impl Display) -> String {
        self.code("2", text)
    }

    /// Formats an expected result.
    pub(super) fn good(self, text: impl Display) -> String {
        self.code("32", text)
    }

    /// Formats something that the mesh changed.
    pub(super) fn changed(self, text: impl Display) -> String {
        self.code("33", text)
    }

    /// Formats a refusal or an unexpected result.
    pub(super) fn bad(self, text: impl Display) -> String {
        self.code("31", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        assert_eq!(Paint::PLAIN.good("x"), "x");
        assert_eq!(Paint { colour: true }.good("x"), "\x1b[32mx\x1b[0m");
    }
}
