//! IR to bytecode.
//!
//! [`Builder`] collects the programs of an artifact with their pools: equal constants, attributes, regexes
//! and programs are stored once.

mod builder;
mod cost;
mod costs;
mod emit;
mod evaluate;
mod listing;
mod load;
mod loops;
mod pool;
pub(crate) mod regex;
mod share;

#[cfg(test)]
mod library_tests;
#[cfg(test)]
mod mutation_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use cost::MAX_COST;
pub use costs::Costs;
pub use evaluate::{lower, lower_unfolded};
pub use listing::listing;
pub(crate) use listing::{attribute as attribute_name, instruction};
pub use load::{PackError, load_programs, run_alone};

/// Returns the serialized automaton of a regex, or `None` if it cannot be built. With `whole` it must match all of a
/// text.
pub(crate) fn build_regex(pattern: &str, whole: bool) -> Option<Vec<u8>> {
    regex::build(pattern, whole).ok()
}
