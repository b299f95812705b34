//! CEL: from text to a typed expression.
//!
//! [`check()`] is the one way in: it parses the text, checks it against an [`Environment`] and gives a
//! [`TypedExpr`], or everything that is wrong with it. The language follows cel-go; what this version does
//! not cover yet is a problem that says so.

mod advice;
mod attributes;
mod calls;
mod check;
mod environment;
mod names;
mod overloads;
mod parse;
mod pattern;
mod problem;
mod reword;
mod syntax;
mod token;
mod typed;
mod types;
mod unsupported;

#[cfg(test)]
mod tests;

pub use check::{Expected, check};
pub use environment::Environment;
pub(crate) use pattern::translate as translate_pattern;
pub use problem::{CODES, Problem, code};
pub use typed::{Function, TypedExpr, TypedKind};
pub use types::Type;
