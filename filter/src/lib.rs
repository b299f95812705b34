//! The Envoy filter of Context Mesh: a thin proxy-wasm shell around `context-mesh-core`.
//!
//! It reads its configuration, passes each request to the core, and carries out the returned plan. It makes no
//! decisions itself, and never panics: a panic would end the virtual machine of the worker.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod abi;
mod configure;
mod contexts;
mod exports;
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
mod heap;
mod host;
mod info;
mod memories;
mod randomness;
mod root;
mod stats;
mod stream;
mod types;
mod warnings;
mod workloads;
