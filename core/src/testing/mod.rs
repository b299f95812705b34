//! Shared by tests, fuzz targets and benches: a small mesh, requests and hosts made of plain data, and a generator of
//! programs. Other crates use it with the feature `testing`, which is off in everything that is shipped.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

mod host;
mod mesh;
pub mod pools;
pub mod programs;
mod request;

pub use host::FakeHost;
pub use mesh::{
    add_attribute, add_constant, add_inbound, add_program, add_string, field, rule, tables, verified, word,
};
pub use request::{Request, context, shown};
