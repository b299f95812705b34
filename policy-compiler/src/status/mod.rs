//! The artifacts that proxies run, those that they rejected, and a comparison with the expected ones.
//!
//! The input is answers of Envoy's admin interface. `/stats` names what runs, and counts what was rejected. A
//! configuration dump contains rejected artifacts; loading them here finds the reason.

mod dump;
pub mod expected;
mod json;
mod proxy;
mod refusals;
mod stats;
mod text;

pub use json::json;
pub use proxy::{Answers, Proxy, Refusal, Running, Verdict};
pub use text::text;
