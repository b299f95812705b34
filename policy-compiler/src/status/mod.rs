//! Which artifacts proxies run, which ones they refused, and whether these are the expected ones.
//!
//! What is read are answers of Envoy's admin interface: `/stats` says what runs and counts what was refused, and a
//! configuration dump holds refused artifacts, which say why when they are loaded here.

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
