//! From text to syntax tree.
//!
//! ```text
//! text ─> lexer ─> brackets ─> expression, member, group ─> tree
//!         tokens   each with   operators   names,  contents
//!                  a partner               calls   of brackets
//! ```
//!
//! The grammar is that of the CEL specification, with optional syntax and names in backticks as in cel-go. The parser
//! recovers from every mistake: what is missing is filled in, and what does not belong is skipped, so that all mistakes
//! of a text are reported at once. The parser goes over the text once, and recurses no deeper than [`MAX_DEPTH`].

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions
)]

mod brackets;
mod expression;
mod group;
mod lexer;
mod literal;
mod member;
mod mistake;
mod notation;
mod operator;
#[cfg(test)]
mod oracle;
mod parser;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use notation::syntax;
pub(super) use operator::Binary;
pub(super) use tree::{Expr, ExprKind, Field, Literal, Place};

use super::problem::Problem;

/// Longest expression, in bytes. Far above any rule that a person can read.
const MAX_TEXT: usize = 16 * 1024;

/// Deepest syntax tree, and deepest brackets. The parser and the stages after it recurse, so this bounds their stacks.
/// CEL requires implementations to support at least 32.
const MAX_DEPTH: usize = 64;

/// Most mistakes that are listed for one text. A text with more is something else than CEL.
const MAX_PROBLEMS: usize = 20;

/// Parses a text.
///
/// # Errors
/// All mistakes of its syntax, sorted by place, or the limit that it exceeds.
pub(super) fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    let length = text.chars().count();
    if text.len() > MAX_TEXT {
        return Err(vec![mistake::too_long(text.len(), MAX_TEXT, length)]);
    }
    let mut problems = Vec::new();
    let tokens = lexer::tokens(text, &mut problems);
    if tokens.is_empty() {
        return Err(if problems.is_empty() { vec![mistake::empty(length)] } else { listed(problems) });
    }
    let tokens = brackets::pair(tokens, length, &mut problems);
    let expr = parser::parse(tokens, &mut problems)?;
    if problems.is_empty() { Ok(expr) } else { Err(listed(problems)) }
}

/// Sorts the problems and keeps those that are listed.
fn listed(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.start, problem.end));
    problems.dedup();
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    if let Some(first) = problems.get(MAX_PROBLEMS) {
        let place = (first.start, first.end);
        problems.truncate(MAX_PROBLEMS);
        problems.push(mistake::more(more, place));
    }
    problems
}
