//! Expressions and rules in our virtual machine and in the interpreter of the `cel` crate, without a proxy.
//!
//! Both sides get the same request ([`request`]) and must give the same value before anything is timed.

pub mod expressions;
pub mod ours;
pub mod request;
pub mod rules;
pub mod table;
pub mod theirs;
pub mod timing;
