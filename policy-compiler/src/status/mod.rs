//! Which artifacts proxies run, which ones they refused, and whether these are the expected ones.

pub mod expected;
