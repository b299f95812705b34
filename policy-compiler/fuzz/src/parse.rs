//! Compares our parser with the generated one of the `cel` crate: the texts that each accepts, and the trees.

#[path = "../../src/expression/cel/parse/oracle/theirs.rs"]
mod theirs;

use policy_compiler::expression::cel::syntax;
use policy_compiler::report::diagnostic::code::TOO_LARGE;

/// Pieces of expressions: one byte of the input selects each, so that many inputs are valid.
const PIECES: &[&str] = &[
    "a",
    "b",
    ".c",
    "f(",
    ")",
    "(",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    ".?",
    "[?",
    " && ",
    " || ",
    "!",
    "-",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " == ",
    " != ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " in ",
    "1",
    "2u",
    "0x1F",
    "1.5",
    ".5e3",
    "true",
    "null",
    "'s'",
    "\"t\"",
    "b'x'",
    "r'\\'",
    "'''m'''",
    "`d-e`",
    ".`f`",
    "M{",
    "g: ",
    " ",
    "\n",
    "//",
    "x, ",
    ".all(",
    ".map(",
    "has(",
    "in",
    "if",
    "namespace",
    "9223372036854775808",
    "18446744073709551615u",
    "\\x41",
    "\\u00e9",
    "'",
    "\"",
    "\\",
    "e",
    "u",
];

/// One execution. The first byte chooses whether the rest is text or pieces.
///
/// # Panics
/// The parsers differ: a finding.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    if kind % 4 == 0 {
        compare(&String::from_utf8_lossy(rest));
    } else {
        compare(&rest.iter().map(|byte| PIECES[usize::from(*byte) % PIECES.len()]).collect::<String>());
    }
}

fn compare(text: &str) {
    // The generated lexer rejects a NUL within `r'''`, which CEL does not exclude.
    if text.contains('\0') {
        return;
    }
    let ours = syntax(text);
    // Only ours has limits in this range.
    if ours.as_ref().is_err_and(|problems| problems.iter().any(|problem| problem.code == TOO_LARGE)) {
        return;
    }
    let (ours, theirs) = (ours.ok(), theirs::syntax(text));
    assert_eq!(ours, theirs, "ours and theirs differ for {text:?}");
}
