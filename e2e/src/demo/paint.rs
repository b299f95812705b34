//! Colour, if the output is a terminal.

use std::io::IsTerminal as _;

use policy_compiler::report::style::Paint;

/// Returns colour if standard output is a terminal with colours and `NO_COLOR` (see no-color.org) is not set.
pub fn of_stdout() -> Paint {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    Paint::new(std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb)
}
