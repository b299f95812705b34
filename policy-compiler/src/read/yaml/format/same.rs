//! Whether two YAML texts say the same.

use granit_parser::{Event, Parser, options};

use super::super::node::Scalar;
use super::super::parse::parse;
use crate::report::{
    diagnostic::Diagnostics,
    source::{SourceFile, Sources},
};

/// Whether two texts have the same documents, with keys in any order, and the same comments.
pub(super) fn says_the_same(before: &str, after: &str) -> bool {
    let read = |text: &str| {
        let mut sources = Sources::new("");
        let file = sources.add("", text);
        let mut problems = Diagnostics::new();
        let nodes = sources.file(file).map(|source: &SourceFile| parse(file, source, &mut problems));
        nodes.filter(|_| problems.is_empty())
    };
    let (Some(one), Some(other)) = (read(before), read(after)) else { return false };
    let documents =
        one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| one.says_the_same(other, Scalar::eq));
    documents && comments(before).is_some_and(|found| Some(found) == comments(after))
}

/// Returns the comments of a text, sorted.
fn comments(text: &str) -> Option<Vec<String>> {
    let options = options! { emit_comments: true };
    let mut found = Vec::new();
    for next in Parser::new_from_str_with_options(text, options) {
        if let Event::Comment(comment, ..) = next.ok()?.0 {
            found.push(comment.trim().to_owned());
        }
    }
    found.sort();
    Some(found)
}
