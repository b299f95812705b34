//! Recorded requests: from JSON with the keys of a policy test, and from access logs.
//!
//! A request from a log has [`Gaps`]: values that the log does not hold. What the filter reported of it is [`Earlier`], and
//! [`Known`] says what follows from both.

mod access_log;
mod earlier;
pub mod filter_report;
mod gaps;
pub mod input;
mod known;

pub use earlier::{Earlier, Presence};
pub use gaps::Gaps;
pub use input::Recorded;
pub use known::Known;
