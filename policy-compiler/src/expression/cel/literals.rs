//! Literals that their functions cannot read, such as an invalid duration. They are found at compile time.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::check::Checker;
use super::library;
use super::problem::Problem;
use super::typed::{TypedExpr, TypedKind};
use crate::report::diagnostic::code;

/// The functions that parse a text: name, kind of text, and an example.
const READERS: &[(&str, &str, &str)] = &[
    ("duration", "duration", "write it like `'1h30m'` or `'90s'`"),
    ("timestamp", "timestamp", "write it like `'2024-01-31T08:30:00Z'`"),
    ("ip", "IP address", "write it like `'10.0.0.1'` or `'2001:db8::1'`"),
    ("cidr", "range of IP addresses", "write it like `'10.0.0.0/8'`"),
    ("int", "int", "write it like `'42'`"),
    ("uint", "uint", "write it like `'42'`"),
    ("double", "double", "write it like `'1.5'`"),
    ("bool", "bool", "write `'true'` or `'false'`"),
    ("base64.decode", "base64 text", "write it like `'aGVsbG8='`"),
];

impl Checker<'_> {
    /// Reports a literal that its library function cannot read.
    pub(super) fn check_literal(&mut self, function: &'static str, arguments: &[TypedExpr]) {
        let reader = READERS.iter().find(|(name, ..)| *name == function);
        let (Some((_, what, example)), true) = (reader, self.environment.has_attributes()) else { return };
        let [TypedExpr { kind: TypedKind::Literal(ScalarConstant::String(text)), start, end, .. }] = arguments else {
            return;
        };
        let Some(number) = library::number(function, 1) else { return };
        if number.fails(&ScalarConstant::String(text.clone())) {
            let message = format!("`'{text}'` is not a valid {what}");
            self.problems.push(Problem::new(code::BAD_LITERAL, (*start, *end), message).help(*example));
        }
    }
}
