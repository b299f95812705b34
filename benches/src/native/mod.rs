//! Measures expressions and rules in our virtual machine and in the interpreter of the `cel` crate, without a proxy.
//!
//! Both sides have the same request ([`request`]), and must return the same value before anything is timed.

pub mod corpus;
pub mod decision;
pub mod expressions;
pub mod ours;
pub mod request;
pub mod rules;
pub mod table;
pub mod theirs;
pub mod timing;
