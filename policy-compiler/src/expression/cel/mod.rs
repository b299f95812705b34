//! CEL: from text to a typed expression.
//!
//! [`check()`] is the only entry point. It parses the text (`parse`), checks it against an [`Environment`], and returns
//! a [`TypedExpr`] or everything that is wrong with the text. The language is that of cel-go; `docs/cel.md` lists the
//! few differences.

mod advice;
mod attributes;
mod calls;
mod check;
mod declarations;
mod environment;
mod foreign;
mod infer;
mod library;
mod literals;
mod macros;
mod misread;
mod names;
mod parameter;
mod parse;
mod pattern;
mod problem;
mod template;
mod typed;
mod types;
mod zone;

#[cfg(test)]
mod advice_tests;
#[cfg(test)]
mod tests;

pub(crate) use attributes::{DIRECT_ADDRESS, host_attribute, host_attributes};
pub use check::{Expected, check};
pub use environment::Environment;
pub(crate) use library::number as library_function;
pub(crate) use names::is_identifier;
pub use parameter::ParameterValue;
pub(crate) use parameter::same_type;
pub use parse::syntax;
pub(crate) use pattern::translate as translate_pattern;
pub use problem::Problem;
pub use typed::{Element, Entry, Function, Loop, LoopResult, TypedExpr, TypedKind, WithOptional};
pub use types::Type;
pub(crate) use zone::{needs_table as zone_needs_table, table as zone_table};
